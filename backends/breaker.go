package backends

import (
	"math/bits"
	"sync"
	"time"
)

// Breaker is the state of a circuit breaker.
type Breaker uint8

const (
	Closed   Breaker = iota // calls go through
	Open                    // calls are refused
	HalfOpen                // probes go through
)

// String is the state as people read it.
func (b Breaker) String() string {
	return [...]string{"closed", "open", "half-open"}[b]
}

// Turn is a breaker that took another state.
type Turn struct {
	Was, Is Breaker
	Cause   error // the failure that opened it; nil: it did not open
}

// outcome of a call, for the breaker.
type outcome uint8

const (
	answered outcome = iota
	failed
	unasked // it was not asked, or nobody waited for the answer: says nothing
)

// recent is of how many calls the share of failures is taken: a bit each.
const recent = 64

// breaker refuses calls of a backend that can't answer. Its times come from outside.
type breaker struct {
	limits Limits

	mu      sync.Mutex
	state   Breaker
	period  uint32 // changes with state: what a call of another one met is history
	row     int    // failures in a row
	last    uint64 // outcomes of the last calls, the newest in bit 0; 1: a failure
	seen    int    // how many of them there are
	until   time.Time
	probing int // let through while half-open
	passed  int // of them that were answered
	opened  uint64
	told    func(Turn) // is called under mu; nil: nobody is told
}

// enter says whether a call may go through, and in which period it does.
func (b *breaker) enter(now time.Time) (period uint32, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == Open && !now.Before(b.until) {
		b.become(HalfOpen, nil)
	}
	switch {
	case b.state == Open, b.state == HalfOpen && b.probing >= b.limits.Probes:
		return 0, false
	case b.state == HalfOpen:
		b.probing++
	}
	return b.period, true
}

// leave tells how a call ended that had entered; why it failed, if it did.
func (b *breaker) leave(period uint32, o outcome, why error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if period != b.period {
		return
	}
	if b.state == HalfOpen {
		b.probed(o, why, now)
		return
	}
	if o == unasked {
		return
	}
	b.last <<= 1
	b.seen = min(b.seen+1, recent)
	b.row++
	if o == answered {
		b.row = 0
		return
	}
	b.last |= 1
	share := b.limits.Share > 0 && b.seen == recent &&
		bits.OnesCount64(b.last)*100 >= b.limits.Share*recent
	if share || b.limits.Failures > 0 && b.row >= b.limits.Failures {
		b.open(why, now)
	}
}

func (b *breaker) probed(o outcome, why error, now time.Time) {
	switch o {
	case unasked:
		b.probing--
	case failed:
		b.open(why, now)
	case answered:
		if b.passed++; b.passed >= b.limits.Probes {
			b.become(Closed, nil)
		}
	}
}

func (b *breaker) open(why error, now time.Time) {
	b.become(Open, why)
	b.until = now.Add(b.limits.Rest)
	b.opened++
}

func (b *breaker) become(s Breaker, why error) {
	turn := Turn{b.state, s, why}
	b.state = s
	b.period++
	b.row, b.last, b.seen, b.probing, b.passed = 0, 0, 0, 0, 0
	if b.told != nil {
		b.told(turn)
	}
}

func (b *breaker) watch(f func(Turn)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = f
}

func (b *breaker) snapshot() (state Breaker, opened uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state, b.opened
}
