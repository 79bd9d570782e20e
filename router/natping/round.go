package natping

import (
	"time"

	"sipedge/backends"
)

const (
	tick  = 100 * time.Millisecond // between two turns, divided where there is much to do
	parts = 10                     // at most
	burst = 100                    // bindings a turn, up to which a tick is not divided
	most  = 64                     // places looked at under the lock of the store
)

// A round visits every binding once. Rounds follow each other; none is shorter than an interval,
// and none much longer, since as many bindings are visited in a time as there are for that part of
// the interval. Time that was missed is not made up for.
type round struct {
	set    *policy
	next   time.Time // turn
	last   time.Time // turn
	ends   time.Time // the next round does not begin before
	credit float64   // bindings that are to be visited
	place  uint64    // to go on at
	over   bool      // the last place was passed

	see   func(aor []byte, b *backends.Binding) // visited
	seen  int                                   // bindings in this visit
	batch backends.Set                          // of them, those that may be pinged
	aors  [][]byte                              // of batch
}

// begin begins a turn; false: it is too early.
func (r *round) begin(set *policy, now time.Time) bool {
	if r.set == nil || r.set.Store != set.Store {
		r.place, r.over, r.credit, r.ends, r.last = 0, false, 0, now.Add(set.Interval), now
	}
	if r.set != set {
		r.set, r.next = set, now
		if ends := now.Add(set.Interval); ends.Before(r.ends) {
			r.ends = ends
		}
	}
	if now.Before(r.next) {
		return false
	}
	rate := float64(set.Store.Len()) / float64(set.Interval)
	gap := tick / time.Duration(min(1+rate*float64(tick)/burst, parts))
	r.credit += rate * float64(min(max(now.Sub(r.last), 0), 2*gap))
	r.last, r.next = now, now.Add(gap)
	return true
}

// visit makes batch some of the bindings that are due; false: there are no more.
func (r *round) visit(now time.Time) bool {
	if r.credit < 1 {
		return false
	}
	if r.over {
		if now.Before(r.ends) {
			r.credit = 1 // for the first of the next round
			return false
		}
		r.over, r.ends = false, now.Add(r.set.Interval)
	}
	r.batch.Reset()
	r.aors, r.seen = r.aors[:0], 0
	r.place = r.set.Store.Scan(now, r.place, min(int(r.credit), most), r.see)
	r.credit -= float64(r.seen)
	r.over = r.place == 0
	return true
}

// visited keeps a binding that may be pinged. One with a Path is for who added that.
func (r *round) visited(aor []byte, b *backends.Binding) {
	r.seen++
	if len(b.Path) == 0 && (r.set.All || len(b.Received) > 0) {
		r.batch.Add(b)
		r.aors = append(r.aors, r.batch.Keep(aor))
	}
}
