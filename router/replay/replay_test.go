package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each way in which fates differ, and that the rest is the same.
func TestFates(t *testing.T) {
	before := policy(t, listen, relays+answers)
	for name, c := range map[string]struct {
		listen, rules string
		want          []string
	}{
		"the same": {listen, relays + answers, nil},
		"renamed":  {listen, strings.ReplaceAll(relays+answers, "name: ", "name: other "), nil},
		"the answer": {listen, relays + strings.ReplaceAll(answers, "404", "403"),
			[]string{"line 11: OPTIONS from 198.51.100.7:5060/udp: " +
				"[all] 404 Not Found | [all] 403 Forbidden"}},
		"the reason": {listen, relays + strings.ReplaceAll(answers, "404", "404, reason: Who"),
			[]string{"line 11: OPTIONS from 198.51.100.7:5060/udp: [all] 404 Not Found | [all] 404 Who"}},
		"silence": {listen, relays + strings.ReplaceAll(answers, "reply: {code: 404}", "drop: {}"),
			[]string{"line 11: OPTIONS from 198.51.100.7:5060/udp: [all] 404 Not Found | [all] silence"}},
		"where it goes": {listen, strings.ReplaceAll(relays, "gw1", "gw2") + answers,
			[]string{"line 1: INVITE from 198.51.100.7:5060/udp: " +
				"[calls] → gw1.example.org | [calls] → gw2.example.org"}},
		"what leaves": {listen, strings.ReplaceAll(relays, "{record_route: {}}", "{set_header: {X: y}}") +
			answers, []string{"line 1: INVITE from 198.51.100.7:5060/udp: " +
			"[calls] → gw1.example.org | [calls] → gw1.example.org"}},
		"by which listener": {`{udp: "192.0.2.11:5060"}`, relays + answers,
			[]string{"line 1: INVITE from 198.51.100.7:5060/udp: " +
				"[calls] → gw1.example.org | [calls] → gw1.example.org"}},
		"no listener": {`{udp: "[2001:db8::10]:5060"}, {tcp: "192.0.2.10:5060"}`, relays + answers,
			[]string{"line 1: INVITE from 198.51.100.7:5060/udp: [calls] → gw1.example.org | " +
				"[calls] 500 No Transport To Next Hop"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := messages(t, sipRequest("INVITE", 1), sipRequest("OPTIONS", 2))
			_, lines := run(t, before, policy(t, c.listen, c.rules), file)
			wantLines(t, lines, c.want...)
		})
	}
}

// What counts transactions and connections, or is drawn by chance, makes no
// difference: with another history, and other listeners before.
func TestNothingOfChance(t *testing.T) {
	rules := `    - name: tcp
      match: {method: MESSAGE}
      do: [{forward: {to: "sip:gw.example.org;transport=tcp"}}]
    - name: lost
      match: {method: INFO}
      do: [{relay: {to: "sip:gw.example.org;transport=sctp", failure: tell}}]
`
	more := `  failure:
    tell: [{do: [{send_request: {method: OPTIONS, to: "sip:watch.example.org"}}]}]
`
	tcp := `{tcp: "192.0.2.10:5060"}, `
	before := policy(t, tcp+listen, rules+relays+answers, more)
	after := policy(t, `{udp: "[2001:db8::99]:5060"}, `+tcp+listen,
		`    - name: first
      match: {method: INVITE, headers: {X: "1"}}
      do: [{reply: {code: 480}}]
`+rules+relays+answers, more)
	var list [][3]string
	for n := range 60 {
		method := []string{"INVITE", "MESSAGE", "INFO", "OPTIONS"}[n%4]
		text := sipRequest(method, n, fmt.Sprintf("X: %d\r\n", n%3))
		if method == "MESSAGE" { // an answer goes by the flow, not by such a Via
			text = strings.Replace(text, "/UDP", "/TCP", 1)
		}
		list = append(list, [3]string{"198.51.100.7:5060", "192.0.2.10:5060", text})
	}
	c, lines := run(t, before, after, capture(t, list...))
	if c.Differ != 5 || len(lines) != 5 {
		t.Errorf("%d differ, want the 5 calls of the new rule\n%s", c.Differ, strings.Join(lines, "\n"))
	}
	sent := 0
	_, err := Run(&Config{
		Old: before, New: policy(t, tcp+listen, answers), Files: []string{capture(t, list...)},
		Differs: func(d *Difference) error {
			for i := range d.Old.Sent {
				if strings.Contains(d.Old.Sent[i].Message, "OPTIONS sip:watch.example.org") {
					sent++
				}
			}
			return nil
		},
		Trouble: func(x Trouble) { t.Error(x.Err) },
	})
	if err != nil || sent != 15 {
		t.Errorf("%v, %d requests of the router's own, want 15", err, sent)
	}
}

