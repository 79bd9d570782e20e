package proxy

import (
	"errors"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Reply answers the request. Without a transaction it is stateless with a
// keyed To tag that absorbs its ACK; a 1xx, or stateful, makes one. extra are
// whole header lines. A reply to an ACK sends nothing. In a failure route it
// ends the response context; in an error route only a final one is sent, if
// the request can be answered at all. The verdict is Next for a 1xx, else Done.
func (p *Proxy) Reply(
	j *job.Job, status int, reason string, extra []byte, stateful bool,
) job.Verdict {
	final, method, v := status >= 200, j.Msg.Method(), job.Done
	if !final {
		v = job.Next
	}
	if final || method == sip.ACK {
		j.Answered = true
	}
	if status >= 300 && j.Undo != nil {
		j.Undo.Undo(j.Msg)
		j.Undo = nil
	}
	switch {
	case method == sip.ACK:
		return job.Done
	case j.Place == schema.InError:
		if final && j.Msg.Replyable() {
			p.replyStateless(j.Trace, j.Flow, j.Msg, status, reason, extra)
		}
		return v
	}
	if c, ok := j.Context.(*responseContext); ok {
		c.respond(j.Msg, status, reason, extra)
		return v
	}
	if j.Word != 0 || method != sip.CANCEL && (stateful || !final) {
		c, err := p.enter(j, p.settings.Load())
		switch {
		case err == nil:
			if !final {
				c.freeze(j.Msg, false)
			}
			c.respond(j.Msg, status, reason, extra)
			c.release()
			return v
		case !errors.Is(err, transaction.ErrFull):
			j.Answered = true
			return job.Done
		case !final:
			return job.Next
		}
	}
	if !final { // a CANCEL has none
		return job.Next
	}
	p.stats.statelessReplies.Add(1)
	p.replyStateless(j.Trace, j.Flow, j.Msg, status, reason, extra)
	return job.Done
}

// Drop ends a request in silence: a transaction made for it absorbs what its
// client repeats, and goes when that has given up.
func (p *Proxy) Drop(j *job.Job) {
	j.Answered = true
	if j.Undo != nil {
		j.Undo.Undo(j.Msg)
	}
	if j.Word == 0 || j.Context != nil {
		return
	}
	c := p.acquire(j.Word)
	if c == nil {
		return
	}
	if len(c.branches) == 0 {
		c.ending(job.Drop)
	}
	c.release()
}

// respond sends a response of ours on the server transaction, unless a final
// one was sent. A final ends what is left of the branches. A 1xx is for an
// INVITE alone, RFC 4320 §4.1.
func (c *responseContext) respond(m *sip.Message, status int, reason string, extra []byte) {
	if c.answered || status < 200 && c.method != sip.INVITE {
		return
	}
	p := c.p
	sc := p.getScratch()
	sc.out = p.appendReply(sc, m, status, reason, extra)
	if status >= 200 {
		c.answered, c.success = true, status < 300
		p.stats.replied.Add(1)
	}
	if status >= 300 {
		c.undo(m)
	}
	_ = p.layer.Reply(c.server, status, sc.out) // as in upstream
	p.sent(c.trace, c.flow.Target(), sc.out)
	p.putScratch(sc)
	if status >= 200 {
		c.hangUp(nil)
	}
}

// undo has undone what was done for a request that does not succeed.
func (c *responseContext) undo(m *sip.Message) {
	if u := c.hooks.undo; u != nil {
		c.hooks.undo = nil
		u.Undo(m)
	}
}

// appendReply writes a response to m into sc.out.
func (p *Proxy) appendReply(
	sc *scratch, m *sip.Message, status int, reason string, extra []byte,
) []byte {
	if status == 100 {
		return sip.AppendReply(sc.out[:0], m, status, reason, nil, extra)
	}
	var tag [identity.ToTagLen]byte
	return sip.AppendReply(sc.out[:0], m, status, reason, p.own.AppendToTag(tag[:0], m), extra)
}

func (p *Proxy) replyStateless(
	t *job.Trace, f transport.Flow, m *sip.Message, status int, reason string, extra []byte,
) {
	sc := p.getScratch()
	sc.out = p.appendReply(sc, m, status, reason, extra)
	to := identity.ReplyTarget(f, m)
	_ = p.cfg.Sender.Send(to, sc.out, 0) // lost as on the wire
	p.sent(t, to, sc.out)
	p.putScratch(sc)
}

// Refuse answers a message that Parse or the engine's checks refused,
// statelessly, outside any policy. What has no form that can be answered is
// only counted.
func (p *Proxy) Refuse(f transport.Flow, m *sip.Message, status int, reason string) {
	p.stats.refused.Add(1)
	if m.Replyable() {
		p.replyStateless(nil, f, m, status, reason, nil)
	}
}

// TagAbsorbs reports whether an ACK's To tag is one of our responses': the
// ACK ends here. The router asks before any rule runs.
func (p *Proxy) TagAbsorbs(m *sip.Message) bool {
	if !p.own.OwnToTag(m) {
		return false
	}
	p.stats.absorbedACKs.Add(1)
	return true
}
