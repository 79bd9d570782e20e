package transaction

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sipedge/sip/slab"
)

func newTestWheel() (*wheel, *slab.Slots[slot]) {
	s := new(slab.Slots[slot])
	s.Init()
	return &wheel{slots: s}, s
}

// The wheel against a sorted list: any order of arming, disarming and
// advancing fires the same slots at the same ticks.
func TestWheelAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s := newTestWheel()
		var ids []uint32
		for range 20 {
			i, _ := s.Take()
			ids = append(ids, i)
		}
		due := map[uint32]int64{}
		now := rapid.Int64Range(0, 1<<20).Draw(t, "start")
		if i := w.pop(now); i != 0 {
			t.Fatalf("an empty wheel popped %d", i)
		}
		delay := rapid.OneOf(
			rapid.Int64Range(0, 70), rapid.Int64Range(0, 5000), rapid.Int64Range(0, 1<<19),
			rapid.Int64Range(span-100, span+1<<20),
		)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			i := rapid.SampledFrom(ids).Draw(t, "slot")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 4: // the clock is set, perhaps back
				if len(due) > 0 {
					continue
				}
				now = rapid.Int64Range(0, 1<<20).Draw(t, "set")
				fallthrough
			case 0, 1:
				due[i] = now + delay.Draw(t, "delay")
				w.arm(i, due[i], now)
			case 2:
				w.disarm(i)
				delete(due, i)
			case 3:
				now += delay.Draw(t, "advance")
				last := int64(-1)
				for i := w.pop(now); i != 0; i = w.pop(now) {
					at, armed := due[i]
					if !armed || at > now || at < last {
						t.Fatalf("at %d: slot %d of %d (armed %v) after %d", now, i, at, armed, last)
					}
					last = at
					delete(due, i)
				}
			}
			checkWheel(t, w, due, now)
		}
	})
}

func checkWheel(t *rapid.T, w *wheel, due map[uint32]int64, now int64) {
	earliest := never
	for _, at := range due {
		earliest = min(earliest, at)
	}
	if next := w.next(); next > earliest || next < min(now, earliest) {
		t.Fatalf("at %d: next %d, earliest %d", now, next, earliest)
	}
	if (w.next() == never) != (len(due) == 0) || w.armed != len(due) {
		t.Fatalf("%d armed, next %d, want %d", w.armed, w.next(), len(due))
	}
}

// Hopping from next to next fires each slot at its tick, not only in time.
func TestWheelNextIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s := newTestWheel()
		start := rapid.Int64Range(0, 1<<40).Draw(t, "start")
		w.pop(start)
		want := rapid.SliceOfN(rapid.Int64Range(0, span+1000), 1, 20).Draw(t, "delays")
		for n, d := range want {
			i, p := s.Take()
			p.word = uint64(n)
			w.arm(i, start+d, start)
		}
		var got []int64
		for hops := 0; w.next() != never; hops++ {
			if hops > len(want)*levels*2 {
				t.Fatalf("%d hops for %d timers", hops, len(want))
			}
			now := w.next()
			for i := w.pop(now); i != 0; i = w.pop(now) {
				if d := want[s.At(i).word]; start+d != now {
					t.Fatalf("slot of %d fired at %d", start+d, now)
				}
				got = append(got, now-start)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// A deadline already past fires at once, whatever the wheel has seen.
func TestWheelPastDeadline(t *testing.T) {
	for _, now := range []int64{0, 63, 64, 4096, 4100} {
		w, s := newTestWheel()
		first, _ := s.Take()
		w.pop(now)
		w.arm(first, now+5, now)
		i, _ := s.Take()
		w.arm(i, now-7, now)
		if got := w.pop(now); got != i {
			t.Errorf("at %d: got slot %d, want %d", now, got, i)
		}
		if got := w.pop(now + 4); got != 0 {
			t.Errorf("slot %d fired early", got)
		}
	}
}

// BenchmarkWheel has as many deadlines as a busy proxy has transactions: set anew before they are
// reached, and reached one after the other.
func BenchmarkWheel(b *testing.B) {
	const live, wait = 200_000, 3200
	w, s := newTestWheel()
	ids := make([]uint32, live)
	for n := range ids {
		ids[n], _ = s.Take()
		w.arm(ids[n], int64(n%wait), 0)
	}
	b.Run("arm", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			i := ids[n*7919%live]
			w.disarm(i)
			w.arm(i, int64(n%wait), 0)
		}
	})
	b.Run("fire", func(b *testing.B) {
		b.ReportAllocs()
		for now := w.now; b.Loop(); {
			i := w.pop(now)
			for ; i == 0; i = w.pop(now) {
				now++
			}
			w.arm(i, now+wait, now)
		}
	})
}
