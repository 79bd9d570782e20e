package transaction

import (
	"math/bits"
	"time"

	"sipedge/sip/slab"
)

// resolution of every timer: none fires early, none more than this late
// (beside what the owner is late).
const resolution = 10 * time.Millisecond

const (
	levels     = 5
	levelBits  = 6
	levelSlots = 1 << levelBits
	span       = int64(1) << (levels * levelBits) // ticks; 124 days
)

// A wheel is a hierarchical timing wheel over the slots of a shard, under
// its lock. A slot due within 64 ticks hangs in the bucket of its tick on
// level 0; one due later on the level whose buckets are 64 times as long, and
// so on; a bucket's slots move down when the time it begins is reached.
// Arming and disarming touch one list; a bit a bucket says which are empty,
// so time is hopped over, never walked.
//
// It knows no clock and no traffic: pop is told the time.
type wheel struct {
	slots  *slab.Slots[slot]
	now    int64 // every tick before it has fired
	armed  int
	used   [levels]uint64
	bucket [levels * levelSlots]uint32
}

// arm sets i's deadline to the tick due. now is the time: a wheel that stood
// empty begins there, also when the clock was set back meanwhile.
func (w *wheel) arm(i uint32, due, now int64) {
	s := w.slots.At(i)
	if s.bucket != 0 {
		if s.due == due {
			return
		}
		w.disarm(i)
	}
	if w.armed == 0 {
		w.now = now
	}
	s.due = due
	w.armed++
	w.link(i, s)
}

// disarm takes i out; no harm if it isn't in.
func (w *wheel) disarm(i uint32) {
	s := w.slots.At(i)
	if s.bucket == 0 {
		return
	}
	w.armed--
	b := s.bucket - 1
	if s.next != 0 {
		w.slots.At(s.next).prev = s.prev
	}
	if s.prev != 0 {
		w.slots.At(s.prev).next = s.next
	} else if w.bucket[b] = s.next; s.next == 0 {
		w.used[b>>levelBits] &^= 1 << (b & (levelSlots - 1))
	}
	s.next, s.prev, s.bucket = 0, 0, 0
}

// pop takes out one slot due at now or before, in order of ticks; 0: none.
func (w *wheel) pop(now int64) uint32 {
	for {
		t := w.next()
		if t > now {
			w.now = max(w.now, now)
			return 0
		}
		w.now = t
		w.cascade()
		if i := w.bucket[t&(levelSlots-1)]; i != 0 {
			w.disarm(i)
			return i
		}
	}
}

// next is the tick at which something has to be done: a slot is due, or a
// bucket has to move down. No deadline is earlier; never if there is none.
func (w *wheel) next() int64 {
	at := never
	for level, used := range w.used {
		if used == 0 {
			continue
		}
		shift := uint(level * levelBits)
		from := w.now >> shift
		if level > 0 && from<<shift != w.now {
			from++ // the bucket we are in moved down when it began
		}
		ahead := bits.TrailingZeros64(bits.RotateLeft64(used, -int(from&(levelSlots-1))))
		at = min(at, (from+int64(ahead))<<shift)
	}
	return at
}

// cascade moves down the buckets that begin now, the longest first.
func (w *wheel) cascade() {
	for level := levels - 1; level > 0; level-- {
		shift := uint(level * levelBits)
		if w.now&(1<<shift-1) != 0 {
			continue
		}
		b := level<<levelBits | int(w.now>>shift)&(levelSlots-1)
		i := w.bucket[b]
		w.bucket[b] = 0
		w.used[level] &^= 1 << (b & (levelSlots - 1))
		for i != 0 {
			s := w.slots.At(i)
			next := s.next
			w.link(i, s)
			i = next
		}
	}
}

// link hangs i into the bucket of its deadline.
func (w *wheel) link(i uint32, s *slot) {
	at := max(s.due, w.now)
	delta := min(at-w.now, span-1)
	at = w.now + delta // beyond the span it comes round and is hung in again
	level := 0
	if delta > 0 {
		level = (bits.Len64(uint64(delta)) - 1) / levelBits
	}
	n := int(at>>uint(level*levelBits)) & (levelSlots - 1)
	b := level<<levelBits | n
	s.bucket, s.prev, s.next = uint16(b+1), 0, w.bucket[b]
	if s.next != 0 {
		w.slots.At(s.next).prev = i
	}
	w.bucket[b] = i
	w.used[level] |= 1 << n
}
