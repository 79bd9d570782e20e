package memory

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentage(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 1600}, {4 << 20, 1600}, {8 << 20, 800}, {64 << 20, 100}, {1 << 30, 100},
		{math.MaxUint64, 100},
	} {
		if got := percentage(c.live); got != c.want {
			t.Errorf("%d bytes live: %d %%, want %d", c.live, got, c.want)
		}
	}
}

var kept, litter []byte

// A small heap waits for the garbage; with a large one the percentage becomes Go's again.
func TestSpare(t *testing.T) {
	t.Setenv("GOGC", "") // puts it back
	unset(t, "GOGC")
	spareOnce()
	collections := func() int64 {
		var s debug.GCStats
		debug.ReadGCStats(&s)
		return s.NumGC
	}
	before := collections()
	for range 48 {
		litter = make([]byte, 1<<20)
	}
	if n := collections() - before; n > 1 {
		t.Errorf("%d collections for 48 MB of garbage, want one at most", n)
	}
	kept = make([]byte, 200<<20)
	defer func() { kept = nil }()
	for end := time.Now().Add(10 * time.Second); ; {
		debug.FreeOSMemory()
		if p := debug.SetGCPercent(usual); p <= usual+usual/8 { // about as much stays
			return
		} else if debug.SetGCPercent(p); time.Now().After(end) {
			t.Fatalf("the percentage stays at %d with 200 MB in use", p)
		}
	}
}

// Stacks are of what the percentage is of: many do not make garbage wait for more of it.
func TestSpareWithStacks(t *testing.T) {
	t.Setenv("GOGC", "") // puts it back
	unset(t, "GOGC")
	spareOnce()
	hold := make(chan struct{})
	defer close(hold)
	for range 10000 {
		go deep(4, hold)
	}
	for range 5 { // all wait, and what a collection was tuned for is tuned again
		time.Sleep(20 * time.Millisecond)
		runtime.GC()
	}
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	most := max(base(), spare) + 3*spare/2 // with what was allocated meanwhile
	if metrics.Read(goal); goal[0].Value.Uint64() > most {
		t.Errorf("a goal of %d MB, want %d at most", goal[0].Value.Uint64()>>20, most>>20)
	}
}

// deep waits with 8 KiB of stack.
func deep(n int, hold chan struct{}) byte {
	var room [1 << 10]byte
	if n > 0 {
		return deep(n-1, hold) + room[n]
	}
	<-hold
	return room[0]
}

// unset takes a variable away that t.Setenv puts back.
func unset(t *testing.T, name string) {
	t.Helper()
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}
