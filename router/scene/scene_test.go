package scene

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router"
	"sipedge/router/job"
	"sipedge/schema"
)

const policy = `
version: 1
listen: [{udp: "192.0.2.10:5060"}, {tcp: "192.0.2.10:5060"}, {udp: "[2001:db8::10]:5060"}]
domains: [example.net]
routes:
  request:
    - match: {method: OPTIONS}
      do: [{reply: {code: 200}}]
    - do: [{relay: {to: "sip:gw1.example.org", failure: second}}]
  failure:
    second: [{do: [{relay: {to: "sip:gw2.example.org;transport=tcp"}}]}]
  local: [{do: [{log: {message: "{method}"}}]}]
  startup: [{send_request: {method: MESSAGE, to: "sip:ops.example.net"}}]
  timer:
    quick: {every: 1s, do: [{send_request: {method: INFO, to: "sip:gw1.example.org"}}]}
    slow: {every: 10s, do: [{send_request: {method: OPTIONS, to: "sip:gw1.example.org"}}]}
`

func load(t *testing.T, text string) *schema.Document {
	t.Helper()
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(text), router.Vocabulary())
	if doc == nil {
		t.Fatal(diags.Text(src))
	}
	return doc
}

// told is what left and what the caller got, in two lists.
func told(s *Scene) (sent, replies []string) {
	for i := range s.Sent {
		m := &s.Sent[i]
		sent = append(sent, fmt.Sprint(m.After, " ", m.Method(), " ", m.Target()))
	}
	for i := range s.Replies {
		replies = append(replies, fmt.Sprint(s.Replies[i].After, " ", s.Replies[i].Status()))
	}
	return sent, replies
}

