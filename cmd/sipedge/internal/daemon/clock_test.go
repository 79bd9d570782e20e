package daemon

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Deadlines fire at their time without traffic, and an earlier one that is armed meanwhile
// at its own.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		armed := []time.Duration{500 * time.Millisecond, 2 * time.Second}
		var fired []time.Duration
		advance := func(now time.Time) (next time.Time) {
			for len(armed) > 0 && now.Sub(start) >= armed[0] {
				fired = append(fired, now.Sub(start))
				armed = armed[1:]
			}
			if len(armed) == 0 {
				return time.Time{}
			}
			return start.Add(armed[0])
		}
		c := newClock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.run(ctx, advance); close(done) }()

		time.Sleep(time.Second)
		synctest.Wait()
		armed = append([]time.Duration{1200 * time.Millisecond}, armed...)
		c.Wake(start.Add(armed[0]))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		armed = []time.Duration{7 * time.Second} // nothing was armed any more
		c.Wake(start.Add(armed[0]))
		time.Sleep(5 * time.Second)
		cancel()
		<-done

		want := []time.Duration{
			500 * time.Millisecond, 1200 * time.Millisecond, 2 * time.Second, 7 * time.Second,
		}
		if len(fired) != len(want) {
			t.Fatalf("fired at %v, want %v", fired, want)
		}
		for i := range want {
			if fired[i] != want[i] {
				t.Errorf("fired at %v, want %v", fired, want)
			}
		}
	})
}
