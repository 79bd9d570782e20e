package scene

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router"
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

// Branches do what the script says, each request of the router is seen once, and a
// second scene sees nothing of the first, or of routes that run by themselves.
func TestAsk(t *testing.T) {
	w, err := Start(load(t, policy), NewHosts(), time.Time{}, 0)
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
	w, err := Start(doc, NewHosts(), time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	slow, start := New(nil), New([]Branch{{Replies: []Reply{{Code: 500}}}})
	w.Timer(slow, "slow", 25*time.Second)
	if err := Startup(start, doc, NewHosts(), time.Time{}); err != nil {
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
		s, err := Explain(load(t, policy), &Question{Branches: tt.branches})
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
