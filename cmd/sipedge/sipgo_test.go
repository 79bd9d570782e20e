package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo"
	sipgosip "github.com/emiago/sipgo/sip"
)

// sipgoPhone is a phone of sipgo on one transport. What it is called by is a listener of its own,
// but for WebSockets: these are opened to the server, and it is called by the same connection.
type sipgoPhone struct {
	name, transport string
	server          netip.AddrPort
	agent           *sipgo.Client
	contact         sipgosip.ContactHeader
	calling         *sipgo.DialogClientCache
	called          *sipgo.DialogServerCache

	mu    sync.Mutex
	heard map[string][]string // methods of requests, by Call-ID
	calls map[string]chan *sipgo.DialogServerSession
}

// newSipgoPhone is a phone at a server, which trusts what trust does and shows what shown says.
func newSipgoPhone(
	t *testing.T, name, transport string, server netip.AddrPort, trust, shown *tls.Config,
) *sipgoPhone {
	t.Helper()
	agent, err := sipgo.NewUA(sipgo.WithUserAgent(name), sipgo.WithUserAgentHostname("example.net"),
		sipgo.WithUserAgenTLSConfig(trust))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Close() })
	client, err := sipgo.NewClient(agent)
	if err != nil {
		t.Fatal(err)
	}
	answering, err := sipgo.NewServer(agent)
	if err != nil {
		t.Fatal(err)
	}
	p := &sipgoPhone{
		name: name, transport: transport, server: server, agent: client,
		heard: map[string][]string{}, calls: map[string]chan *sipgo.DialogServerSession{},
	}
	p.contact.Address = sipgoURI(t, "sip:"+name+"@"+p.listen(t, answering, shown))
	p.calling = sipgo.NewDialogClientCache(client, p.contact)
	p.called = sipgo.NewDialogServerCache(client, p.contact)
	answering.OnInvite(p.invited)
	answering.OnAck(func(r *sipgosip.Request, tx sipgosip.ServerTransaction) {
		p.hears(r)
		_ = p.called.ReadAck(r, tx) // that of a re-INVITE ends nothing
	})
	answering.OnBye(func(r *sipgosip.Request, tx sipgosip.ServerTransaction) {
		p.hears(r)
		if p.called.ReadBye(r, tx) != nil && p.calling.ReadBye(r, tx) != nil {
			_ = tx.Respond(sipgosip.NewResponseFromRequest(r, 481, "Unknown", nil))
		}
	})
	return p
}

func sipgoURI(t *testing.T, text string) (u sipgosip.Uri) {
	t.Helper()
	if err := sipgosip.ParseUri(text, &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// listen serves a listener, and returns where the phone is called.
func (p *sipgoPhone) listen(t *testing.T, s *sipgo.Server, shown *tls.Config) string {
	t.Helper()
	if strings.HasPrefix(p.transport, "ws") {
		return p.name + ".invalid;transport=ws" // RFC 7118 §5
	}
	free := netip.AddrPortFrom(p.server.Addr(), 0)
	if p.transport == "udp" {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(free))
		if err != nil {
			t.Fatal(err)
		}
		go s.ServeUDP(c)
		t.Cleanup(func() { c.Close() })
		return c.LocalAddr().String()
	}
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(free))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if p.transport == "tls" {
		go s.ServeTLS(tls.NewListener(l, shown))
	} else {
		go s.ServeTCP(l)
	}
	return l.Addr().String() + ";transport=" + p.transport
}

func (p *sipgoPhone) hears(r *sipgosip.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := r.CallID().Value()
	p.heard[id] = append(p.heard[id], string(r.Method))
}

// requests are those it got of a call, in any order.
func (p *sipgoPhone) requests(call string) map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := map[string]int{}
	for _, m := range p.heard[call] {
		counts[m]++
	}
	return counts
}

// incoming has the call told to who waits for it.
func (p *sipgoPhone) incoming(call string) chan *sipgo.DialogServerSession {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls[call] == nil {
		p.calls[call] = make(chan *sipgo.DialogServerSession, 1)
	}
	return p.calls[call]
}

// invited answers a call and what changes it.
func (p *sipgoPhone) invited(r *sipgosip.Request, tx sipgosip.ServerTransaction) {
	p.hears(r)
	if _, within := r.To().Params.Get("tag"); within {
		answer := sipgosip.NewResponseFromRequest(r, 200, "OK", nil)
		answer.AppendHeader(sipgosip.HeaderClone(&p.contact))
		_ = tx.Respond(answer)
		return
	}
	call, err := p.called.ReadInvite(r, tx)
	if err == nil && call.Respond(200, "OK", nil) == nil { // and the ACK came
		p.incoming(r.CallID().Value()) <- call
	}
}

// request is one to the server, out of any dialog.
func (p *sipgoPhone) request(
	t *testing.T, method sipgosip.RequestMethod, to string,
) *sipgosip.Request {
	t.Helper()
	r := sipgosip.NewRequest(method, sipgoURI(t, to))
	r.SetTransport(strings.ToUpper(p.transport))
	r.SetDestination(p.server.String())
	r.AppendHeader(sipgosip.HeaderClone(&p.contact))
	return r
}

// register binds the phone to sip:name@example.net.
func (p *sipgoPhone) register(ctx context.Context, t *testing.T) {
	t.Helper()
	r := p.request(t, sipgosip.REGISTER, "sip:example.net")
	r.AppendHeader(sipgosip.NewHeader("To", "<sip:"+p.name+"@example.net>"))
	answer, err := p.agent.Do(ctx, r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%s does not register: %v, %v", p.name, answer, err)
	}
}

// sipgoDialog is a side of a call.
type sipgoDialog interface {
	Do(ctx context.Context, r *sipgosip.Request) (*sipgosip.Response, error)
	WriteRequest(r *sipgosip.Request) error
	Bye(ctx context.Context) error
}

// reinvite changes a call from one side, whose peer's Contact is at.
func reinvite(ctx context.Context, d sipgoDialog, at *sipgosip.ContactHeader) error {
	answer, err := d.Do(ctx, sipgosip.NewRequest(sipgosip.INVITE, *at.Address.Clone()))
	if err != nil {
		return fmt.Errorf("re-INVITE: %w", err)
	}
	if answer.StatusCode != 200 {
		return fmt.Errorf("re-INVITE: %s", answer.StartLine())
	}
	return d.WriteRequest(sipgosip.NewRequest(sipgosip.ACK, *at.Address.Clone()))
}
