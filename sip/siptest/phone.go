package siptest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// Timers of RFC 3261 §17 as a phone keeps them.
const (
	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	timeout = 64 * t1
)

// A Phone is a user agent that acts by itself: it calls, answers at once,
// acknowledges, hangs up, and retransmits as RFC 3261 says for UDP. It is for
// runs of many calls; what it saw is in its counters.
type Phone struct {
	// Seen by the user of this phone: new INVITE and BYE requests, ACKs of a 2xx.
	// A retransmission counts once.
	Invites, Byes, Acks int
	// Repeated counts INVITE and BYE that reached the user a second time.
	Repeated int
	// Calls this phone made: answered by a 2xx; ended by another final; without a final in time.
	Answered, Refused, Silent int
	// Hangups this phone made: answered, and without a final in time.
	HungUp, HangupSilent int
	// Unacknowledged counts answered calls whose 2xx was repeated to the end and never acknowledged.
	Unacknowledged int

	name    string
	node    *mem.Node
	net     *mem.Network
	addr    netip.AddrPort
	proxy   netip.AddrPort
	hold    time.Duration
	pending map[string]*pending // client transactions by branch and method
	served  map[string]*served  // server transactions by branch and method
	replies map[string]*served  // answered INVITEs by Call-ID, until the ACK
	told    map[string]bool     // what the user saw, by Call-ID and CSeq
	agent   *agent
}

type pending struct {
	final  func(*text) // nil text: timeout
	invite bool
	done   bool
	heard  bool // a provisional came
}

type served struct {
	response []byte
	to       transport.Target
	acked    bool
}

// NewPhone puts a phone on the network. hold is how long its calls last.
func NewPhone(net *mem.Network, name, addr, proxy string, hold time.Duration) (*Phone, error) {
	p := &Phone{
		name: name, net: net, hold: hold,
		addr: netip.MustParseAddrPort(addr), proxy: netip.MustParseAddrPort(proxy),
		pending: map[string]*pending{}, served: map[string]*served{}, replies: map[string]*served{},
		told: map[string]bool{},
	}
	p.agent = newAgent(name, sip.UDP, p.addr)
	node, err := net.Node(transport.Listener{Transport: sip.UDP, Addr: p.addr})
	if err != nil {
		return nil, err
	}
	p.node = node
	node.Start(p)
	return p, nil
}

// Waiting is how many calls this phone made heard a provisional response and never a
// final one: RFC 3261 §17.1.1.2 sets them no end.
func (p *Phone) Waiting() (n int) {
	for _, x := range p.pending {
		if x.invite && x.heard && !x.done {
			n++
		}
	}
	return n
}

// Call calls uri through the proxy, now, and hangs up when the call has lasted long enough.
func (p *Phone) Call(uri string) {
	id := fmt.Sprintf("%d", len(p.agent.calls)+1)
	s := &step{opts: map[string]string{"call": id}}
	m, c, err := p.agent.request("INVITE", uri, s)
	if err != nil {
		panic(err) // a new call cannot lack anything
	}
	p.ask(m, p.proxy, func(r *text) {
		switch {
		case r == nil:
			p.Silent++
		case r.status() >= "300":
			p.Refused++
			ack, _, _ := p.agent.hop("ACK", c)
			p.send(ack.bytes(), p.proxy)
		default:
			p.Answered++
			p.net.After(p.hold, func() { p.hangUp(s) })
		}
	})
}

func (p *Phone) hangUp(s *step) {
	m, _, err := p.agent.request("BYE", "", s)
	if err != nil {
		panic(err) // the call was answered: there is a dialog
	}
	to, _, err := nextHop(m)
	if err != nil {
		p.HangupSilent++
		return
	}
	p.ask(m, to, func(r *text) {
		if r == nil {
			p.HangupSilent++
		} else {
			p.HungUp++
		}
	})
}

