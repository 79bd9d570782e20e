package proxy

import (
	"bytes"
	"context"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Stray forwards a response without state, RFC 3261 §16.11: our Via goes,
// the next one says where to. Only a response to a request that was forwarded
// without state passes, which the keyed branch of our Via proves; what is
// left of transactions does not, RFC 6026 §8.7.
func (p *Proxy) Stray(f transport.Flow, m *sip.Message) {
	s := p.settings.Load()
	v, ok := m.TopVia()
	if !ok || !isStateless(v.Branch) || !s.Self.Listener(v.Host, v.Port, v.Transport) {
		p.stats.droppedResponses.Add(1)
		return
	}
	e, ok := m.NextElement(v.Element)
	next, err := sip.ParseVia(e.Value)
	if !ok || err != nil || !isMAC(branchToken(v.Branch)[macLen:], p.checkSum(m, &next)) {
		p.stats.droppedResponses.Add(1)
		return
	}
	to, ok := p.backTo(v, &next)
	if !ok || !p.replyAll(s, f, m) {
		p.stats.droppedResponses.Add(1)
		return
	}
	if v, ok = m.TopVia(); ok {
		m.RemoveElement(v.Element)
	}
	if !m.Has(sip.Via) {
		p.stats.droppedResponses.Add(1)
		return
	}
	if to.Transport.Reliable() {
		m.EnsureLength()
	}
	sc := p.getScratch()
	sc.out = m.AppendTo(sc.out[:0])
	_ = p.cfg.Sender.Send(to, sc.out, 0) // lost as on the wire
	p.putScratch(sc)
	p.stats.forwarded.Add(1)
}

func isStateless(branch []byte) bool {
	n := len(sip.MagicCookie)
	return len(branch) == n+1+3*macLen && branch[n] == statelessMark
}

// replyAll runs reply.all. False: the response is not to be forwarded.
func (p *Proxy) replyAll(s *Settings, f transport.Flow, m *sip.Message) bool {
	if s.ReplyAll == nil {
		return true
	}
	j := job.Get()
	defer job.Put(j)
	j.Place, j.Now, j.Flow, j.Msg = schema.InReply, p.cfg.Clock(), f, m
	j.Self, j.Status = s.Self, m.Status()
	return s.ReplyAll.Run(context.Background(), j) != job.Drop || m.Status() >= 200
}

// backTo is where a response goes by its next Via, §18.2.2, which was marked
// when the request came and is known not to have changed.
func (p *Proxy) backTo(ours, next *sip.ViaValue) (transport.Target, bool) {
	host := next.Received
	if host == nil {
		host = next.Host
	}
	addr, ok := sip.ParseAddr(host)
	t := transport.Target{Transport: next.Transport, Listener: transport.AnyListener}
	port := portOr(next.Port, next.Transport)
	if !next.Transport.Reliable() && next.RPort != 0 {
		port = next.RPort
	}
	t.Remote = addrPort(addr, port)
	p.readFlow(ours, &t)
	return t, ok
}

// The Via parameter "flow" of a request forwarded without state names the
// flow the request came on where its next Via cannot: listener and
// connection, with a keyed check.

var dot = []byte(".")

func (p *Proxy) appendFlow(dst []byte, h *passage) []byte {
	f := &h.flow
	if !h.odd && f.Conn == 0 &&
		p.cfg.Sender.Choose(f.Transport, f.Remote.Addr()) == f.Listener {
		return dst
	}
	dst = append(dst, ";flow="...)
	dst = appendHex(dst, uint64(f.Listener))
	dst = append(dst, '.')
	dst = appendHex(dst, f.Conn)
	dst = append(dst, '.')
	return appendMAC(dst, p.flowSum(uint64(f.Listener), f.Conn, h.token[macLen:]))
}

func (p *Proxy) flowSum(listener, conn uint64, check []byte) uint64 {
	h := p.keys.flow.start()
	h.word(listener)
	h.word(conn)
	h.field(check)
	return h.sum()
}

func (p *Proxy) readFlow(v *sip.ViaValue, t *transport.Target) {
	value, _ := sip.Param(v.Params, "flow")
	listener, rest, _ := bytes.Cut(value, dot)
	conn, mac, _ := bytes.Cut(rest, dot)
	l, ok := parseHex(listener)
	c, ok2 := parseHex(conn)
	if !ok || !ok2 || l >= uint64(len(p.ids)) ||
		!isMAC(mac, p.flowSum(l, c, branchToken(v.Branch)[macLen:])) {
		return
	}
	// The connection, whatever transport the sender wrote into its Via.
	t.Listener, t.Conn, t.Transport = uint16(l), c, p.ids[l].transport
}
