package natping

import (
	"context"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/sip/transport"
)

// waiting is a store with a database that is away while away is set.
type waiting struct {
	*memory.Store
	away bool
}

func (s *waiting) Traits() backends.Traits { return backends.Traits{UpdateWaits: true} }

func (s *waiting) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	if s.away {
		return backends.ErrUnavailable
	}
	return s.Store.Update(ctx, aor, now, c)
}

// A store that waits is asked on the pool, and again and again while it can't answer; an answer
// that comes meanwhile saves the binding, and so does a REGISTER.
func TestWaitingStore(t *testing.T) {
	s := &waiting{Store: memoryStore()}
	w := newWorld(t, s)
	for i := range 4 {
		w.bind(aor(i), natted(i))
	}
	lose := func() { w.pass(5*w.set.Interval + time.Second) }
	run := func(ctx context.Context, want int) {
		t.Helper()
		later := w.later
		w.later = nil
		for _, f := range later {
			f(ctx)
		}
		if len(later) != want || w.Len() == 0 {
			t.Fatalf("%d runs of the pool, want %d", len(later), want)
		}
	}
	lose()
	w.pass(w.set.Interval)
	sent := w.Stats().Sent
	if sent != 16 || len(w.pings) != 16 {
		t.Fatalf("%d pings of 4 bindings, want 4 each", sent)
	}
	s.away = true
	run(t.Context(), 1)
	w.pass(w.set.Interval)
	w.full = true
	w.later = nil
	w.rests() // what the pool was given is lost
	w.pass(w.set.Interval)
	w.full, s.away = false, false
	w.pass(time.Second)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	run(ended, 1)
	w.want(Stats{Sent: sent})
	w.pass(time.Second)
	for _, p := range w.pings[len(w.pings)-4:] {
		if string(p.RURI()) == "sip:u1@10.0.0.2:5062" && !w.respond(p.Message, 200) {
			t.Error("a late answer is not taken")
		}
	}
	w.bind(aor(2), natted(2))
	run(t.Context(), 1)
	w.want(Stats{Sent: sent, Answered: 1, Lost: 2})
	for i := range 4 {
		if want := i == 1 || i == 2; w.bound(aor(i)) != want {
			t.Errorf("%s is bound: %t", aor(i), !want)
		}
	}
	lose()
	w.want(Stats{Sent: sent + 8, Answered: 1, Lost: 2})
}

func (w *world) Len() int { return w.store.Len() }

// A reload keeps what is known of bindings, another store begins anew, and without a policy
// nobody is pinged.
func TestSwap(t *testing.T) {
	w := newWorld(t, memoryStore())
	w.bind(aor(1), natted(1))
	for range 4 {
		w.pass(w.set.Interval + time.Second)
		again := w.set
		again.From = "sip:other@example.net"
		w.Swap(&again)
	}
	w.pass(w.set.Interval + time.Second)
	w.want(Stats{Sent: 4, Lost: 1})
	from, _ := w.pings[1].From()
	if string(from.URI) != "sip:other@example.net" {
		t.Errorf("From is that of the policy before: %s", from.URI)
	}

	other := newWorld(t, memoryStore())
	other.bind(aor(1), natted(1))
	w.bind(aor(2), natted(2))
	w.pass(3*w.set.Interval + time.Second)
	w.Swap(&other.set)
	w.pass(4*w.set.Interval + time.Second)
	w.want(Stats{Sent: 4 + 3 + 4, Lost: 1})
	w.Swap(nil)
	if !w.Advance(w.now).IsZero() || len(w.asked) > 0 {
		t.Error("it goes on without a policy")
	}
	w.pass(time.Hour)
	w.want(Stats{Sent: 4 + 3 + 4, Lost: 1})
}

// Time that was missed is not made up for, nor does time that runs backwards matter.
func TestClockJumps(t *testing.T) {
	w := newWorld(t, memoryStore())
	w.answer = func(ping) bool { return true }
	for i := range 3000 {
		w.bind(aor(i), natted(i))
	}
	w.pass(w.set.Interval / 2)
	before := len(w.pings)
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, 2 * time.Hour} {
		w.now = w.now.Add(jump)
		w.Advance(w.now)
	}
	if n := len(w.pings) - before; n > 3*20 {
		t.Errorf("%d pings at once, want the 20 of two turns at most", n)
	}
}

// Notes go with their bindings.
func TestForget(t *testing.T) {
	w := newWorld(t, memoryStore())
	for i := range 100 {
		w.bind(aor(i), natted(i))
	}
	w.pass(w.set.Interval + time.Second)
	if len(w.asked) != 100 {
		t.Fatalf("%d notes, want 100", len(w.asked))
	}
	for i := range 100 {
		err := w.store.Update(t.Context(), []byte(aor(i)), w.now, change(func(s *backends.Set) bool {
			s.Reset()
			return true
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("%d notes of what is gone", len(w.asked))
	}
}

// Pings, answers, registrations and reloads at the same time.
func TestConcurrent(t *testing.T) {
	w := newWorld(t, memoryStore())
	w.Pinger = New(Config{Sender: quiet{w}, Way: w, Pool: w, Secret: [16]byte{1}})
	w.Swap(&w.set)
	for i := range 2000 {
		w.bind(aor(i), natted(i))
	}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 300 {
				switch g {
				case 0, 1:
					w.Advance(epoch.Add(time.Duration(i) * time.Second))
				case 2:
					w.bind(aor(i%5), natted(i))
				case 3:
					set := w.set
					set.CRLF = i%2 == 0
					w.Swap(&set)
					w.Forget(uint64(i))
				}
			}
		})
	}
	all.Wait()
	if w.Stats().Sent == 0 {
		t.Error("no pings")
	}
}

// quiet is a Sender that keeps nothing.
type quiet struct{ *world }

func (quiet) Send(to transport.Target, b []byte, _ uint64) error { return nil }

// A ping allocates nothing.
func TestAllocations(t *testing.T) {
	if racing {
		t.Skip("the race detector allocates")
	}
	w := newWorld(t, memoryStore())
	for i := range 3000 {
		w.bind(aor(i), natted(i))
	}
	w.Pinger = New(Config{Sender: quiet{w}, Way: w, Pool: w, Secret: [16]byte{1}})
	w.set.Lost = 100
	w.Swap(&w.set)
	w.pass(2 * w.set.Interval)
	before := w.Stats().Sent
	allocs := testing.AllocsPerRun(100, func() {
		w.now = w.now.Add(tick)
		w.Advance(w.now)
	})
	if n := w.Stats().Sent - before; n < 900 || allocs >= 1 {
		t.Errorf("%.1f allocations for %d pings in 100 turns", allocs, n)
	}
}

// What a ping of one of a million bindings costs, sending left out.
func BenchmarkPing(b *testing.B) {
	const n = 1_000_000
	w := newWorld(b, memoryStore())
	for i := range n {
		w.bind(aor(i), natted(i))
	}
	w.Pinger = New(Config{Sender: quiet{w}, Way: w, Pool: w, Secret: [16]byte{1}})
	w.set.Lost = 1 << 30
	w.Swap(&w.set)
	b.ResetTimer()
	for w.Stats().Sent < uint64(b.N) {
		w.now = w.Advance(w.now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(w.Stats().Sent), "ns/ping")
}