// More transactions than a world holds.
func TestManyCalls(t *testing.T) {
	before := policy(t, listen, relays+answers)
	var list []string
	for n := range 6000 {
		list = append(list, sipRequest("INVITE", n))
	}
	c, lines := run(t, before, before, messages(t, list...))
	if c.Same != len(list) {
		t.Errorf("%d are the same, want %d\n%s", c.Same, len(list), strings.Join(lines[:1], ""))
	}
}

// What the engine does by itself is no decision of a policy.
func TestEngine(t *testing.T) {
	before, after := policy(t, listen, answers), policy(t, listen, `    - do: [{drop: {}}]`+"\n")
	invite, ack := sipRequest("INVITE", 1), sipRequest("ACK", 1)
	old := strings.ReplaceAll(sipRequest("BYE", 3), "z9hG4bK-", "")
	c, lines := run(t, before, after, messages(t,
		invite, invite, strings.ReplaceAll(invite, "70", "69"), sipRequest("CANCEL", 1), ack,
		sipRequest("CANCEL", 2), strings.ReplaceAll(ack, "bK-1", "bK-4"), old, old,
		"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"))
	wantLines(t, lines,
		"line 1: INVITE from 198.51.100.7:5060/udp: [all] 404 Not Found | [request/1] silence",
		"line 51: CANCEL from 198.51.100.7:5060/udp: [all] 404 Not Found | [request/1] silence",
		"line 71: BYE from 198.51.100.7:5060/udp: [all] 404 Not Found | [request/1] silence")
	if s := c.Skipped; s.Repeated != 3 || s.Engine != 2 || s.Responses != 1 || c.Same != 1 {
		t.Errorf("counts %+v", c)
	}
}

// A malformed request is for the engine, or for the error route.
func TestMalformed(t *testing.T) {
	errors := `  error: [{name: bad, do: [{reply: {code: 400, reason: No}}]}]` + "\n"
	file := messages(t, strings.ReplaceAll(sipRequest("OPTIONS", 1), "Forwards: 70", "Forwards: many"))
	c, lines := run(t, policy(t, listen, answers), policy(t, listen, answers, errors), file)
	wantLines(t, lines, "line 1: Malformed Max-Forwards",
		"line 1: OPTIONS from 198.51.100.7:5060/udp: [] 400 Malformed Max-Forwards | [bad] 400 No")
	if c.Malformed != 1 || c.Requests != 1 {
		t.Errorf("counts %+v", c)
	}
}

// Each request finds a policy that remembers nothing, at the time of its recording:
// also where the time goes back.
func TestTimes(t *testing.T) {
	remembers := `    - {name: often, do: [{rate_limit: {key: "all", rate: 1/1h, on_exceed: busy}}]}
    - name: by day
      match: {time: {from: "08:00", to: "18:00", zone: UTC}}
      do: [{reply: {code: 200}}]
`
	busy := "  sub: {busy: [{do: [{reply: {code: 503}}]}]}\n"
	before := policy(t, listen, answers)
	after := policy(t, listen, remembers+answers, busy)
	var list [][3]string
	for n, at := range []string{
		"07:59:59", "08:00:00", "17:59:59", "07:00:00", "17:00:00", "18:00:00",
	} {
		list = append(list, [3]string{"2026-02-28 " + at, "sent", sipRequest("OPTIONS", n)})
	}
	t.Setenv("TZ", "UTC")
	c, lines := run(t, before, after, sippLog(t, list...))
	way := ": OPTIONS from 198.51.100.7:5060/udp: [all] 404 Not Found | [often by day] 200 OK"
	wantLines(t, lines, "line 16"+way, "line 30"+way, "line 58"+way)
	if c.Same != 3 {
		t.Errorf("counts %+v", c)
	}
}

// Time without requests costs nothing, though timer routes would run in it.
func TestLull(t *testing.T) {
	beats := "  timer: {beat: {every: 1s, do: [{log: {message: beat}}]}}\n"
	before := policy(t, listen, answers, beats)
	began := time.Now()
	c, _ := run(t, before, before, messages(t, sipRequest("OPTIONS", 1)), sippLog(t,
		[3]string{"2006-02-28 18:30:00", "sent", sipRequest("OPTIONS", 2)},
		[3]string{"2026-02-28 18:30:00", "sent", sipRequest("OPTIONS", 3)}))
	if took := time.Since(began); c.Same != 3 || took > 30*time.Second {
		t.Errorf("%d are the same, after %s", c.Same, took)
	}
}

