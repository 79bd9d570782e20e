//go:build linux && !portable

package poll

import (
	"testing"
	"time"
)

// Each is looked at once a period, few at a time, at even steps.
func TestSweep(t *testing.T) {
	const every, step = time.Second, time.Millisecond
	for _, many := range []int{0, 1, 64, 65, 1000} {
		s := sweep{every: every}
		seen := map[Member]int{}
		var all []Member
		for range many {
			all = append(all, &member{})
		}
		list := func() []Member { return append([]Member(nil), all...) }
		begun := time.Unix(1000, 0)
		for now := begun; now.Before(begun.Add(every)); now = now.Add(step) {
			some := s.due(now, list)
			if len(some) > atOnce {
				t.Fatalf("%d of %d at once", len(some), many)
			}
			for _, m := range some {
				seen[m]++
			}
			if s.next.After(now.Add(every)) {
				t.Fatalf("%d members: nobody for %s", many, s.next.Sub(now))
			}
		}
		if len(seen) != many {
			t.Errorf("%d of %d were looked at", len(seen), many)
		}
		for _, n := range seen {
			if n > 2 { // steps are no more than even
				t.Errorf("one of %d was looked at %d times", many, n)
			}
		}
	}
}
