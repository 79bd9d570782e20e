package gateway

import (
	"sync/atomic"
	"time"
)

const (
	// lately is how long it is known how fast a gateway answers: more than the time between two
	// probes by default, and short enough for one that was slow once.
	lately = 20 * time.Second
	// slowest is the time that an answer takes at most, and that what fails counts as.
	slowest = 5 * time.Second
	// smooth: an answer counts a so many part at least, against all before it.
	smooth = 8
)

// pace is how fast a gateway answers. Of two answers at once one may be lost.
type pace struct {
	mean atomic.Int64 // nanoseconds, smoothed, however long ago; 0: none came
	at   atomic.Int64 // Unix nanoseconds: of the last answer, or that it is to be forgotten: 0
	try  atomic.Int64 // Unix nanoseconds: when a request last found it not known, and tried
}

// took takes how long an answer took. The longer none came, the more it counts: after lately alone.
func (p *pace) took(after time.Duration, now time.Time) {
	after = min(max(after, 1), slowest)
	mean, past := p.mean.Load(), now.UnixNano()-p.at.Load()
	if mean == 0 || past >= int64(lately) {
		mean = int64(after)
	} else {
		mean += int64(float64(int64(after)-mean) * max(float64(past)/float64(lately), 1.0/smooth))
	}
	p.mean.Store(max(mean, 1))
	p.at.Store(now.UnixNano())
}

// forget: what was known is of a gateway that was another.
func (p *pace) forget() {
	p.at.Store(0)
	p.try.Store(0)
}

// known reports whether the gateway answered lately.
func (p *pace) known(now time.Time) bool {
	return p.mean.Load() != 0 && now.UnixNano()-p.at.Load() < int64(lately)
}

// untried reports whether a request is to try a gateway since it is not known: one each lately.
func (p *pace) untried(now time.Time) bool {
	if p.known(now) {
		return false
	}
	try := p.try.Load()
	return now.UnixNano()-try >= int64(lately) && p.try.CompareAndSwap(try, now.UnixNano())
}

func (p *pace) keep() [3]int64 { return [3]int64{p.mean.Load(), p.at.Load(), p.try.Load()} }

func (p *pace) putBack(k [3]int64) {
	p.mean.Store(k[0])
	p.at.Store(k[1])
	p.try.Store(k[2])
}

// faster draws two by share, and picks the one that lately answered faster. One that is not known
// is tried by one request, and then gets nothing that it may take from one that is known; of two
// that are not known the first drawn is picked.
func (t *tier) faster(random func() uint64) *Gateway {
	a := t.chance(random, nil)
	if a == nil {
		return nil
	}
	b := t.chance(random, a)
	now := t.q.Now
	switch {
	case b == nil, a.tries(now):
		return a
	case b.tries(now):
		return b
	case !b.pace.known(now), a.pace.known(now) && a.pace.mean.Load() <= b.pace.mean.Load():
		return a
	}
	return b
}

// tries reports whether a request is to try a gateway, whatever others do: one that is down may be
// picked since it is time, and take has one try it.
func (g *Gateway) tries(now time.Time) bool { return g.down.Load() || g.pace.untried(now) }
