package backends

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Gate is what every call of a backend goes through: it bounds how long they take and how many
// there are, and refuses them while the backend can't answer.
type Gate struct {
	name    string
	limits  Limits
	breaker breaker

	slots   chan int       // free ones
	running []atomic.Int64 // by slot: when its call began, Unix nanoseconds; 0: none
	waiting atomic.Int64
	shut    atomic.Bool

	calls, failures, timeouts, refused atomic.Uint64
}

// NewGate makes the gate of the backend of that name.
func NewGate(name string, limits Limits) *Gate {
	g := &Gate{
		name: name, limits: limits, breaker: breaker{limits: limits},
		slots: make(chan int, limits.Calls), running: make([]atomic.Int64, limits.Calls),
	}
	for i := range limits.Calls {
		g.slots <- i
	}
	return g
}

// Stats are those of a Gate at a moment.
type Stats struct {
	Calls    uint64 // all of them
	Failures uint64 // could not be answered, Timeouts among them
	Timeouts uint64 // took too long
	Refused  uint64 // were not asked: the breaker was open, or too many waited
	Opened   uint64 // times the breaker opened
	Breaker  Breaker
	Running  int           // calls at this moment
	Waiting  int           // for their turn
	Longest  time.Duration // age of the call that runs longest; also of one nobody waits for
}

// Stats tells how the backend does.
func (g *Gate) Stats() Stats {
	s := Stats{
		Calls: g.calls.Load(), Failures: g.failures.Load(), Timeouts: g.timeouts.Load(),
		Refused: g.refused.Load(), Waiting: int(g.waiting.Load()),
	}
	s.Breaker, s.Opened = g.breaker.snapshot()
	now := time.Now().UnixNano()
	for i := range g.running {
		if began := g.running[i].Load(); began != 0 {
			s.Running++
			s.Longest = max(s.Longest, time.Duration(now-began))
		}
	}
	return s
}

// WatchBreaker has f, and nobody else any more, called with each turn of the breaker. f is quick
// and asks nothing of the backend.
func (g *Gate) WatchBreaker(f func(Turn)) { g.breaker.watch(f) }

// errBusy: too many wait already.
var errBusy = errors.New("too many calls wait")

// Ask has f ask the backend, and returns at the deadline whether f did or not: what f can reach
// must be its own. A call that was left holds its place until f returns.
func Ask[T any](ctx context.Context, g *Gate, f func(context.Context) (T, error)) (T, error) {
	var none T
	g.calls.Add(1)
	if g.shut.Load() {
		g.refused.Add(1)
		return none, fmt.Errorf("%s: %w: it is closed", g.name, ErrUnavailable)
	}
	period, ok := g.breaker.enter(time.Now())
	if !ok {
		g.refused.Add(1)
		return none, fmt.Errorf("%s: %w: it lately could not answer", g.name, ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	slot, err := g.turn(ctx)
	if err != nil {
		return none, g.judge(ctx, period, err)
	}
	g.running[slot].Store(time.Now().UnixNano())
	v, err := await(ctx, f, func() {
		g.running[slot].Store(0)
		g.slots <- slot
	})
	return v, g.judge(ctx, period, err)
}

// Shut refuses every call from now on.
func (g *Gate) Shut() { g.shut.Store(true) }

// turn waits for a free slot.
func (g *Gate) turn(ctx context.Context) (slot int, err error) {
	select {
	case slot = <-g.slots:
		return slot, nil
	default:
	}
	if g.waiting.Add(1) > int64(g.limits.Waiting) {
		g.waiting.Add(-1)
		return 0, errBusy
	}
	defer g.waiting.Add(-1)
	select {
	case slot = <-g.slots:
		return slot, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// judge counts the end of a call, and says what its error means.
func (g *Gate) judge(ctx context.Context, period uint32, err error) error {
	o := failed
	switch {
	case err == nil:
		o = answered
	case errors.Is(err, errBusy):
		o = unasked
		g.refused.Add(1)
		err = fmt.Errorf("%s: %w: %w", g.name, ErrUnavailable, err)
	case told(err):
		o = answered
		err = fmt.Errorf("%s: %w", g.name, err)
	case errors.Is(ctx.Err(), context.Canceled):
		o = unasked
		err = fmt.Errorf("%s: %w: %w", g.name, ErrUnavailable, context.Canceled)
	case ctx.Err() != nil:
		g.failures.Add(1)
		g.timeouts.Add(1)
		err = fmt.Errorf("%s: %w: no answer in time: %w", g.name, ErrUnavailable, ctx.Err())
	case errors.Is(err, ErrUnavailable):
		g.failures.Add(1)
		err = fmt.Errorf("%s: %w", g.name, err)
	default:
		g.failures.Add(1)
		err = fmt.Errorf("%s: %w: %w", g.name, ErrUnavailable, err)
	}
	g.breaker.leave(period, o, err, time.Now())
	return err
}

// told reports whether an error is an answer.
func told(err error) bool {
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) ||
		errors.Is(err, ErrRefused) || errors.Is(err, ErrUnsupported)
}

// await runs f and waits for it until ctx ends. after runs when f has returned. A panic of f
// is the caller's, as long as he waits.
func await[T any](ctx context.Context, f func(context.Context) (T, error), after func()) (
	T, error) {
	type end struct {
		v        T
		err      error
		panicked any
	}
	done := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			e.panicked = recover()
			after()
			done <- e
		}()
		e.v, e.err = f(ctx)
	}()
	var e end
	select {
	case e = <-done:
	case <-ctx.Done():
		select {
		case e = <-done:
		default:
			e.err = ctx.Err()
		}
	}
	if e.panicked != nil {
		panic(e.panicked)
	}
	return e.v, e.err
}
