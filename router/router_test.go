package router

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/router/enum"
	"sipedge/router/job"
	"sipedge/schema"
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
	backlog   uint8      // behind what is asked
	mu        sync.Mutex // a pool sends, too
	sent      []string
	last      transport.Target // of sent
	listeners []transport.Listener
	net       *mem.Network // in whose time databases answer
}

func (w *wire) Send(t transport.Target, b []byte, _ uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.last = append(w.sent, string(b)), t
	return nil
}

// soFar is what was sent.
func (w *wire) soFar() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
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
	return onWireOver(t, policy, rows)
}

// numbers stand for URIs.
type numbers map[string][]enum.Result

func (n numbers) Find(_ context.Context, q *enum.Question) ([]enum.Result, error) {
	return n[q.Number], nil
}

// onWireOver is onWire with other databases.
func onWireOver(
	t testing.TB, policy string, databases func(name string) backends.DB,
) (*Router, *wire) {
	t.Helper()
	w := &wire{listeners: Listeners(load(t, policy))}
	net := mem.New(mem.Config{})
	w.net = net
	r := New(Config{
		Sender: w, Clock: net.Now, Wake: func(time.Time) {}, Resolver: names{net}, Pool: later{net},
		Locations: stored(), Databases: databases,
		Media:   func(string) backends.Media { return new(backends.StubMedia) },
		Numbers: numbers{"+4930123": {{URI: "sip:bob@example.org"}}},
	})
	swap(t, r, policy)
	return r, w
}

