package transaction

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// Whatever the network loses, doubles and reorders and whatever the two users
// do: a client transaction has one outcome, a user sees a request once, a
// server transaction ends once, and at the end no transaction, no timer and no
// buffer is left on either side.
func TestRandomSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := rapid.SampledFrom([]sip.Transport{sip.UDP, sip.UDP, sip.TCP}).Draw(t, "transport")
		share := rapid.SampledFrom([]float64{0, 0.1, 0.3, 0.6, 1})
		net := mem.New(mem.Config{
			Seed: rapid.Uint64().Draw(t, "seed"),
			ICMP: rapid.Bool().Draw(t, "icmp"),
			Link: mem.Link{
				Loss: share.Draw(t, "loss"), Duplicate: share.Draw(t, "duplicate"),
				Reorder: share.Draw(t, "reorder"), Late: 400 * time.Millisecond,
				Delay: time.Duration(rapid.IntRange(0, 400).Draw(t, "delay")) * time.Millisecond,
			},
		})
		limit := rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "max")
		uac := newPeer(t, net, tr, "192.0.2.1:5060", limit)
		uas := newPeer(t, net, tr, "192.0.2.2:5060", limit)
		uac.all = map[string]*call{}
		uas.all = uac.all
		for n := range rapid.IntRange(1, 8).Draw(t, "calls") {
			c := newCall(t, n)
			net.After(millis(t, "start", 60_000), func() { uac.place(c, uas.addr) })
		}
		for net.Step() {
		}
		for _, p := range []*peer{uac, uas} {
			p.check()
		}
	})
}

func millis(t *rapid.T, name string, most int) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
}

// A call is one transaction and what its users will do.
type call struct {
	n        int
	method   string
	options  Options
	cancel   time.Duration // 0: not
	abandon  bool
	replies  []int
	pace     time.Duration // between replies
	drop     bool          // instead of a final
	client   Client
	accepted int
	finals   int
	outcomes int
	success  bool
}

func newCall(t *rapid.T, n int) *call {
	c := &call{n: n, method: rapid.SampledFrom([]string{"INVITE", "MESSAGE"}).Draw(t, "method")}
	c.options = Options{Word: uint64(n), FinalWait: millis(t, "fr_timer", 32_000)}
	c.options.InviteWait = time.Second + millis(t, "fr_inv_timer", 60_000)
	if rapid.Bool().Draw(t, "cancels") {
		c.cancel = 1 + millis(t, "cancel", 5000)
	}
	c.abandon = rapid.IntRange(0, 9).Draw(t, "abandon") == 0
	c.replies = rapid.SliceOfN(rapid.SampledFrom([]int{100, 180, 183}), 0, 3).Draw(t, "replies")
	c.pace = millis(t, "pace", 20_000)
	if c.drop = rapid.IntRange(0, 4).Draw(t, "drop") == 0; !c.drop {
		final := rapid.SampledFrom([]int{200, 200, 302, 404, 486, 503, 603}).Draw(t, "final")
		c.replies = append(c.replies, final)
		if final == 200 { // as a UAS without an ACK
			c.replies = append(c.replies, 200, 200)
		}
	}
	return c
}

// A peer is a node with a layer, its user on both sides.
type peer struct {
	t     *rapid.T
	net   *mem.Network
	node  *mem.Node
	layer *Layer
	addr  netip.AddrPort
	tr    sip.Transport
	calls map[uint64]*call
	live  map[Server]*call
	all   map[string]*call // of both peers, by Call-ID
}

func newPeer(t *rapid.T, net *mem.Network, tr sip.Transport, addr string, limit int) *peer {
	p := &peer{
		t: t, net: net, tr: tr, addr: netip.MustParseAddrPort(addr),
		calls: map[uint64]*call{}, live: map[Server]*call{},
	}
	var err error
	p.node, err = net.Node(transport.Listener{Transport: tr, Addr: p.addr})
	if err != nil {
		t.Fatal(err)
	}
	p.layer = New(Config{Sender: p.node, User: p, Clock: net.Now, Wake: p.node.Wake, Max: limit})
	p.node.Advance = p.layer.Advance
	p.node.Start(p)
	return p
}

func (p *peer) check() {
	for _, c := range p.calls {
		if c.outcomes != 1 {
			p.t.Errorf("call %d %s: %d outcomes", c.n, c.method, c.outcomes)
		}
	}
	if len(p.live) > 0 {
		p.t.Errorf("%d server transactions did not end", len(p.live))
	}
	checkLeft(p.t, p.layer, 0)
}

