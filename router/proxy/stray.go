package proxy

import (
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
	to, ok := p.own.Back(s.Self, m)
	var trace *job.Trace
	if ok && p.cfg.Trace != nil {
		trace = p.cfg.Trace(f, m)
		p.received(trace, f, m)
	}
	if !ok || !p.replyAll(s, f, m, trace) {
		p.stats.droppedResponses.Add(1)
		return
	}
	if v, ok := m.TopVia(); ok {
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
	p.sent(trace, to, sc.out)
	p.putScratch(sc)
	p.stats.forwarded.Add(1)
}

// replyAll runs reply.all. False: the response is not to be forwarded.
func (p *Proxy) replyAll(s *Settings, f transport.Flow, m *sip.Message, t *job.Trace) bool {
	if s.ReplyAll == nil {
		return true
	}
	j := job.Get()
	defer job.Put(j)
	j.Place, j.Now, j.Flow, j.Msg = schema.InReply, p.cfg.Clock(), f, m
	j.Self, j.Status, j.Trace = s.Self, m.Status(), t
	return s.ReplyAll.Run(context.Background(), j) != job.Drop || m.Status() >= 200
}
