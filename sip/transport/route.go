package transport

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// routes knows by which of its addresses this machine sends to another: it asks the system, by
// a socket that is connected and sends nothing, and keeps the answer for a while. It is
// safe for concurrent use.
type routes struct {
	seed  maphash.Seed
	slots [1 << 12]atomic.Pointer[route] // by the hash of to
}

type route struct {
	to, source netip.Addr // source is zero: there is no way
	until      time.Time
}

// routeTTL is how long an answer is kept: so soon a route that changed is followed.
const routeTTL = 5 * time.Second

func newRoutes() *routes { return &routes{seed: maphash.MakeSeed()} }

// source is the address of this machine from which the system sends to another.
func (r *routes) source(to netip.Addr) netip.Addr {
	now := time.Now()
	slot := r.slotOf(to)
	if known := slot.Load(); known != nil && known.to == to && now.Before(known.until) {
		return known.source
	}
	found := &route{to: to, source: sourceOf(to), until: now.Add(routeTTL)}
	slot.Store(found)
	return found.source
}

func (r *routes) slotOf(to netip.Addr) *atomic.Pointer[route] {
	return &r.slots[maphash.Comparable(r.seed, to)%uint64(len(r.slots))]
}

// discard is a port to connect to: nothing is sent.
const discard = 9
