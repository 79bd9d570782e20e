package router

import (
	"cmp"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

const head = "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\nroutes:\n"

func hop(addr string, q resolve.Query) resolve.Hop {
	return resolve.Hop{
		Transport: cmp.Or(q.Transport, sip.UDP),
		Addr:      netip.AddrPortFrom(netip.MustParseAddr(addr), cmp.Or(q.Port, 5060)),
	}
}

// wire is a Sender that keeps what is sent.
type wire struct {
	sent      []string
	listeners []transport.Listener
}

func (w *wire) Send(t transport.Target, b []byte, _ uint64) error {
	w.sent = append(w.sent, string(b))
	return nil
}
func (w *wire) Listeners() []transport.Listener         { return w.listeners }
func (w *wire) Choose(sip.Transport, netip.Addr) uint16 { return 0 }

var alice = transport.Flow{
	Transport: sip.UDP,
	Local:     netip.MustParseAddrPort("10.0.0.9:5060"),
	Remote:    netip.MustParseAddrPort("10.0.0.1:5060"),
}

// onWire makes a router whose messages stay on a wire, at a fixed time.
func onWire(t testing.TB, policy string) (*Router, *wire) {
	t.Helper()
	w := &wire{listeners: Listeners(load(t, policy))}
	net := mem.New(mem.Config{})
	r := New(Config{
		Sender: w, Clock: net.Now, Wake: func(time.Time) {}, Resolver: names{net}, Pool: later{net},
	})
	swap(t, r, policy)
	return r, w
}

// ask sends a request with the fields every one has, and others.
func (w *wire) ask(r *Router, start string, fields ...string) []string {
	method, _, _ := strings.Cut(start, " ")
	text := start + " SIP/2.0\r\n"
	fields = append(fields, "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK"+strings.Fields(start)[1],
		"From: <sip:alice@example.org>;tag=a", "To: <sip:bob@example.net>", "Call-ID: 1",
		"CSeq: 1 "+method, "Content-Length: 0")
	seen := map[string]bool{}
	for _, f := range fields {
		name, _, _ := strings.Cut(f, ":")
		if !seen[name] {
			text += f + "\r\n"
		}
		seen[name] = true
	}
	w.sent = nil
	r.Receive(alice, []byte(text+"\r\n"))
	return w.sent
}

func status(t testing.TB, sent []string) string {
	t.Helper()
	if len(sent) != 1 {
		t.Fatalf("want one message, got %q", sent)
	}
	line, _, _ := strings.Cut(sent[0], "\r\n")
	return strings.TrimPrefix(line, "SIP/2.0 ")
}

// What the language refuses, a request that can end unanswered, the engine answers all the same.
func TestUnanswered(t *testing.T) {
	policy := head + `
  request:
    - match: {method: OPTIONS}
      do: [{add_header: {X: y}}]
    - match: {method: MESSAGE}
      do: [{drop: {}}]
    - match: {method: [BYE, ACK], uri: {user: nobody}}
      do: [{reply: {code: 481}}]
    - do: [{reply: {code: 200}}]
`
	r, w := onWire(t, policy)
	doc := load(t, policy)
	doc.Routes.Request = doc.Routes.Request[:3]
	p, diags := r.Compile(doc)
	if p == nil {
		t.Fatal(diags)
	}
	r.Swap(p)
	if s := status(t, w.ask(r, "OPTIONS sip:a@10.0.0.9")); s != "404 Not Found" {
		t.Errorf("off the end: %s", s)
	}
	if s := status(t, w.ask(r, "INFO sip:a@10.0.0.9")); s != "404 Not Found" {
		t.Errorf("no rule: %s", s)
	}
	for _, silent := range []string{"MESSAGE sip:a@10.0.0.9", "ACK sip:a@10.0.0.9", "ACK sip:nobody@10.0.0.9"} {
		if sent := w.ask(r, silent); len(sent) != 0 {
			t.Errorf("%s: sent %q", silent, sent)
		}
	}
	if s := r.Stats(); s.Unanswered != 3 || s.Dropped != 1 {
		t.Errorf("want 3 unanswered, 1 dropped, got %+v", s)
	}
	if !r.Idle() {
		t.Error("a stateless answer left state")
	}
}

// A step that cannot do its work ends the run: later steps and rules never see the request.
func TestFailedStep(t *testing.T) {
	r, w := onWire(t, head+`
  request:
    - match: {method: OPTIONS}
      do: [{route: short}, {reply: {code: 200}}]
    - do: [{reply: {code: 202}}]
  sub: {short: [{do: [{strip: 5}]}]}
`)
	if s := status(t, w.ask(r, "OPTIONS sip:12345@10.0.0.9")); s != "500 Server Internal Error" {
		t.Errorf("got %s", s)
	}
	if s := status(t, w.ask(r, "OPTIONS sip:123456@10.0.0.9")); s != "200 OK" {
		t.Errorf("got %s", s)
	}
}

func TestMalformed(t *testing.T) {
	r, w := onWire(t, head+"  request: [{do: [{reply: {code: 200}}]}]\n")
	if s := status(t, w.ask(r, "OPTIONS sip:a@10.0.0.9", "Max-Forwards: 999")); !strings.HasPrefix(s, "400") {
		t.Errorf("got %s", s)
	}
	w.sent = nil
	for _, junk := range []string{"", "\x00", "hello", "OPTIONS sip:a@b SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"} {
		r.Receive(alice, []byte(junk))
	}
	if len(w.sent) != 0 {
		t.Errorf("sent %q", w.sent)
	}
	var total uint64
	for _, c := range r.Stats().Malformed {
		total += c.N
	}
	if total != 6 {
		t.Errorf("want 6 malformed, got %d: %+v", total, r.Stats().Malformed)
	}
}

func TestStatelessACKAbsorbed(t *testing.T) {
	r, w := onWire(t, head+`
  request:
    - match: {method: ACK}
      do: [{forward: {to: "sip:10.0.0.2"}}]
    - do: [{reply: {code: 403}}]
`)
	sent := w.ask(r, "INVITE sip:a@10.0.0.9")
	if s := status(t, sent); s != "403 Forbidden" {
		t.Fatalf("got %s", s)
	}
	_, to, _ := strings.Cut(sent[0], "To: ")
	to, _, _ = strings.Cut(to, "\r\n")
	if sent := w.ask(r, "ACK sip:a@10.0.0.9", "To: "+to); len(sent) != 0 {
		t.Errorf("our own ACK went on: %q", sent)
	}
	if sent := w.ask(r, "ACK sip:a@10.0.0.9", "To: <sip:bob@example.net>;tag=other"); len(sent) != 1 {
		t.Errorf("a stranger's ACK did not: %q", sent)
	}
}

func TestDrain(t *testing.T) {
	r, w := onWire(t, head+"  request: [{do: [{reply: {code: 200}}]}]\n")
	if s := status(t, w.ask(r, "INVITE sip:a@10.0.0.9")); s != "200 OK" {
		t.Fatal(s)
	}
	r.Drain()
	sent := w.ask(r, "INVITE sip:b@10.0.0.9")
	if s := status(t, sent); s != "503 Service Unavailable" || !strings.Contains(sent[0], "\r\nRetry-After: ") {
		t.Errorf("a new dialog: %q", sent)
	}
	if s := status(t, w.ask(r, "BYE sip:b@10.0.0.9", "To: <sip:bob@example.net>;tag=b")); s != "200 OK" {
		t.Errorf("in a dialog: %s", s)
	}
	if n := r.Stats().Drained; n != 1 {
		t.Errorf("want 1 drained, got %d", n)
	}
}

func TestSwap(t *testing.T) {
	r, w := onWire(t, head+"  request: [{do: [{reply: {code: 403}}]}]\n")
	if s := status(t, w.ask(r, "INVITE sip:a@10.0.0.9")); s != "403 Forbidden" {
		t.Error(s)
	}
	swap(t, r, head+"  request: [{name: yes, do: [{reply: {code: 200}}]}]\n")
	if s := status(t, w.ask(r, "INVITE sip:a@10.0.0.9")); s != "200 OK" {
		t.Error(s)
	}
	rules := r.Stats().Rules
	if len(rules) != 1 || rules[0] != (RuleCount{"request", "request", "yes", 1}) {
		t.Errorf("got %+v", rules)
	}
}

func TestBeforeSwap(t *testing.T) {
	w := &wire{}
	r := New(Config{Sender: w, Wake: func(time.Time) {}})
	if sent := w.ask(r, "INVITE sip:a@10.0.0.9"); len(sent) != 0 {
		t.Errorf("sent %q", sent)
	}
}