func (p *peer) place(c *call, to netip.AddrPort) {
	client, branch, err := p.layer.Branch(nil, nil)
	if err != nil {
		return
	}
	c.client = client
	if c.abandon {
		p.layer.Abandon(client)
		return
	}
	p.calls[c.options.Word] = c
	id := fmt.Sprint(c.n)
	p.all[id] = c
	b := message(p.tr, c.method, []string{
		fmt.Sprintf("Via: SIP/2.0/%s %v;branch=%s", p.tr.ViaName(), p.addr, branch), "Call-ID: " + id,
	})
	target := transport.Target{Transport: p.tr, Listener: transport.AnyListener, Remote: to}
	var m sip.Message
	if err := m.Parse(b); err != nil {
		p.t.Fatal(err)
	}
	if err := p.layer.Send(client, &m, target, b, c.options); err != nil {
		c.outcomes++
		return
	}
	if c.cancel > 0 {
		p.net.After(c.cancel, func() { _ = p.layer.Cancel(client, nil) })
	}
}

// What the transport tells.

func (p *peer) Receive(f transport.Flow, b []byte) {
	var m sip.Message
	if err := m.Parse(b); err != nil {
		p.t.Fatalf("%v in\n%s", err, b)
	}
	if m.IsRequest() {
		m.MarkReceived(f.Remote, false)
	}
	p.layer.Receive(f, &m)
}

func (p *peer) Failed(_ transport.Flow, ref uint64, err error) { p.layer.TransportFailed(ref, err) }

func (p *peer) Closed(transport.Flow) {}

// What the layer tells.

func (p *peer) Request(f transport.Flow, m *sip.Message) {
	if m.Method() == sip.ACK || m.Method() == sip.CANCEL {
		return // of a transaction that has ended, or a request that was lost
	}
	c := p.all[string(m.CallID())]
	s, err := p.layer.Accept(f, m, f.Target(), uint64(c.n))
	if errors.Is(err, ErrFull) {
		return
	}
	if c.accepted++; c.accepted > 1 || err != nil {
		p.t.Errorf("call %d %s: accepted %d times, %v", c.n, c.method, c.accepted, err)
	}
	p.live[s] = c
	var request sip.Message
	request.CopyFrom(m)
	for i, status := range c.replies {
		p.net.After(c.pace*time.Duration(i+1), func() { p.reply(s, c, &request, status) })
	}
	if c.drop {
		p.net.After(c.pace*time.Duration(len(c.replies)+1), func() { _ = p.layer.Drop(s) })
	}
}

func (p *peer) reply(s Server, c *call, request *sip.Message, status int) {
	b := sip.AppendReply(nil, request, status, "", []byte("b"), nil)
	err := p.layer.Reply(s, status, b)
	if err == nil && status >= 200 {
		if c.finals++; c.finals > 1 && (status != 200 || c.method != "INVITE") {
			p.t.Errorf("call %d: final %d after another", c.n, status)
		}
	}
}

func (p *peer) Cancelled(s Server, word uint64, m *sip.Message) {
	c := p.live[s]
	if c == nil || c.finals > 0 || uint64(c.n) != word {
		p.t.Errorf("cancelled %v, word %d", c, word)
		return
	}
	b := sip.AppendReply(nil, m, 487, "", []byte("b"), nil)
	b = bytes.Replace(b, []byte(" CANCEL\r\n"), []byte(" INVITE\r\n"), 1)
	if p.layer.Reply(s, 487, b) == nil {
		c.finals++
	}
}

func (p *peer) Response(client Client, word uint64, _ transport.Flow, m *sip.Message, err error) {
	c := p.calls[word]
	if c == nil || c.client != client {
		p.t.Errorf("response for another, word %d", word)
		return
	}
	switch {
	case errors.Is(err, ErrTimerC):
		if c.outcomes > 0 {
			p.t.Errorf("call %d: timer C after its end", c.n)
		}
		_ = p.layer.Cancel(client, nil)
	case err != nil:
		c.outcomes++
	case m.Status() < 200:
		if c.outcomes > 0 {
			p.t.Errorf("call %d: %d after its end", c.n, m.Status())
		}
	case m.Status() < 300 && c.method == "INVITE" && c.success:
	default:
		c.outcomes++
		c.success = m.Status() < 300
	}
}

func (p *peer) Stray(transport.Flow, *sip.Message) {}

func (p *peer) Ended(s Server, word uint64) {
	c := p.live[s]
	if c == nil || uint64(c.n) != word {
		p.t.Errorf("ended %v, word %d", c, word)
	}
	delete(p.live, s)
}
