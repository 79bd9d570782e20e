package transport

import (
	"net/netip"
	"testing"
)

func TestRouteOfThisMachine(t *testing.T) {
	r := newRoutes()
	for to, want := range map[string]string{"127.0.0.9": "127.0.0.1", "::1": "::1"} {
		for range 2 { // asked, then kept
			if got := r.source(netip.MustParseAddr(to)); got != netip.MustParseAddr(want) {
				t.Errorf("to %s: %v, want %s", to, got, want)
			}
		}
	}
	// Two that share a slot are not taken for each other.
	for i := range len(r.slots) + 1 {
		to := netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
		r.source(to)
		if got := r.slotOf(to).Load(); got.to != to {
			t.Fatalf("%v is kept as %v", to, got.to)
		}
	}
}

// BenchmarkRoute: what it costs to ask the system, and to know.
func BenchmarkRoute(b *testing.B) {
	to := netip.MustParseAddr("127.0.0.9")
	b.Run("asked", func(b *testing.B) {
		for b.Loop() {
			sourceOf(to)
		}
	})
	r := newRoutes()
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.source(to)
		}
	})
}
