package proxy

import (
	"context"
	"slices"

	"sipedge/router/fault"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A branch is one member of a target set on its way, RFC 3261 §16.6, over as
// many client transactions as it takes to reach one of its hops.
type branch struct {
	branchState
	index  int
	msg    *sip.Message // its copy, while another hop may be tried; ours to give back unless lent
	lent   bool
	hops   []resolve.Hop
	tried  int // hops
	most   int // bytes of it that go by UDP where TCP can be tried
	by     nexthop.Trust
	stamp  identity.Stamp
	socket uint16 // force_send_socket
	mark   uint32 // of the gateway it goes to; 0: none

	// The final response: received, or what stands for one. Its status is in branchState.
	fault *fault.Fault
	resp  *sip.Message
}

// branchState is what of a branch has no pointers and outlives an event.
type branchState struct {
	client  transaction.Client
	attempt int32  // of which relay
	uri     uint32 // mark of the Request-URI, if a failure route may ask; else 0
	asked   uint32 // mark of whom it was sent to last
	status  int32  // of the final response
	state   branchStep

	sent      bool // a request left
	ringing   bool // a 101–199 came
	expired   bool // Timer C fired
	cancelled bool
	flow      bool // it goes by a flow or not at all
	recursed  bool // it follows a redirection
	followed  bool // it was one, which is followed
}

type branchStep uint8

const (
	branchResolving branchStep = iota
	branchTrying
	branchEnded
)

func (b *branch) reset(p *Proxy) {
	b.drop(p)
	p.putMessage(b.resp)
	*b = branch{hops: b.hops[:0]}
}

// drop gives the copy back.
func (b *branch) drop(p *Proxy) {
	if !b.lent {
		p.putMessage(b.msg)
	}
	b.msg, b.lent = nil, false
}

// fail ends the branch for a reason of ours.
func (b *branch) fail(f *fault.Fault) {
	b.state, b.status, b.fault = branchEnded, int32(f.Status), f
}

// unsent is why a branch ended whose request could not be delivered: f, or its flow is gone.
func (b *branch) unsent(f *fault.Fault) *fault.Fault {
	if b.flow && (f == fault.Send || f == fault.Limit) {
		return fault.Flow
	}
	return f
}

// mayMove reports whether the branch may try another hop, RFC 3263 §4.3: not
// when somebody was rung, or is to ring no more.
func (b *branch) mayMove() bool {
	return b.tried < len(b.hops) && !b.ringing && !b.cancelled && !b.expired
}

func (c *responseContext) addBranch() *branch {
	n := len(c.branches)
	if n < cap(c.branches) {
		c.branches = c.branches[:n+1]
	} else {
		c.branches = append(c.branches, nil)
	}
	if c.branches[n] == nil {
		c.branches[n] = new(branch)
	}
	b := c.branches[n]
	b.index, b.attempt = n, int32(c.attempt)
	return b
}

// launch starts branch i with its copy m of the request. A lent m is the
// caller's, which it gets back spoiled.
func (c *responseContext) launch(
	i int, m *sip.Message, lent bool, h *Hooks, t *job.Target,
) {
	b := c.branches[i]
	b.msg, b.lent = m, lent
	t.Edit(m)
	f := c.route(b, h, t)
	c.note(b, t)
	if f != nil {
		b.fail(f)
	} else if b.state == branchTrying {
		c.send(b)
	}
	switch {
	case b.state == branchEnded, b.state == branchTrying && b.tried == len(b.hops):
		b.drop(c.p)
	case b.lent:
		b.msg, b.lent = c.p.copyOf(m), false
	}
}

// route runs the branch route and finds the hops, or asks for them.
func (c *responseContext) route(b *branch, h *Hooks, t *job.Target) *fault.Fault {
	b.stamp = identity.Stamp{
		RecordRoute: c.recordRoute, Params: c.rrParams, Direction: c.direction,
	}
	b.socket = t.Socket(c.sendSocket)
	if r := c.hooks.Branch; r != nil && !c.runBranch(r, b) {
		return fault.Dropped
	}
	to, by := h.To, h.By
	if to == nil {
		to, by = nexthop.Chosen(b.msg, t, c.verified)
	} else {
		t.Gateway, t.Flow = 0, false // it goes not there
	}
	if to == nil && !identity.MayFollow(b.msg, c.set.Self, c.received, c.verified) {
		c.p.stats.guarded.Add(1)
		c.p.refused(c.trace, nexthop.StrangersRoute)
		return fault.Stranger
	}
	u, err := nexthop.URI(b.msg, to)
	if err != nil {
		return fault.OfHop(err)
	}
	if !c.set.Guard.AllowsName(&u, c.flow.Remote, by) {
		c.p.stats.guarded.Add(1)
		if c.trace.Fits() {
			c.p.refused(c.trace, c.set.Guard.WhyName(&u))
		}
		return fault.Guarded
	}
	b.by, b.mark, b.most = by, t.Gateway, nexthop.MostByUDP(&u, t, c.set.UDPRequest)
	b.flow = t.Flow
	hops, q, known, err := c.p.find.Find(b.hops[:0], &u, 0)
	switch {
	case known && err != nil:
		return fault.OfHop(err)
	case !known:
		b.state = branchResolving
		if !c.lookUp(b.index, q) {
			return fault.Full
		}
		return nil
	}
	return c.found(b, nexthop.Over(hops, t, to, b.msg, &c.set.Guard))
}

// runBranch reports whether the branch is to be sent.
func (c *responseContext) runBranch(r job.Route, b *branch) bool {
	j := c.job(schema.InBranch, b.msg)
	j.Branch, j.SendSocket = b.index, b.socket
	v := r.Run(context.Background(), j)
	b.stamp.RecordRoute, b.stamp.Params = j.RecordRoute, c.keep(j.RRParams)
	b.socket = j.SendSocket
	job.Put(j)
	return v != job.Drop
}

// lookUp asks the resolver on a goroutine of the pool; the answer comes back
// as an event. False: the pool is full.
func (c *responseContext) lookUp(i int, q resolve.Query) bool {
	p, word := c.p, c.word
	return p.cfg.Pool.Go(func(ctx context.Context) {
		hops, err := p.find.Resolver.Lookup(ctx, q)
		p.post(word, event{kind: eventResolved, branch: i, hops: hops, err: err})
	})
}

// resolved goes on with a branch whose address was looked up.
func (c *responseContext) resolved(e *event) {
	b := c.branches[e.branch]
	if b.state != branchResolving {
		return // cancelled meanwhile
	}
	f := fault.OfHop(e.err)
	if e.err == nil {
		f = c.found(b, append(b.hops[:0], e.hops...))
	}
	if f != nil {
		b.fail(f)
	} else {
		c.send(b)
	}
	c.after(b)
}

// found takes the hops of a branch past the destination guard, those that failed lately behind
// the others. Without failover it is the first alone, or a connection and who opened it.
func (c *responseContext) found(b *branch, hops []resolve.Hop) *fault.Fault {
	if len(hops) == 0 {
		return fault.NotFound
	}
	b.hops = c.set.Guard.Hops(hops, c.flow.Remote, b.by)
	if len(b.hops) == 0 {
		c.p.stats.guarded.Add(1)
		if c.trace.Fits() {
			c.p.refused(c.trace, c.set.Guard.Why(hops, c.flow.Remote, b.by))
		}
		return fault.Guarded
	}
	inDialog := b.msg.ToTag() != nil // a BYE must not be lost
	if b.hops = c.p.cfg.Failed.Order(b.hops, inDialog); len(b.hops) == 0 {
		return fault.Spared
	}
	if c.hooks.Failover == Off && b.hops[0].Conn == 0 {
		b.hops = b.hops[:1]
	}
	b.state, b.tried = branchTrying, 0
	return nil
}

// send tries the hops left, RFC 3263 §4.3, until one takes the request. Each
// is a client transaction of its own.
func (c *responseContext) send(b *branch) {
	f := fault.Send
	for b.tried < len(b.hops) {
		hop := b.hops[b.tried]
		b.tried++
		if f = c.sendTo(b, hop); f == nil {
			b.state, b.sent = branchTrying, true
			return
		}
		if f == fault.Send {
			c.p.cfg.Failed.Refuse(b.hops[b.tried-1], c.set.Spare)
		}
	}
	c.p.stats.noTarget.Add(1)
	b.fail(b.unsent(f))
}

func (c *responseContext) sendTo(b *branch, hop resolve.Hop) *fault.Fault {
	p := c.p
	l := p.find.Egress(c.flow.Listener, b.socket, hop)
	if l == transport.AnyListener {
		return fault.Unreachable
	}
	sc := p.getScratch()
	defer p.putScratch(sc)
	m := b.msg
	var err error
	sc.value = p.own.AppendVia(sc.value[:0], l)
	if b.client, sc.value, err = p.layer.Branch(sc.value, c.token); err != nil {
		return fault.OfSend(err)
	}
	in := identity.Side{Listener: c.flow.Listener, Conn: c.flow.Conn, Remote: c.flow.Remote}
	out := identity.Side{Listener: l, Conn: hop.Conn, Remote: hop.Addr, Flow: b.flow}
	sc.value = b.stamp.Mark(p.own, m, sc.value, in, out)
	if hop.Transport.Reliable() {
		m.EnsureLength()
	}
	sc.out = m.AppendTo(sc.out[:0])
	if hop.Transport == sip.UDP && len(sc.out) > b.most && c.byTCP(b) {
		p.layer.Abandon(b.client)
		return c.sendTo(b, b.hops[b.tried-1])
	}
	b.asked = markOf(hop.Transport, hop.Addr)
	to := nexthop.Target(hop, l, c.verified)
	err = p.layer.Send(b.client, m, to, sc.out, transaction.Options{
		Word: c.word, Mark: b.mark, FinalWait: c.hooks.FinalWait, InviteWait: c.hooks.InviteWait,
	})
	if err != nil {
		return fault.OfSend(err)
	}
	p.sent(c.trace, to, sc.out)
	return nil
}

// byTCP puts before the hop tried last, which is by UDP, the one a large request tries first, RFC
// 3261 §18.1.1. False: there is none, or it failed lately.
func (c *responseContext) byTCP(b *branch) bool {
	hop, ok := c.p.find.ByTCP(b.hops, b.tried, c.flow.Listener, b.socket)
	if !ok {
		return false
	}
	both := c.p.cfg.Failed.Order([]resolve.Hop{hop, b.hops[b.tried-1]}, true)
	if both[0] != hop {
		return false
	}
	b.hops = slices.Insert(b.hops, b.tried-1, hop)
	c.p.stats.byTCP.Add(1)
	return true
}

// branchOf finds the branch that waits for a client transaction.
func (c *responseContext) branchOf(t transaction.Client) *branch {
	for _, b := range c.branches {
		if b.client == t {
			return b
		}
	}
	return nil
}

// waiting reports whether a branch has no final response yet.
func (c *responseContext) waiting() bool {
	return slices.ContainsFunc(c.branches, func(b *branch) bool { return b.state != branchEnded })
}
