package daemon

import (
	"context"
	"time"
)

// clock fires protocol timers at their time, traffic or not: Advance is called when the
// deadline it last returned has come, and when Wake says that an earlier one was armed.
type clock struct{ wake chan struct{} }

func newClock() *clock { return &clock{wake: make(chan struct{}, 1)} }

// Wake never blocks. The deadline itself is asked for by the next Advance.
func (c *clock) Wake(time.Time) {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run calls advance until ctx ends.
func (c *clock) run(ctx context.Context, advance func(now time.Time) (next time.Time)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
		if next := advance(time.Now()); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}
