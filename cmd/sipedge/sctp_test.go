package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
	"sipedge/sip/transport/transporttest/guest"
)

// The calls over SCTP, in a kernel that has it.
func TestSCTPInGuest(t *testing.T) {
	if p, err := openAgent(sip.SCTP); err == nil {
		p.close()
		t.Skip("this kernel has SCTP: TestCallsOverSCTP runs here")
	}
	guest.Run(t, "^TestCallsOverSCTP$")
}

// A kernel without SCTP is told of in words, by validate --online and at the start.
func TestNoSCTP(t *testing.T) {
	if p, err := openAgent(sip.SCTP); err == nil {
		p.close()
		t.Skip("this kernel has SCTP")
	}
	policy := t.TempDir() + "/policy.yaml"
	(&server{t: t, policy: policy}).write(`version: 1
admin: {listen: none}
listen: [{sctp: "127.0.0.1:5060"}]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`)
	out, err := exec.Command("sipedge", "validate", "--online", policy).CombinedOutput()
	want := policy + ":3:18: error SE2009: sctp 127.0.0.1:5060: this kernel has no SCTP " +
		"(protocol not supported)\n"
	if err == nil || !strings.HasPrefix(string(out), want) ||
		!strings.Contains(string(out), "modprobe sctp") {
		t.Errorf("validate --online: %v\n%s", err, out)
	}
	out, err = exec.Command("sipedge", "serve", policy).CombinedOutput()
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("serve: %v\n%s", err, out)
	}
}

// Calls between UDP and SCTP, and from SCTP to SCTP: Via and Record-Route of each side, the
// session changed by the callee, and the end from either side.
func TestCallsOverSCTP(t *testing.T) {
	p, err := openAgent(sip.SCTP)
	if err != nil {
		t.Skip("this kernel has no SCTP: TestSCTPInGuest runs this in one that has")
	}
	p.close()
	s := startServer(t, `version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8]
listen: [{udp: "127.0.0.1:0"}, {sctp: "127.0.0.1:0"}]
`+withinDialogs+`
    - name: calls
      match: {source: 127.0.0.0/8}
      do: [{record_route: {}}, {relay: {}}]
    - do: [{reply: {code: 403}}]
`)
	for _, way := range [][2]sip.Transport{
		{sip.UDP, sip.SCTP}, {sip.SCTP, sip.UDP}, {sip.SCTP, sip.SCTP},
	} {
		for _, calleeEnds := range []bool{false, true} {
			name := fmt.Sprintf("%s to %s, callee ends %v", way[0], way[1], calleeEnds)
			t.Run(name, func(t *testing.T) { callOver(t, s, way[0], way[1], calleeEnds) })
		}
	}
}

func callOver(t *testing.T, s *server, from, to sip.Transport, calleeEnds bool) {
	caller, callee := newAgent(t, from), newAgent(t, to)
	caller.server = s.addr(from.String(), false)
	callee.server = s.addr(to.String(), false)

	caller.send("INVITE", callee.contact(), 1)
	invite := callee.request("INVITE")
	callee.answer(invite, "Contact: <"+callee.contact()+">\r\n")
	ok := caller.response(200, "INVITE")
	caller.learn(ok, true)
	callee.learn(invite.msg, false)
	caller.send("ACK", caller.target, 1)
	callee.request("ACK")

	callee.send("INVITE", callee.target, 1)
	caller.answer(caller.request("INVITE"), "Contact: <"+caller.contact()+">\r\n")
	callee.response(200, "INVITE")
	callee.send("ACK", callee.target, 1)
	caller.request("ACK")

	ends, other := caller, callee
	if calleeEnds {
		ends, other = callee, caller
	}
	ends.send("BYE", ends.target, 2)
	other.answer(other.request("BYE"), "")
	ends.response(200, "BYE")
}

// agent is an end of one call, over one transport.
type agent struct {
	t      *testing.T
	kind   sip.Transport
	m      *transport.Manager
	in     chan arrived
	server netip.AddrPort

	from, to string   // of its requests
	callID   string   // of the dialog
	target   string   // the other's Contact
	routes   []string // its route set
}

type arrived struct {
	flow transport.Flow
	msg  *sip.Message
}

func openAgent(kind sip.Transport) (*agent, error) {
	m, err := transport.NewManager(transport.Config{Workers: 1, Listeners: []transport.Listener{
		{Transport: kind, Addr: netip.MustParseAddrPort("127.0.0.1:0")},
	}}, transports)
	if err != nil {
		return nil, err
	}
	return &agent{kind: kind, m: m, in: make(chan arrived, 100)}, nil
}