// rows are those of the database that examples of actions ask.
func rows(string) backends.DB {
	return &backends.Stub{Tables: map[string][]map[string]backends.Value{
		"dbaliases": {
			{"alias_username": "sales", "alias_domain": "example.net", "username": "bob",
				"domain": "example.net"},
			{"alias_username": "sales", "alias_domain": "example.net", "username": "carol",
				"domain": "example.org"},
			{"alias_username": "sales", "alias_domain": "example.com", "username": "dave"},
			{"alias_username": "broken", "alias_domain": "example.net", "username": "x",
				"domain": "no host"},
		},
		"speed_dial": {
			{"username": "alice", "domain": "example.org", "sd_username": "2",
				"sd_domain": "example.org", "new_uri": "sip:+4930123@example.com"},
			{"username": "alice", "domain": "example.net", "sd_username": "3",
				"new_uri": "sip:other@example.net"},
			{"username": "alice", "domain": "example.org", "sd_username": "4", "new_uri": "nobody"},
		},
	}}
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
	f := alice
	f.Backlog = w.backlog
	r.Receive(f, []byte(text+"\r\n"))
	if len(w.soFar()) == 0 && w.net != nil {
		w.net.Run(w.net.Now().Add(time.Second)) // until what it waits for comes
	}
	return w.soFar()
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
	for _, silent := range []string{
		"MESSAGE sip:a@10.0.0.9", "ACK sip:a@10.0.0.9", "ACK sip:nobody@10.0.0.9",
	} {
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

// What the engine does not send on is no drop of the policy's.
func TestDroppedByTheEngine(t *testing.T) {
	r, w := onWire(t, head+"\n  request: [{do: [{relay: {}}]}]\n")
	if sent := w.ask(r, "ACK sip:a@10.0.0.2"); len(sent) != 0 {
		t.Errorf("sent %q", sent)
	}
	if n, dropped := r.Proxy().DroppedACKs, r.Stats().Dropped; n != 1 || dropped != 0 {
		t.Errorf("%d ACKs dropped by the engine, %d requests by the policy", n, dropped)
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
	sent := w.ask(r, "OPTIONS sip:a@10.0.0.9", "Max-Forwards: 999")
	if s := status(t, sent); s != "400 Malformed Max-Forwards" {
		t.Errorf("got %s", s)
	}
	w.sent = nil
	for _, junk := range []string{
		"", "\x00", "hello", "OPTIONS sip:a@b SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
	} {
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
	s := status(t, sent)
	if s != "503 Service Unavailable" || !strings.Contains(sent[0], "\r\nRetry-After: ") {
		t.Errorf("a new dialog: %q", sent)
	}
	sent = w.ask(r, "BYE sip:b@10.0.0.9", "To: <sip:bob@example.net>;tag=b")
	if s := status(t, sent); s != "200 OK" {
		t.Errorf("in a dialog: %s", s)
	}
	if n := r.Stats().Drained; n != 1 {
		t.Errorf("want 1 drained, got %d", n)
	}
}

// Above the policy's limit what is new is refused, what is under way is not, and when the load
// falls nothing is.
func TestOverload(t *testing.T) {
	r, w := onWire(t, head+`  request: [{do: [{reply: {code: 200}}]}]
overload: {backlog: 30, retry_after: 7s}
`)
	for _, tt := range []struct {
		backlog   uint8
		start, to string
		want      string
	}{
		{30, "INVITE sip:a@10.0.0.9", "", "200 OK"},
		{31, "INVITE sip:b@10.0.0.9", "", "503 Service Unavailable"},
		{100, "OPTIONS sip:c@10.0.0.9", "", "503 Service Unavailable"},
		{100, "BYE sip:d@10.0.0.9", "To: <sip:bob@example.net>;tag=b", "200 OK"},
		{100, "INVITE sip:e@10.0.0.9", "To: <sip:bob@example.net>;tag=b", "200 OK"},
		{100, "CANCEL sip:f@10.0.0.9", "", "200 OK"},
		{0, "INVITE sip:g@10.0.0.9", "", "200 OK"},
	} {
		w.backlog = tt.backlog
		var fields []string
		if tt.to != "" {
			fields = []string{tt.to}
		}
		sent := w.ask(r, tt.start, fields...)
		if s := status(t, sent); s != tt.want ||
			tt.want[0] == '5' != strings.Contains(sent[0], "\r\nRetry-After: 7\r\n") {
			t.Errorf("%s at %d%%: %q", tt.start, tt.backlog, sent)
		}
	}
	if n := r.Stats().Overload; n != 2 {
		t.Errorf("%d refused, want 2", n)
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

// A panic costs the message it came with: it is answered 500, counted, and told
// without the header fields.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	r, w := onWire(t, head+`
  request:
    - match: {method: OPTIONS}
      do: [{reply: {code: 200}}]
    - do: [{relay: {to: "sip:10.0.0.2", branch: each}}]
  branch: {each: [{do: [{exit: {}}]}]}
`)
	r.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := r.policy.Load()
	p.request.rules[0].steps[0] = broken{}
	for _, route := range p.all {
		if route.of == schema.InBranch {
			route.rules[0].steps[0] = broken{}
		}
	}
	sent := w.ask(r, "OPTIONS sip:a@10.0.0.9", "X: secret")
	if s := status(t, sent); s != "500 Server Internal Error" {
		t.Errorf("in the request route: %s", s)
	}
	sent = w.ask(r, "INVITE sip:b@10.0.0.9", "X: secret")
	if len(sent) != 2 || !strings.HasPrefix(sent[1], "SIP/2.0 500 ") {
		t.Errorf("in the branch route: %q", sent)
	}
	if n := r.Stats().Panics; n != 2 {
		t.Errorf("want 2 panics counted, got %d", n)
	}
	out := log.String()
	if !strings.Contains(out, "OPTIONS sip:a@10.0.0.9") || strings.Contains(out, "secret") {
		t.Errorf("logged %s", out)
	}
}

type broken struct{}

func (broken) Run(context.Context, *job.Job) (job.Verdict, error) { panic("broken") }

// What began under a policy ends under it.
func TestSwapMidCall(t *testing.T) {
	net := mem.New(mem.Config{})
	const policy = `
  request:
    - match: {method: ACK}
      do: [{drop: {}}]
    - do: [{relay: {to: "sip:10.0.0.2", failure: f}}]
  failure: {f: [{do: [{reply: {code: %d}}]}]}
`
	r, node := newRouter(t, net, head+fmt.Sprintf(policy, 480))
	node.Start(r)
	a, b := phone(t, net, "10.0.0.1:5060"), phone(t, net, "10.0.0.2:5060")
	a.send("INVITE sip:x@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n" +
		"From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
		"Content-Length: 0\r\n\r\n")
	net.Run(net.Now().Add(10 * time.Millisecond))
	swap(t, r, head+fmt.Sprintf(policy, 403))
	_, rest, _ := strings.Cut(b.got[0], "\r\n")
	b.send("SIP/2.0 486 Busy\r\n" + strings.Replace(rest, "To: <sip:b@h>", "To: <sip:b@h>;tag=b", 1))
	net.Run(net.Now().Add(10 * time.Millisecond))
	if last := a.got[len(a.got)-1]; !strings.HasPrefix(last, "SIP/2.0 480 ") {
		t.Errorf("want the answer of the policy the call began with, got %s", last)
	}
}

// agent sends to 10.0.0.9:5060 and keeps what it gets; it answers requests, if it is told how.
type agent struct {
	node   *mem.Node
	got    []string
	answer int // status
}

func phone(t *testing.T, net *mem.Network, addr string) *agent {
	node, err := net.Node(transport.Listener{Transport: sip.UDP, Addr: netip.MustParseAddrPort(addr)})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{node: node}
	node.Start(a)
	return a
}

func (a *agent) send(text string) {
	to := transport.Target{Transport: sip.UDP, Remote: netip.MustParseAddrPort("10.0.0.9:5060")}
	_ = a.node.Send(to, []byte(text), 0)
}

func (a *agent) Receive(f transport.Flow, b []byte) {
	a.got = append(a.got, string(b))
	var m sip.Message
	if m.Parse(b) == nil && m.IsRequest() && m.Method() != sip.ACK && a.answer > 0 {
		_ = a.node.Send(f.Target(), sip.AppendReply(nil, &m, a.answer, "", []byte("t"), nil), 0)
	}
}

func (a *agent) Failed(transport.Flow, uint64, error) {}
func (a *agent) Closed(transport.Flow)                {}

// Header fields without a message are answered by what they say.
func TestUnframed(t *testing.T) {
	r, w := onWire(t, head+"  request: [{do: [{reply: {code: 200}}]}]\n")
	header := []byte(strings.Replace(string(options), "Content-Length: 0", "Content-Length: 70000", 1))
	r.Unframed(alice, header, transport.ErrTooLarge)
	if s := status(t, w.sent); s != "513 Message Too Large" {
		t.Errorf("too large: %s", s)
	}
	w.sent = nil
	r.Unframed(alice, header, &sip.ParseError{Status: 400, Class: "content-length", Text: "No Length"})
	if s := status(t, w.sent); s != "400 No Length" {
		t.Errorf("no length: %s", s)
	}
}

// Many goroutines, a policy that changes meanwhile.
func TestConcurrent(t *testing.T) {
	r, _ := quiet(t, stateless[0].rules)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				r.Receive(alice, options)
				r.Receive(alice, []byte("junk"))
			}
		})
	}
	for i := range 20 {
		swap(t, r, head+"  request: "+stateless[i%2].rules+"\n")
		_ = r.Stats()
	}
	all.Wait()
	s := r.Stats()
	if s.Panics != 0 || s.Unanswered != 0 || s.Requests[sip.OPTIONS].N != 2000 {
		t.Errorf("got %+v", s)
	}
}
