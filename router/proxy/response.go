package proxy

import (
	"context"
	"errors"

	"sipedge/router/fault"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// What comes back, RFC 3261 §16.7: reply routes, then 1xx and 2xx go
// upstream at once, other finals are kept until every branch has one.

// response takes a response, or the end, of a client transaction. gone: the context went to
// the pool with it.
func (c *responseContext) response(e *event) (gone bool) {
	b := c.branchOf(e.client)
	switch {
	case b == nil:
	case e.msg == nil:
		c.p.cfg.Failed.Lost(e.flow, e.err, c.set.Spare)
		c.branchFailed(b, e.err)
	default:
		c.p.received(c.trace, e.flow, e.msg)
		// What comes from elsewhere is no word of who was asked, nor of whose address it has.
		if markOf(e.flow.Transport, e.flow.Remote) == b.asked {
			c.p.cfg.Failed.Heard(e.flow, e.msg, c.set.Spare)
		}
		r := replying{c: c, b: b, e: *e, left: [2]job.Route{c.set.ReplyAll, c.hooks.Reply}}
		return r.run(context.Background())
	}
	if e.own {
		c.p.putMessage(e.msg)
	}
	return false
}

// take does what the class of a response asks for that the reply routes let pass.
func (c *responseContext) take(b *branch, e *event) {
	m, status := e.msg, e.msg.Status()
	if status == 503 {
		b.tried = nexthop.Others(b.hops, b.tried)
	}
	switch {
	case status < 200:
		c.provisional(b, m)
	case status < 300:
		b.state, b.status = branchEnded, int32(status)
		b.drop(c.p)
		c.succeed(m)
	case b.state == branchEnded:
		// what a cancelled or failed-over branch still says
	case status == 503 && b.mayMove():
		c.send(b) // RFC 3263 §4.3
		c.after(b)
	default:
		c.failedWith(b, e)
	}
}

// provisional forwards 101–199 of an INVITE. RFC 4320 §4.1: other methods have none.
func (c *responseContext) provisional(b *branch, m *sip.Message) {
	if m.Status() == 100 || c.method != sip.INVITE || b.state == branchEnded {
		return
	}
	b.ringing = true
	if !c.answered {
		c.upstream(m)
	}
}

// succeed forwards a 2xx: the first, which ends the other branches, and of an
// INVITE every other.
func (c *responseContext) succeed(m *sip.Message) {
	first := !c.answered
	if !first && (!c.success || c.method != sip.INVITE) {
		return
	}
	c.answered, c.success = true, true
	if !c.upstream(m) && first {
		c.answered, c.success = false, false
		c.local(fault.Response)
	}
	if first {
		c.hangUp(elsewhere)
	}
}

// elsewhere is RFC 3326's reason for a branch that another one answered.
var elsewhere = []byte("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")

// failedWith takes a final response that is no 2xx. It is kept, and copied if
// it has to outlive the event.
func (c *responseContext) failedWith(b *branch, e *event) {
	b.state, b.status = branchEnded, int32(e.msg.Status())
	b.drop(c.p)
	if b.expired && b.status == 487 && !c.cancelled {
		b.fail(fault.Timeout) // §16.8
		c.settle()
		return
	}
	b.resp = e.msg
	if b.status >= 600 && !c.answered {
		c.declined = true
		c.hangUp(nil)
	}
	c.settle()
	switch {
	case c.answered:
		b.resp = nil
	case !e.own:
		b.resp = c.p.copyOf(e.msg)
	}
}

// branchFailed takes what the layer says when no response came.
func (c *responseContext) branchFailed(b *branch, err error) {
	if b.state == branchEnded {
		return
	}
	if errors.Is(err, transaction.ErrTimerC) {
		b.expired = true
		_ = c.p.layer.Cancel(b.client, nil) // ErrGone: its final is on its way here
		return
	}
	if errors.Is(err, transaction.ErrTimeout) {
		b.tried = nexthop.Others(b.hops, b.tried)
	}
	if b.mayMove() && !c.answered {
		c.send(b)
		c.after(b)
		return
	}
	f := fault.Timeout
	if errors.Is(err, transaction.ErrTransport) {
		f = b.unsent(fault.Send)
		c.p.stats.noTarget.Add(1)
	}
	b.fail(f)
	c.after(b)
}

// after tidies a branch after it was sent once more or ended.
func (c *responseContext) after(b *branch) {
	if b.state == branchEnded || b.tried == len(b.hops) {
		b.drop(c.p)
	}
	c.settle()
}

// upstream forwards a response: our Via goes, the rest is as the reply routes
// left it. False: it is none that could be forwarded.
func (c *responseContext) upstream(m *sip.Message) bool {
	if v, ok := m.TopVia(); ok {
		m.RemoveElement(v.Element)
	}
	if !m.Has(sip.Via) {
		c.p.stats.droppedResponses.Add(1)
		c.p.refused(c.trace, "a response without the Via of who asked")
		return false
	}
	if c.flow.Transport.Reliable() {
		m.EnsureLength()
	}
	sc := c.p.getScratch()
	sc.out = m.AppendTo(sc.out[:0])
	err := c.p.layer.Reply(c.server, m.Status(), sc.out)
	c.p.sent(c.trace, c.flow.Target(), sc.out)
	c.p.putScratch(sc)
	// One that cannot be sent now is lost as on the wire: the transaction's
	// timers deal with both.
	return !errors.Is(err, transport.ErrTooLarge)
}