func (p *agent) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = p.m.Close(ctx)
}

func newAgent(t *testing.T, kind sip.Transport) *agent {
	t.Helper()
	p, err := openAgent(kind)
	if err != nil {
		t.Fatal(err)
	}
	p.t = t
	p.from, p.to = "<sip:caller@example.net>;tag=1", "<sip:callee@example.net>"
	p.callID = fmt.Sprintf("%s-%d", kind, p.addr().Port())
	u := &transporttest.Recorder{}
	u.Answer(func(f transport.Flow, b []byte) {
		m := new(sip.Message)
		if m.Parse(append([]byte(nil), b...)) == nil {
			p.in <- arrived{f, m}
		}
	})
	p.m.Start(u)
	t.Cleanup(p.close)
	return p
}

func (p *agent) addr() netip.AddrPort { return p.m.Listeners()[0].Addr }

func (p *agent) contact() string {
	return fmt.Sprintf("sip:party@%s;transport=%s", p.addr(), p.kind)
}

// send sends a request to the server, by the route set of the dialog if there is one.
func (p *agent) send(method, uri string, cseq int) {
	p.t.Helper()
	b := fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s%d%s\r\n"+
		"Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, uri, p.kind.ViaName(), p.addr(), method, cseq, p.callID,
		p.from, p.to, p.callID, cseq, method)
	for _, r := range p.routes {
		b += "Route: " + r + "\r\n"
	}
	b += "Contact: <" + p.contact() + ">\r\nContent-Length: 0\r\n\r\n"
	if err := p.m.Send(transport.Target{
		Transport: p.kind, Listener: transport.AnyListener, Remote: p.server,
	}, []byte(b), 0); err != nil {
		p.t.Fatalf("send %s: %v", method, err)
	}
}

// next is the next message that is wanted; what is not, such as 100, is passed over.
func (p *agent) next(what string, wanted func(*sip.Message) bool) arrived {
	p.t.Helper()
	for end := time.After(20 * time.Second); ; {
		select {
		case a := <-p.in:
			if wanted(a.msg) {
				return a
			}
		case <-end:
			p.t.Fatalf("%s over %s does not come", what, p.kind)
		}
	}
}

func (p *agent) request(method string) arrived {
	p.t.Helper()
	a := p.next(method, func(m *sip.Message) bool {
		return m.IsRequest() && m.Method().String() == method
	})
	via, ok := a.msg.TopVia()
	if !ok || via.Transport != p.kind || a.flow.Remote.Addr() != p.server.Addr() {
		p.t.Errorf("%s came by %s with Via %v", method, a.flow.Transport, via)
	}
	return a
}

func (p *agent) response(status int, method string) *sip.Message {
	p.t.Helper()
	return p.next(fmt.Sprint(status, " ", method), func(m *sip.Message) bool {
		return !m.IsRequest() && m.Status() == status && m.Method().String() == method
	}).msg
}

// answer sends 200 where a request came from.
func (p *agent) answer(a arrived, extra string) {
	p.t.Helper()
	a.msg.MarkReceived(a.flow.Remote, false)
	b := sip.AppendReply(nil, a.msg, 200, "", []byte("2"), []byte(extra))
	if err := p.m.Send(a.flow.Target(), b, 0); err != nil {
		p.t.Fatalf("answer: %v", err)
	}
}

// learn takes the dialog from what established it: the response, of the caller, or the request.
func (p *agent) learn(msg *sip.Message, caller bool) {
	p.t.Helper()
	c, _ := msg.FirstElement(sip.Contact)
	a, err := sip.ParseNameAddr(c.Value)
	if err != nil {
		p.t.Fatal(err)
	}
	p.target, p.callID = string(a.URI), string(msg.CallID())
	for e, ok := msg.FirstElement(sip.RecordRoute); ok; e, ok = msg.NextElement(e) {
		if caller {
			p.routes = append([]string{string(e.Value)}, p.routes...)
		} else {
			p.routes = append(p.routes, string(e.Value))
		}
	}
	if len(p.routes) == 0 {
		p.t.Errorf("no Record-Route over %s", p.kind)
	}
	if caller {
		p.to += ";tag=2"
	} else {
		p.from, p.to = "<sip:callee@example.net>;tag=2", "<sip:caller@example.net>;tag=1"
	}
}
