package stateless

import (
	"context"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Response forwards a response: our Via goes, the next one says where to. Only
// a response to a request that was forwarded without state passes, which the
// keyed branch of our Via proves; what is left of transactions does not, RFC
// 6026 §8.7.
func (p *Forwarder) Response(s *Settings, f transport.Flow, m *sip.Message) {
	to, ok := p.cfg.Own.Back(s.Self, m)
	var trace *job.Trace
	if p.cfg.Trace != nil {
		trace = p.cfg.Trace(f, m)
		if trace != nil {
			trace.Received(p.cfg.Clock(), f, m)
		}
	}
	switch {
	case !ok:
		p.droppedResponses.Add(1)
		p.refused(trace, "a response that belongs to no transaction")
	case s.ReplyAll == nil:
		p.back(to, m, trace)
	default:
		p.replyAll(s, f, m, to, trace)
	}
}

// back sends a response on to where it goes.
func (p *Forwarder) back(to transport.Target, m *sip.Message, trace *job.Trace) {
	if v, ok := m.TopVia(); ok {
		m.RemoveElement(v.Element)
	}
	if !m.Has(sip.Via) {
		p.droppedResponses.Add(1)
		p.refused(trace, "a response without the Via of who asked")
		return
	}
	if to.Transport.Reliable() {
		m.EnsureLength()
	}
	sc := p.getScratch()
	sc.out = m.AppendTo(sc.out[:0])
	_ = p.cfg.Find.Sender.Send(to, sc.out, 0) // lost as on the wire
	p.sent(trace, to, sc.out)
	p.putScratch(sc)
	p.forwarded.Add(1)
}

// replyAll runs reply.all over a response without state, on the pool from where it would wait,
// and sends it on.
func (p *Forwarder) replyAll(
	s *Settings, f transport.Flow, m *sip.Message, to transport.Target, t *job.Trace,
) {
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = schema.InReply, p.cfg.Clock(), f, m
	j.Self, j.Status, j.Trace = s.Self, m.Status(), t
	end := func(v job.Verdict) {
		if v == job.Drop && j.Status < 200 {
			p.droppedResponses.Add(1)
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
