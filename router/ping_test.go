package router

import (
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router/natping"
	"sipedge/schema"
	"sipedge/sip"
)

const pinging = `version: 1
listen: [{udp: "10.0.0.9:5060"}]
domains: [example.net]
nat: {ping: {location: contacts}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, received: always}}]
    - do: [{reply: {code: 404}}]
  reply:
    all: [{do: [{log: {message: a reply}}]}]
`

// Who registered from elsewhere is pinged; his answer is no stray response; a reload knows what
// he did not answer; what he lets go is not pinged any more.
func TestPings(t *testing.T) {
	w := &wire{listeners: Listeners(load(t, pinging))}
	now, woken := time.Unix(0, 0), 0
	r := New(Config{
		Sender: w, Clock: func() time.Time { return now }, Wake: func(time.Time) { woken++ },
		Locations: stored(), Ping: true,
	})
	swap(t, r, pinging)
	if woken == 0 {
		t.Error("nobody says that there is something to do")
	}
	pass := func(d time.Duration) {
		w.sent = nil
		for end := now.Add(d); now.Before(end); {
			next := r.Advance(now)
			if next.IsZero() || !next.After(now) {
				t.Fatalf("at %v the next call is at %v", now, next)
			}
			now = next
		}
	}
	register := func(cseq string, fields ...string) {
		t.Helper()
		fields = append(fields, "CSeq: "+cseq+" REGISTER", "Contact: <sip:bob@192.168.0.2>")
		if got := status(t, w.ask(r, "REGISTER sip:example.net", fields...)); got != "200 OK" {
			t.Fatal(got)
		}
	}
	const round = 30*time.Second + 200*time.Millisecond
	register("1")
	pass(round)
	if len(w.sent) != 1 {
		t.Fatalf("want one ping, got %q", w.sent)
	}
	for _, want := range []string{
		"OPTIONS sip:bob@192.168.0.2 SIP/2.0\r\n", "\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKp",
		"\r\nFrom: <sip:example.net>;tag=",
	} {
		if !strings.Contains(w.sent[0], want) {
			t.Errorf("want %q in\n%s", want, w.sent[0])
		}
	}
	var m sip.Message
	if err := m.Parse([]byte(w.sent[0])); err != nil {
		t.Fatal(err)
	}
	r.Receive(alice, sip.AppendReply(nil, &m, 405, "", []byte("x"), nil))
	if n := r.Proxy().DroppedResponses; n != 0 {
		t.Errorf("%d answers were taken for stray responses", n)
	}
	stats := func(want natping.Stats) {
		t.Helper()
		if got := r.Pings(); got != want {
			t.Errorf("want %+v, got %+v", want, got)
		}
	}
	stats(natping.Stats{Sent: 1, Answered: 1})
	for range 4 {
		pass(round)
		swap(t, r, strings.Replace(pinging, "code: 404", "code: 403", 1))
	}
	stats(natping.Stats{Sent: 5, Answered: 1})
	pass(round)
	stats(natping.Stats{Sent: 5, Answered: 1, Lost: 1})
	register("2")
	pass(round)
	register("3", "Expires: 0")
	stats(natping.Stats{Sent: 6, Answered: 1, Lost: 1})
	swap(t, r, strings.Replace(pinging, "nat: ", "#", 1))
	if next := r.Advance(now); !next.IsZero() && next.Before(now.Add(time.Second)) {
		t.Errorf("without pings it wants to be called after %v", next.Sub(now))
	}
}

// Tests of policies ping nobody.
func TestNoPings(t *testing.T) {
	r, w := onWire(t, pinging)
	w.ask(r, "REGISTER sip:example.net", "Contact: <sip:bob@192.168.0.2>")
	w.sent = nil
	now := r.cfg.Clock()
	for range 100 {
		now = now.Add(time.Second)
		r.Advance(now)
	}
	if len(w.sent) > 0 {
		t.Errorf("%q", w.sent)
	}
}

// A store that can't be pinged, and a From that is none, are told of where they are named.
func TestPingProblems(t *testing.T) {
	v := VocabularyWith([]backends.Driver{memory.Driver, {Name: "text", Schema: "{}"}})
	for _, c := range []struct{ location, from, want string }{
		{"contacts", "sip:ping@example.net", ""},
		{"through", "sips:ping@example.net", ""},
		{"database", "sip:ping@example.net", "policy.yaml:10:18: error SE2113: only a location store " +
			"with its bindings in memory can be pinged"},
		{"other", "sip:ping@example.net", "policy.yaml:10:18: error SE2113: only a location store " +
			"with its bindings in memory can be pinged"},
		{"contacts", "sip:a@[", `policy.yaml:11:15: error SE4008: "sip:a@[" is not a URI`},
	} {
		doc, _, diags := schema.LoadBytes("policy.yaml", []byte(`version: 1
listen: [{udp: "10.0.0.9:5060"}]
backends:
  contacts: {memory: {}}
  through: {memory: {persist: write_through, database: other}}
  database: {memory: {persist: database_only, database: other}}
  other: {text: {}}
nat:
  ping:
    {  location: `+c.location+`,
       from: "`+c.from+`"}
routes:
  request: [{do: [{reply: {code: 404}}]}]
`), v)
		if doc == nil {
			t.Fatal(diags)
		}
		got := ""
		if _, diags := Compile(doc, Env{}); len(diags) > 0 {
			got = diags[0].String()
		}
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s, %s: want %q, got %q", c.location, c.from, c.want, got)
		}
	}
	doc := load(t, strings.ReplaceAll(pinging, "contacts", "none"))
	if _, diags := Compile(doc, Env{Locations: stored()}); len(diags) != 2 {
		t.Errorf("want two problems, got %v", diags)
	}
}