// ask sends a request until it is answered, RFC 3261 §17.1.
func (p *Phone) ask(m *text, to netip.AddrPort, final func(*text)) {
	invite := m.method() == "INVITE"
	x := &pending{final: final, invite: invite}
	p.pending[branchOf(m)+m.method()] = x
	b := m.bytes()
	p.repeat(b, to, !invite, func() bool { return x.done || invite && x.heard })
	p.net.After(timeout, func() {
		if !x.done && !(invite && x.heard) {
			x.done = true
			final(nil)
		}
	})
}

// repeat sends b now and again after t1, 2·t1 … (at most t2 when capped) until stop,
// or the timeout.
func (p *Phone) repeat(b []byte, to netip.AddrPort, capped bool, stop func() bool) {
	began := p.net.Now()
	wait := t1
	var again func()
	again = func() {
		if stop() || p.net.Now().Sub(began) >= timeout {
			return
		}
		p.send(b, to)
		p.net.After(wait, again)
		if wait *= 2; capped && wait > t2 {
			wait = t2
		}
	}
	again()
}

func (p *Phone) send(b []byte, to netip.AddrPort) {
	_ = p.node.Send(transport.Target{Transport: sip.UDP, Remote: to}, b, 0) // lost is lost
}

// Receive implements transport.User.
func (p *Phone) Receive(f transport.Flow, b []byte) {
	m, err := parseText(append([]byte(nil), b...))
	if err != nil {
		panic(err)
	}
	a := arrival{flow: f, m: m}
	if !m.isRequest() {
		p.response(a)
		return
	}
	if m.method() == "ACK" {
		if s := p.replies[m.get("Call-ID")]; s != nil && !s.acked {
			s.acked = true
			p.Acks++
		}
		return
	}
	key := branchOf(m) + m.method()
	if s := p.served[key]; s != nil {
		_ = p.node.Send(s.to, s.response, 0)
		return
	}
	if id := m.get("Call-ID") + " " + m.get("CSeq"); p.told[id] {
		p.Repeated++
	} else {
		p.told[id] = true
	}
	p.agent.learn(a)
	r := p.agent.response(200, a, &step{opts: map[string]string{}})
	s := &served{response: r.bytes(), to: f.Target()}
	p.served[key] = s
	if m.method() != "INVITE" {
		p.Byes++
		p.send(s.response, f.Remote)
		return
	}
	p.Invites++
	p.replies[m.get("Call-ID")] = s
	p.repeat(s.response, f.Remote, true, func() bool { return s.acked })
	p.net.After(timeout, func() {
		if !s.acked {
			p.Unacknowledged++
		}
	})
}

func (p *Phone) response(a arrival) {
	x := p.pending[branchOf(a.m)+a.m.method()]
	if x == nil {
		return
	}
	if a.m.status() < "200" {
		x.heard = true
		return
	}
	p.agent.learn(a)
	if x.invite && a.m.status() < "300" {
		p.acknowledge(a.m)
	}
	if !x.done {
		x.done = true
		x.final(a.m)
	}
}

// acknowledge sends the ACK of a 2xx, for every copy of it, RFC 3261 §13.2.2.4.
func (p *Phone) acknowledge(m *text) {
	name, _, _ := strings.Cut(strings.TrimPrefix(m.get("Call-ID"), "call"), "@")
	ack, _, err := p.agent.request("ACK", "", &step{opts: map[string]string{"call": name}})
	if err != nil {
		panic(err) // learn made the dialog
	}
	if to, _, err := nextHop(ack); err == nil {
		p.send(ack.bytes(), to)
	}
}

// Failed and Closed implement transport.User: over UDP what is lost is lost.
func (*Phone) Failed(transport.Flow, uint64, error) {}
func (*Phone) Closed(transport.Flow)                {}

func branchOf(m *text) string {
	v := m.all("Via")
	if len(v) == 0 {
		return ""
	}
	return strings.TrimSpace(param(v[0], "branch"))
}