// The time can be set between scenes, back too, and timers are as exact as in a world
// that begins then.
func TestSet(t *testing.T) {
	doc := load(t, `
version: 1
listen: [{udp: "192.0.2.10:5060"}]
routes:
  request:
    - match: {time: {from: "08:00", to: "18:00"}}
      do: [{relay: {to: "sip:gw1.example.org", fr_timer: 4s}}]
    - do: [{reply: {code: 480}}]
`)
	w, err := Start(doc, Outside{Hosts: NewHosts()}, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for _, hour := range []int{17, 8, 18, 7, 17, 9} {
		at := day.Add(time.Duration(hour) * time.Hour)
		fresh, err := Start(doc, Outside{Hosts: NewHosts()}, at, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got [2]string
		for i, w := range []*World{w, fresh} {
			s := New([]Branch{{}}) // silent
			if !w.Set(at) {
				t.Fatalf("%d h: the time cannot be set", hour)
			}
			if err := w.Ask(s, Origin{Source: "203.0.113.9"}, &Message{}); err != nil || !w.Idle() {
				t.Fatal(err, w.Idle())
			}
			sent, replies := told(s)
			got[i] = fmt.Sprint(sent, replies)
		}
		if got[0] != got[1] || strings.Contains(got[0], "408") != (hour >= 8 && hour < 18) {
			t.Errorf("%d h: got %s, in a world of its own %s", hour, got[0], got[1])
		}
	}
	if w.Set(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)) || w.Set(day.AddDate(200, 0, 0)) {
		t.Error("set out of reach")
	}
}

// Branches do what the script says, each request of the router is seen once, and a
// second scene sees nothing of the first, or of routes that run by themselves.
func TestAsk(t *testing.T) {
	w, err := Start(load(t, policy), Outside{Hosts: NewHosts()}, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := New([]Branch{
			{To: "gw2.example.org/tcp", Replies: []Reply{{Code: 180}, {Code: 200, After: 3 * time.Second}}},
			{}, // silent
		})
		if err := w.Ask(s, Origin{}, &Message{}); err != nil {
			t.Fatal(err)
		}
		sent, replies := told(s)
		want := []string{"0s INVITE gw1.example.org", "32s INVITE gw2.example.org/tcp"}
		if !slices.Equal(sent, want) {
			t.Errorf("want %q, got %q", want, sent)
		}
		if want := []string{"0s 100", "32s 180", "35s 200"}; !slices.Equal(replies, want) {
			t.Errorf("want %q, got %q", want, replies)
		}
		if !w.Idle() || s.Log != nil {
			t.Errorf("idle: %v, log: %q", w.Idle(), s.Log)
		}
	}
	if err := w.Ask(New(nil), Origin{Source: "203.0.113.9/tls"}, &Message{}); err == nil {
		t.Error("a request came by a listener there is none of")
	}
}

// Of what the router does by itself a scene sees what it is about.
func TestRuns(t *testing.T) {
	doc := load(t, policy)
	w, err := Start(doc, Outside{Hosts: NewHosts()}, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	slow, start := New(nil), New([]Branch{{Replies: []Reply{{Code: 500}}}})
	w.Timer(slow, "slow", 25*time.Second)
	if err := Startup(start, doc, Outside{Hosts: NewHosts()}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s         *Scene
		sent, log []string
	}{
		{slow, []string{"10s OPTIONS gw1.example.org", "20s OPTIONS gw1.example.org"},
			[]string{"OPTIONS", "OPTIONS"}},
		{start, []string{"0s MESSAGE ops.example.net"}, []string{"MESSAGE"}},
	} {
		if sent, _ := told(tt.s); !slices.Equal(sent, tt.sent) || !slices.Equal(tt.s.Log, tt.log) {
			t.Errorf("want %q, %q; got %q, %q", tt.sent, tt.log, sent, tt.s.Log)
		}
	}
}

// A request is what was given, and what every request has.
func TestMessage(t *testing.T) {
	const via = "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-test-1;rport\r\n"
	f, err := Origin{}.Flow(Listeners(load(t, policy)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		m    Message
		want string
	}{
		{"all filled in", Message{}, "INVITE sip:bob@example.net SIP/2.0\r\n" + via +
			"Max-Forwards: 70\r\nFrom: <sip:caller@example.org>;tag=caller-1\r\n" +
			"To: <sip:bob@example.net>\r\nCall-ID: test-1\r\nCSeq: 1 INVITE\r\n" +
			"Contact: <sip:caller@203.0.113.9:5060>\r\nContent-Length: 0\r\n\r\n"},
		{"parts", Message{Method: "INFO", URI: "sip:x@y", From: "<sip:a@b>;tag=1", To: "<sip:c@d>;tag=2",
			Fields: []Field{{Name: "max-forwards", Absent: true}, {Name: "i", Value: "7"}}, Body: "a\nb"},
			"INFO sip:x@y SIP/2.0\r\ni: 7\r\n" + via + "From: <sip:a@b>;tag=1\r\n" +
				"To: <sip:c@d>;tag=2\r\nCSeq: 1 INFO\r\nContent-Length: 4\r\n\r\na\r\nb"},
		{"text", Message{Text: "BYE sip:x@y\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>\n ;tag=2\n\nz"},
			"BYE sip:x@y SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n ;tag=2\r\n" + via +
				"Max-Forwards: 70\r\nCall-ID: test-1\r\nCSeq: 1 BYE\r\nContent-Length: 1\r\n\r\nz"},
		{"raw", Message{Raw: []byte("x")}, "x"},
	} {
		if got := string(tt.m.bytes(f, 1)); got != tt.want {
			t.Errorf("%s: want\n%s\ngot\n%s", tt.name, tt.want, got)
		}
	}
}

// Without branches only what happens at once is shown; with them all of it.
func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		branches []Branch
		want     int
	}{{nil, 1}, {[]Branch{{Replies: []Reply{{Code: 503}}}}, 2}} {
		s, err := Explain(load(t, policy), &Question{
			Branches: tt.branches, Outside: Outside{Hosts: NewHosts()},
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := s.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if sent, _ := told(s); len(sent) != tt.want || strings.Contains(b.String(), "MESSAGE") ||
			!strings.HasPrefix(b.String(), "request\n    INVITE sip:bob@example.net SIP/2.0\n    Via: ") {
			t.Errorf("want %d requests, got %q\n%s", tt.want, sent, b.String())
		}
	}
}

const nested = `
version: 1
listen: [{udp: "192.0.2.10:5060"}]
vars: {var.n: int}
routes:
  request:
    - {name: never, match: {method: BYE}, do: [{drop: {}}]}
    - {name: first, do: [{set: {var.n: 1}}, {route: inner}]}
    - {name: passed over, match: {vars: {var.n: 2}}, do: [{reply: {code: 500}}]}
    - {name: last, do: [{relay: {to: "sip:gw.example.org"}}]}
  sub:
    inner:
      - {name: never too, match: {method: BYE}, do: [{drop: {}}]}
      - {name: within, do: [{set_header: {X: "{var.n}"}}]}
`

// start makes a world of a policy.
func start(t *testing.T, text string) *World {
	t.Helper()
	w, err := Start(load(t, text), Outside{Hosts: NewHosts()}, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A brief trace tells the same way through the rules, and none of the others.
func TestBriefTrace(t *testing.T) {
	for _, brief := range []bool{true, false} {
		w := start(t, nested)
		s := &Scene{Trace: job.Trace{Brief: brief}}
		if err := w.AskNow(s, Origin{}, &Message{}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Path()); got != "[first within last]" || len(s.Sent) != 1 {
			t.Errorf("brief %t: path %s, %d requests left", brief, got, len(s.Sent))
		}
		edits := 0
		s.Trace.Steps(func(d *job.StepDone) { edits += len(d.Edits) })
		tried := len(s.Trace.Events[0].Run.Rules)
		if brief && (tried != 2 || edits != 0) || !brief && (tried != 4 || edits != 2) {
			t.Errorf("brief %t: %d rules tried, %d edits", brief, tried, edits)
		}
	}
}

// What a policy remembers of scenes is forgotten, what its start taught it is not.
func TestForget(t *testing.T) {
	w := start(t, `
version: 1
listen: [{udp: "192.0.2.10:5060"}]
tables: {known: {cache: {ttl: 1h}}, seen: {cache: {ttl: 1h}}}
routes:
  startup: [{put: {table: known, key: alice}}]
  request:
    - {name: again, match: {from: {user: {in: seen}}}, do: [{reply: {code: 486}}]}
    - name: first
      match: {from: {user: {in: known}}}
      do: [{put: {table: seen, key: "{from.user}"}}]
    - {name: often, do: [{rate_limit: {key: x, rate: 1/1h, on_exceed: busy}}, {reply: {code: 200}}]}
  sub: {busy: [{do: [{reply: {code: 503}}]}]}
`)
	ask := func(from string) int {
		s := New(nil)
		m := &Message{Method: "MESSAGE", From: "sip:" + from + "@example.org"}
		if err := w.Ask(s, Origin{}, m); err != nil {
			t.Fatal(err)
		}
		return s.LastReply().Status()
	}
	for range 2 {
		if got := fmt.Sprint(ask("alice"), ask("alice"), ask("bob")); got != "200 486 503" {
			t.Errorf("answers %s", got)
		}
		w.Forget()
	}
}

// While time passes nobody sees what is sent.
func TestWait(t *testing.T) {
	w := start(t, nested)
	s := &Scene{}
	if err := w.AskNow(s, Origin{}, &Message{}); err != nil {
		t.Fatal(err)
	}
	if w.Idle() || w.Crowded() {
		t.Error("one transaction is none, or too many")
	}
	until := w.net.Now().Add(time.Hour)
	w.Wait(until)
	if !w.net.Now().Equal(until) || !w.Idle() || len(s.Sent) != 1 || len(s.Replies) != 1 {
		t.Errorf("at %s %d sent, %d answered", w.net.Now(), len(s.Sent), len(s.Replies))
	}
}

// Listeners on all addresses have one.
func TestListeners(t *testing.T) {
	doc := load(t, `
version: 1
listen: [{udp: "0.0.0.0:5060"}, {udp: "[::]:5060"}, {tcp: "192.0.2.10:5060"}]
routes: {request: [{do: [{drop: {}}]}]}
`)
	for _, c := range []struct {
		own  []netip.Addr
		want string
	}{
		{nil, "192.0.2.1:5060 [2001:db8::1]:5060 192.0.2.10:5060"},
		{[]netip.Addr{netip.MustParseAddr("2001:db8::9"), netip.MustParseAddr("198.51.100.1")},
			"198.51.100.1:5060 [2001:db8::9]:5060 192.0.2.10:5060"},
	} {
		l := Listeners(doc, c.own...)
		if got := fmt.Sprint(l[0].Addr, l[1].Addr, l[2].Addr); got != c.want {
			t.Errorf("%v: %s, want %s", c.own, got, c.want)
		}
	}
}
