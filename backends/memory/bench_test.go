package memory

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"sipedge/backends"
)

const agentText = "Yealink SIP-T46U 108.86.0.45"

func filled(n int) *Store {
	s := New(backends.Names{})
	for i := range n {
		insert(s, i, agentText)
	}
	return s
}

func heap() (bytes uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A binding costs at most so many bytes above its text, and a collection with a million of them
// is short; what is gone is given back.
func TestMemory(t *testing.T) {
	const n = 1_000_000
	before := heap()
	s := filled(n)
	used := heap() - before
	text := 0
	var set backends.Set
	for i := range 1000 {
		_ = s.Lookup(ctx, aorOf(i*997), epoch, &set)
		text += set.Bindings[0].Len() + len(aorOf(i))
	}
	perBinding, perText := float64(used)/n, float64(text)/1000
	began := time.Now()
	runtime.GC()
	t.Logf("%.0f bytes a binding, of which %.0f text; a collection takes %v",
		perBinding, perText, time.Since(began))
	if perBinding > perText+120 {
		t.Errorf("%.0f bytes a binding, want at most 120 above its text of %.0f", perBinding, perText)
	}
	for at := epoch.Add(time.Hour); !s.Advance(at).IsZero(); at = at.Add(time.Second) {
	}
	if left := heap() - before; s.Len() != 0 || left > used/20 {
		t.Errorf("%d bindings and %d of %d bytes left", s.Len(), left, used)
	}
	runtime.KeepAlive(s)
}

func TestAllocations(t *testing.T) {
	s := filled(1000)
	var set backends.Set
	c := &refresh{now: epoch}
	aors := [][]byte{aorOf(1), aorOf(2), aorOf(3)}
	_ = s.Lookup(ctx, aors[0], epoch, &set)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		i++
		_ = s.Lookup(ctx, aors[i%3], epoch, &set)
		_ = s.Update(ctx, aors[i%3], epoch, c)
	}); n > 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

// refresh is what a registrar does mostly.
type refresh struct{ now time.Time }

func (c *refresh) Apply(set *backends.Set) bool {
	for i := range set.Bindings {
		b := &set.Bindings[i]
		b.CSeq++
		b.Modified, b.Expires = c.now, c.now.Add(time.Hour)
	}
	return true
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := filled(n)
			aors := make([][]byte, 1<<16)
			for i := range aors {
				aors[i] = aorOf(i * 7919 % n)
			}
			var set backends.Set
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = s.Lookup(ctx, aors[i&(1<<16-1)], epoch, &set)
			}
			if len(set.Bindings) != 1 {
				b.Fatal("not found")
			}
		})
	}
}

func BenchmarkRefresh(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := filled(n)
			aors := make([][]byte, 1<<16)
			for i := range aors {
				aors[i] = aorOf(i * 7919 % n)
			}
			c := &refresh{now: epoch.Add(time.Minute)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = s.Update(ctx, aors[i&(1<<16-1)], epoch, c)
			}
		})
	}
}

func BenchmarkInsert(b *testing.B) {
	s := New(backends.Names{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		insert(s, i, agentText)
	}
}