// Where requests came to is told by the recording, if it can be.
func TestWhereTheRouterIs(t *testing.T) {
	const alice, gw = "198.51.100.7:5060", "203.0.113.1:5060"
	const edge, other = "192.0.2.10:5060", "192.0.2.20:5060"
	before, after := policy(t, listen, answers), policy(t, listen, relays+answers)
	wild := `{udp: "0.0.0.0:5060"}`
	way := ": INVITE from 198.51.100.7:5060/udp: [all] 404 Not Found | [calls] → gw1.example.org"
	list := [][3]string{
		{edge, gw, sipRequest("OPTIONS", 1)}, {alice, edge, sipRequest("INVITE", 2)},
		{edge, gw, strings.ReplaceAll(sipRequest("INVITE", 2), "bK-2", "bK-3")},
		{alice, edge, sipRequest("INVITE", 4)}, {alice, other, sipRequest("INVITE", 5)},
		{alice, edge, sipRequest("BYE", 6)}, {alice, "192.0.2.10:5080", sipRequest("INVITE", 7)},
	}
	c, lines := run(t, before, after, capture(t, list...))
	wantLines(t, lines, "packet 2"+way, "packet 4"+way)
	if c.Skipped.Elsewhere != 4 || len(c.Own) > 0 {
		t.Errorf("counts %+v", c)
	}

	// Of a listener on all addresses: the one that most requests went to.
	c, lines = run(t, policy(t, wild, answers), policy(t, wild, relays+answers), capture(t, list...))
	wantLines(t, lines, "packet 2"+way, "packet 4"+way)
	if c.Skipped.Elsewhere != 4 || fmt.Sprint(c.Own) != "[192.0.2.10]" {
		t.Errorf("counts %+v", c)
	}

	// Elsewhere: every request.
	c, _ = run(t, before, after, capture(t, list[4], list[6]))
	if c.Differ != 2 {
		t.Errorf("counts %+v", c)
	}

	// SIPp sends to the router; where it only receives, it stood in its place.
	invite := func(course string, n int) [3]string {
		return [3]string{"now", course, sipRequest("INVITE", n)}
	}
	c, lines = run(t, before, after,
		sippLog(t, invite("received", 1), invite("sent", 2)), sippLog(t, invite("received", 3)))
	wantLines(t, lines, "line 16"+way, "line 2"+way)
	if c.Skipped.Elsewhere != 1 {
		t.Errorf("counts %+v", c)
	}
}

// How a request comes that says little of it: by its Via where that leads to a
// listener.
func TestArrival(t *testing.T) {
	before := policy(t, listen+`, {tcp: "[2001:db8::10]:5060"}`, answers)
	after := policy(t, listen+`, {tcp: "[2001:db8::10]:5060"}`, `    - {do: [{drop: {}}]}`+"\n")
	for via, want := range map[string]string{
		"UDP 198.51.100.7":                              "198.51.100.7:5060/udp",
		"UDP host;received=198.51.100.8;rport=4711":     "198.51.100.8:4711/udp",
		"TCP [2001:db8::7]:5070":                        "[2001:db8::7]:5070/tcp",
		"TCP host":                                      "[2001:db8:ffff::9]:5060/tcp",
		"TCP 198.51.100.7":                              "198.51.100.7:5060/udp",
		"TLS 198.51.100.7":                              "198.51.100.7:5061/udp",
		"WS host.invalid":                               "203.0.113.9:5060/udp",
		"UDP [2001:db8::7]":                             "[2001:db8::7]:5060/tcp",
		"UDP 198.51.100.7:5062;received=198.51.100.007": "203.0.113.9:5060/udp",
	} {
		m := strings.Replace(sipRequest("OPTIONS", 1), "UDP 198.51.100.7:5060", via, 1)
		_, lines := run(t, before, after, messages(t, m))
		wantLines(t, lines, "line 1: OPTIONS from "+want+": [all] 404 Not Found | [request/1] silence")
	}
}

// What cannot be read is told, and the rest is replayed.
func TestUnreadable(t *testing.T) {
	before := policy(t, listen, answers)
	cut := capture(t, [3]string{"198.51.100.7:5060", "192.0.2.10:5060", sipRequest("INVITE", 1)},
		[3]string{"198.51.100.7:5060", "192.0.2.10:5060", sipRequest("INVITE", 2)})
	b, err := os.ReadFile(cut)
	if err == nil {
		err = os.WriteFile(cut, b[:len(b)-9], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	c, lines := run(t, before, before, messages(t, "# notes\n"), cut, gone,
		messages(t, sipRequest("BYE", 3)))
	wantLines(t, lines, "line 1: no SIP message in it", "packet 2: cut short",
		" 0: open "+gone+": no such file or directory")
	if c.Faults != 2 || c.Unreadable != 1 || c.Same != 2 {
		t.Errorf("counts %+v", c)
	}
}

// BenchmarkReplay is 1,000 requests through two policies that relay calls.
func BenchmarkReplay(b *testing.B) {
	before := policy(b, listen, relays+answers)
	var list []string
	for n := range 1000 {
		list = append(list, sipRequest([]string{"INVITE", "OPTIONS"}[n%2], n))
	}
	file := messages(b, list...)
	for b.Loop() {
		run(b, before, before, file)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
