package stateless

import (
	"bytes"
	"context"

	"sipedge/router/fault"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Request is what a policy says of a request that is forwarded.
type Request struct {
	Token   identity.Token // of its branches
	To      []byte         // next hop URI of the policy; nil: Route, then Request-URI
	By      nexthop.Trust  // who says To
	Flow    bool           // To is a flow, and nothing else will do
	OnError job.Route      // run instead when nothing could be sent for a local reason; nil: none
}

// Forward sends the request on, which was admitted, with a deterministic branch: a retransmission
// and the CANCEL and the ACK to a non-2xx of an INVITE get the same one.
func (p *Forwarder) Forward(j *job.Job, s *Settings, r Request) job.Verdict {
	h := passage{
		set: s, flow: j.Flow, msg: j.Msg, socket: j.SendSocket, size: j.Size,
		by: r.By, byFlow: r.Flow, onError: r.OnError, trace: j.Trace, verified: j.Verified,
		stamp: identity.Stamp{
			RecordRoute: j.RecordRoute, Params: j.RRParams, Direction: j.Direction,
		},
	}
	sender := p.cfg.Find.Sender
	h.via = p.cfg.Own.Stateless(j, r.Token, sender.Choose(j.Flow.Transport, j.Flow.Remote.Addr()))
	if r.OnError != nil {
		h.before = p.copyOf(j.Msg)
	}
	v := job.Done
	if f := p.forward(j, &h, r.To); f != nil {
		v = p.notForwarded(j, &h, f)
	} else {
		j.Answered = true
	}
	p.putMessage(h.before)
	return v
}

// A passage is a request on its way through.
type passage struct {
	set     *Settings
	flow    transport.Flow
	msg     *sip.Message
	socket  uint16 // force_send_socket
	size    int    // bytes as it was received
	via     identity.Stateless
	stamp   identity.Stamp
	by      nexthop.Trust
	byFlow  bool // it leaves by a flow or not at all
	onError job.Route
	before  *sip.Message // as it stood, for onError; ours to give back
	trace   *job.Trace

	verified bool
}

// forward makes the edits of §16.6 and sends the request, now or when its next
// hop was looked up.
func (p *Forwarder) forward(j *job.Job, h *passage, to []byte) *fault.Fault {
	identity.TakeRoutes(h.set.Self, j.Msg)
	identity.LowerMaxForwards(j.Msg, h.set.MaxForwards)
	identity.SetBreadth(j.Msg, identity.Breadth(j.Msg))
	if to == nil && !identity.MayFollow(j.Msg, h.set.Self, identity.Received(j), h.verified) {
		p.guarded.Add(1)
		p.refused(h.trace, nexthop.StrangersRoute)
		return fault.Stranger
	}
	u, err := nexthop.URI(j.Msg, to)
	if err != nil {
		return fault.OfHop(err)
	}
	if !h.set.Guard.AllowsName(&u, h.flow.Remote, h.by) {
		p.guarded.Add(1)
		if h.trace.Fits() {
			p.refused(h.trace, h.set.Guard.WhyName(&u))
		}
		return fault.Guarded
	}
	sc := p.getScratch()
	defer p.putScratch(sc)
	hops, q, known, err := p.cfg.Find.Find(sc.hops[:0], &u, h.via.Seed())
	sc.hops = hops[:0]
	switch {
	case known && err != nil:
		return fault.OfHop(err)
	case !known:
		return p.suspend(j, h, func(ctx context.Context, h *passage) *fault.Fault {
			return p.look(ctx, h, q)
		})
	}
	t := j.Member()
	f := p.pass(sc, h, nexthop.Over(hops, &t, to, j.Msg, &h.set.Guard))
	if (f == fault.Send || f == fault.Limit) && h.byFlow {
		return fault.Flow
	}
	return f
}

// pass sends the request to the first hop that takes it.
func (p *Forwarder) pass(sc *scratch, h *passage, hops []resolve.Hop) *fault.Fault {
	f := fault.NotFound
	if len(hops) > 0 {
		allowed := h.set.Guard.Hops(hops, h.flow.Remote, h.by)
		if len(allowed) == 0 {
			p.guarded.Add(1)
			if h.trace.Fits() {
				p.refused(h.trace, h.set.Guard.Why(hops, h.flow.Remote, h.by))
			}
			return fault.Guarded
		}
		hops = allowed
	}
	if len(hops) > 0 {
		f = fault.Spared
	}
	for _, hop := range p.cfg.Failed.Order(hops, h.msg.ToTag() != nil) {
		if f = p.passTo(sc, h, hop); f == nil {
			p.forwarded.Add(1)
			return nil
		}
		if f == fault.Send {
			p.cfg.Failed.Refuse(hop, h.set.Spare)
		}
	}
	p.noTarget.Add(1)
	return f
}

func (p *Forwarder) passTo(sc *scratch, h *passage, hop resolve.Hop) *fault.Fault {
	l := p.cfg.Find.Egress(h.flow.Listener, h.socket, hop)
	if l == transport.AnyListener {
		return fault.Unreachable
	}
	sc.value = p.cfg.Own.AppendStateless(p.cfg.Own.AppendVia(sc.value[:0], l), &h.via)
	in := identity.Side{Listener: h.flow.Listener, Conn: h.flow.Conn, Remote: h.flow.Remote}
	out := identity.Side{Listener: l, Conn: hop.Conn, Remote: hop.Addr, Flow: h.byFlow}
	sc.value = h.stamp.Mark(p.cfg.Own, h.msg, sc.value, in, out)
	if hop.Transport.Reliable() {
		h.msg.EnsureLength()
	}
	sc.out = h.msg.AppendTo(sc.out[:0])
	to := nexthop.Target(hop, l, h.verified)
	if err := p.cfg.Find.Sender.Send(to, sc.out, 0); err != nil {
		return fault.OfSend(err)
	}
	p.sent(h.trace, to, sc.out)
	return nil
}

// look sends the request to where q leads.
func (p *Forwarder) look(ctx context.Context, h *passage, q resolve.Query) *fault.Fault {
	hops, err := p.cfg.Find.Resolver.Lookup(ctx, q)
	if err != nil {
		return fault.OfHop(err)
	}
	sc := p.getScratch()
	defer p.putScratch(sc)
	return p.pass(sc, h, append(sc.hops[:0], hops...))
}

// sending is what is done with a request on the pool.
type sending = func(context.Context, *passage) *fault.Fault

// suspend goes on with the request on the pool: do sends it, or says why not.
func (p *Forwarder) suspend(j *job.Job, h *passage, do sending) *fault.Fault {
	own := *h
	own.msg = p.copyOf(h.msg)
	own.stamp.Params = bytes.Clone(h.stamp.Params)
	uri := bytes.Clone(identity.Received(j))
	started := p.cfg.Pool.Go(func(ctx context.Context) {
		defer p.putMessage(own.msg)
		defer p.putMessage(own.before)
		if f := do(ctx, &own); f != nil {
			p.notResumed(ctx, &own, uri, f)
		}
	})
	if !started {
		p.putMessage(own.msg)
		return fault.Full
	}
	h.before = nil // it went along
	return nil
}

// notResumed ends a request that could not be sent after all, in a run of its own.
func (p *Forwarder) notResumed(ctx context.Context, h *passage, uri []byte, f *fault.Fault) {
	j := job.Get()
	defer job.Put(j)
	j.Place, j.Now, j.Flow, j.Msg = schema.InRequest, p.cfg.Clock(), h.flow, h.msg
	j.Self, j.Received, j.Size, j.Trace = h.set.Self, uri, h.size, h.trace
	j.RecordRoute, j.RRParams = h.stamp.RecordRoute, h.stamp.Params
	j.SendSocket, j.Direction, j.Verified = h.socket, h.stamp.Direction, h.verified
	j.MayWait = true
	if p.fail(ctx, j, h, f) != job.Drop && !j.Answered {
		p.cfg.Refuse(j, f)
	}
}

// notForwarded ends a request that could not be sent: on the pool if what ends it may wait.
func (p *Forwarder) notForwarded(j *job.Job, h *passage, f *fault.Fault) job.Verdict {
	if h.onError == nil || !h.onError.Waits() {
		return p.fail(context.Background(), j, h, f)
	}
	again := func(context.Context, *passage) *fault.Fault { return f }
	if full := p.suspend(j, h, again); full != nil {
		return p.cfg.Refuse(j, full)
	}
	j.Answered = true
	return job.Done
}

// fail ends a request that could not be sent: by the on_error arm, over the request as it
// stood, else with an answer.
func (p *Forwarder) fail(ctx context.Context, j *job.Job, h *passage, f *fault.Fault) job.Verdict {
	if h.onError != nil {
		sent := j.Msg
		j.Msg, j.LastError = h.before, f.Status
		v := h.onError.Run(ctx, j)
		j.Msg = sent
		if v != job.Next {
			return v
		}
	}
	h.stamp.Clear(j.Msg)
	if f == fault.Send || f == fault.Limit || f == fault.Spared {
		f = &fault.Fault{Status: 500, Reason: "Next Hop Not Reachable"} // §16.9, §16.7 step 6
	}
	return p.cfg.Refuse(j, f)
}
