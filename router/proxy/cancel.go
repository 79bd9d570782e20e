package proxy

import "sipedge/router/fault"

// cancel deals with the caller's CANCEL, RFC 3261 §16.10: branches that were
// sent are cancelled and answer 487; those that were not never are. A Reason
// it had is not passed on, since it is only the caller's word.
func (c *responseContext) cancel() {
	c.p.stats.cancelled.Add(1)
	c.cancelled = true
	if c.answered {
		return
	}
	c.hangUp(nil)
	if !c.waiting() {
		c.answerBest()
	}
}

// hangUp ends every branch that has no final response: with a CANCEL, which
// carries extra, or without a word if it was never sent.
func (c *responseContext) hangUp(extra []byte) {
	for _, b := range c.branches {
		switch b.state {
		case branchResolving:
			b.fail(fault.Dropped)
			b.drop(c.p)
		case branchTrying:
			if !b.cancelled {
				b.cancelled = true
				_ = c.p.layer.Cancel(b.client, extra) // ErrGone: nothing to cancel
			}
		}
	}
}
