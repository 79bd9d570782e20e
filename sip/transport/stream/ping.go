package stream

import (
	"errors"
	"math/rand/v2"
	"time"

	"sipedge/sip/transport"
)

// Pings are sent by who reads from a connection, when his deadline has passed, or by its loop: they
// cost a connection neither a goroutine nor a timer. Chance spreads those of many that came at
// once.

var errSilent = errors.New("no answer to pings")

// next is how long from now, or from what came last, the next ping is due.
func (p *Pings) next() time.Duration { return p.Every - rand.N(p.Every/4+1) }

// pinging is how far a connection is with its pings.
type pinging struct {
	last       time.Time // when one was sent
	unanswered int       // in a row
}

// untilPing is when the next ping is due, or at if that is sooner. It is called before the first.
func (c *conn) untilPing(at time.Time) time.Time {
	p := &c.s.protocol.Pings
	if p.Every == 0 {
		return at
	}
	if c.due.none() {
		c.due.set(c.active.time().Add(p.next()))
	}
	if due := c.due.time(); due.Before(at) {
		return due
	}
	return at
}

// pingDue reports whether the peer is to be pinged, if nothing came lately.
func (c *conn) pingDue(now time.Time) bool {
	return !c.due.none() && !now.Before(c.due.time())
}

// ping pings the peer if it is time and nothing came lately. An error says that he is gone.
func (c *conn) ping(now time.Time) error {
	if !c.pingDue(now) {
		return nil
	}
	p, active := &c.s.protocol.Pings, c.active.time()
	if active.After(c.pinging.last) {
		c.pinging.unanswered = 0
	}
	next := now
	switch {
	case now.Sub(active) < p.Every-p.Every/4:
		next = active
	case c.pinging.unanswered == p.Lost:
		return errSilent
	default:
		c.pinging.unanswered++
		c.pinging.last = now
		c.s.env.Stats.Pings.Add(1)
		_ = c.answer(p.Frame) // no room: he does not read, and will be silent
	}
	c.due.set(next.Add(p.next()))
	return nil
}

// idle reports whether nothing has come or left for too long, and nobody is to be reached over the
// connection.
func (c *conn) idle() bool {
	if c.quiet() < c.s.env.Limits.Idle {
		return false
	}
	h, ok := c.s.user.(transport.Holder)
	return !ok || !h.Held(c.flow)
}

// quiet is for how long nothing has come or left.
func (c *conn) quiet() time.Duration {
	return time.Since(began.Add(time.Duration(max(c.active.Load(), c.wrote.Load()))))
}
