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
	switch {
	case !ok:
		p.stats.droppedResponses.Add(1)
	case s.ReplyAll == nil:
		p.back(to, m, trace)
	default:
		p.replyAll(s, f, m, to, trace)
	}
}

// back sends a response on to where it goes.
func (p *Proxy) back(to transport.Target, m *sip.Message, trace *job.Trace) {
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

// replyAll runs reply.all over a response without state, on the pool from where it would wait,
// and sends it on.
func (p *Proxy) replyAll(
	s *Settings, f transport.Flow, m *sip.Message, to transport.Target, t *job.Trace,
) {
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = schema.InReply, p.cfg.Clock(), f, m
	j.Self, j.Status, j.Trace = s.Self, m.Status(), t
	end := func(v job.Verdict) {
		if v == job.Drop && j.Status < 200 {
			p.stats.droppedResponses.Add(1)
		} else {
			p.back(to, j.Msg, t)
		}
		job.Put(j)
	}
	v := s.ReplyAll.Run(context.Background(), j)
	if v != job.Wait {
		end(v)
		return
	}
	own := p.copyOf(m)
	j.Msg = own
	if !p.cfg.Pool.Go(func(ctx context.Context) {
		end(j.Resume(ctx))
		p.putMessage(own)
	}) {
		end(job.Next)
		p.putMessage(own)
	}
}
