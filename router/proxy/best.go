package proxy

import (
	"context"
	"slices"

	"sipedge/router/fault"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// What follows once every branch has its final response: an on_error route, a
// failure route, else the best response goes upstream.

// settle returns the verdict of the on_error route, should one run.
func (c *responseContext) settle() job.Verdict {
	v := job.Done
	for !c.answered && !c.waiting() && !c.postponed {
		attempt := c.attempt
		switch {
		case c.cancelled, c.nextGroup():
		case c.hooks.OnError != nil && c.unsent():
			if c.postpone(c.hooks.OnError) {
				return v
			}
			v = c.runOnError()
		case c.hooks.Failure != nil && !c.dropped() && c.failures < c.set.Attempts:
			if c.postpone(c.hooks.Failure) {
				return v
			}
			c.runFailure()
		}
		if c.attempt == attempt {
			c.answerBest()
		}
	}
	return v
}

// postpone has what follows a relay follow on the pool when the route that is to run may wait and
// this goroutine may not. When the pool is full the route is not run.
func (c *responseContext) postpone(r job.Route) bool {
	if c.pool != nil || !r.Waits() {
		return false
	}
	p, word := c.p, c.word
	c.postponed = p.cfg.Pool.Go(func(ctx context.Context) {
		p.post(word, event{kind: eventPostponed, pool: ctx})
	})
	if !c.postponed {
		c.local(fault.Full)
	}
	return true
}

// goOn settles what was postponed, or postpones it again when it was left to a goroutine that
// may not wait.
func (c *responseContext) goOn(e *event) {
	c.postponed, c.pool = false, e.pool
	c.settle()
}

// unsent reports whether no branch of the last relay was sent, for a local reason.
func (c *responseContext) unsent() bool {
	return !slices.ContainsFunc(c.branches, func(b *branch) bool {
		return int(b.attempt) == c.attempt && (b.sent || b.fault == fault.Dropped)
	})
}

// dropped reports whether branch routes dropped every branch of the last relay.
func (c *responseContext) dropped() bool {
	return !slices.ContainsFunc(c.branches, func(b *branch) bool {
		return int(b.attempt) == c.attempt && b.fault != fault.Dropped
	})
}

// runOnError runs the on_error route: within the run of the request route if
// that is still at its Relay, else in a run of its own.
func (c *responseContext) runOnError() job.Verdict {
	r := c.hooks.OnError
	c.hooks.OnError, c.hooks.Failure = nil, nil
	if c.failures > 0 {
		return c.ending(c.runAfter(schema.InFailure, r))
	}
	j := c.caller
	if j == nil {
		return c.ending(c.runAfter(schema.InRequest, r))
	}
	m := j.Msg
	defer func() { j.Msg, j.Context = m, nil }()
	j.Msg, j.Context = c.message(), c
	if b := c.best(c.attempt); b != nil {
		j.LastError = int(b.status)
	}
	j.Targets, j.Groups = j.Targets[:0], false // the relay has taken them
	return c.ending(r.Run(context.Background(), j))
}

// runFailure runs the failure route on the request as it stood at the relay.
func (c *responseContext) runFailure() {
	r := c.hooks.Failure
	c.hooks.Failure, c.hooks.OnError = nil, nil
	c.failures++
	c.runAfter(schema.InFailure, r)
}

// runAfter runs a route on what became of the last relay.
func (c *responseContext) runAfter(place schema.Place, r job.Route) job.Verdict {
	j := c.job(place, c.message())
	if b := c.best(c.attempt); b != nil {
		j.Status = int(b.status)
		if b.fault != nil {
			j.Cause, j.LastError = b.fault.Cause, int(b.status)
		}
	}
	ctx := context.Background()
	if c.pool != nil {
		ctx, j.MayWait = c.pool, true
	}
	v := r.Run(ctx, j)
	j.Ended()
	job.Put(j)
	return v
}

// ending makes a drop the end of the transaction, and a run off the end of an
// arm the end of the run.
func (c *responseContext) ending(v job.Verdict) job.Verdict {
	if v == job.Next {
		return job.Done
	}
	if v == job.Drop && !c.answered {
		c.answered = true
		c.undo(c.message())
		_ = c.p.layer.Drop(c.server) // ErrGone: it has ended
	}
	return v
}

// best chooses among the final responses of one relay, or of all (0).
// RFC 3261 §16.7 step 6.
func (c *responseContext) best(attempt int) *branch {
	var best *branch
	for _, b := range c.branches {
		if b.status < 300 || attempt != 0 && int(b.attempt) != attempt {
			continue
		}
		if best == nil || c.rank(b) < c.rank(best) {
			best = b
		}
	}
	return best
}

// rank orders final responses, the best first: 6xx, else the lowest class.
// In a class, those that help the caller to try again come first, what stands
// for a response behind what is one, and what says least last.
func (c *responseContext) rank(b *branch) int {
	switch {
	case b.fault == fault.Dropped:
		return 1000
	case b.followed:
		return 900
	case b.status >= 600:
		return 0
	}
	rank := int(b.status) / 100 * 100
	switch b.status {
	case 401:
	case 407:
		rank++
	case 415:
		rank += 2
	case 420:
		rank += 3
	case 484:
		rank += 4
	case 408, 503:
		rank += 20
	default:
		rank += 10
	}
	if c.cancelled && b.status == 487 {
		rank = 1
	}
	if b.fault != nil {
		rank += 5
	}
	return rank
}

// answerBest sends the best response upstream.
func (c *responseContext) answerBest() {
	b := c.best(0)
	switch {
	case b != nil && b.status >= 600, b != nil && b.status == 487 && b.resp != nil:
	case c.cancelled:
		c.local(&fault.Fault{Status: 487})
		return
	case b == nil:
		c.local(fault.Dropped)
		return
	}
	switch {
	case b.status == 408 && c.method != sip.INVITE:
		c.answered = true
		_ = c.p.layer.Drop(c.server) // RFC 4320 §4.2: silence. ErrGone: it has ended
	case b.status == 503 && b.fault != fault.Full:
		c.local(&fault.Fault{Status: 500}) // §16.7 step 6
	case b.fault != nil:
		c.local(b.fault)
	default:
		c.merge(b)
		c.undo(c.message())
		if c.answered = c.upstream(b.resp); !c.answered {
			c.local(&fault.Fault{Status: int(b.status)})
		}
	}
}

// merge adds the challenges of all branches to a 401 or 407, §16.7 step 7.
func (c *responseContext) merge(best *branch) {
	if best.status != 401 && best.status != 407 {
		return
	}
	for _, b := range c.branches {
		if b == best || b.resp == nil || b.status != 401 && b.status != 407 {
			continue
		}
		for _, id := range [...]sip.HeaderID{sip.WWWAuthenticate, sip.ProxyAuthenticate} {
			for i := b.resp.First(id); i >= 0; i = b.resp.Next(i) {
				best.resp.Append(id, b.resp.Value(i))
			}
		}
	}
}

// local answers the request with a response of ours.
func (c *responseContext) local(f *fault.Fault) {
	if c.answered {
		return
	}
	m := c.message()
	var buf [64]byte
	c.respond(m, f.Status, f.Reason, c.p.appendFaultExtra(buf[:0], m, f))
}
