package nexthop

import (
	"net/netip"

	"sipedge/sip/resolve"
)

// Guard is the destination guard of a policy: networks no message may lead a
// request to, besides those that are always refused, and networks exempt.
type Guard struct{ Deny, Allow []netip.Prefix }

// Allows reports whether a message may lead to addr. src is where the message
// came from: what came from this machine may go to it.
func (g Guard) Allows(addr, src netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, n := range g.Allow {
		if n.Contains(addr) {
			return true
		}
	}
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsMulticast(), addr == broadcast,
		addr.IsLinkLocalUnicast():
		return false
	case addr.IsLoopback() && !src.Unmap().IsLoopback():
		return false
	}
	for _, n := range g.Deny {
		if n.Contains(addr) {
			return false
		}
	}
	return true
}

// Hops keeps of hops those a message from src may lead to, in their order and place.
func (g Guard) Hops(hops []resolve.Hop, src netip.Addr) []resolve.Hop {
	kept := hops[:0]
	for _, h := range hops {
		if g.Allows(h.Addr.Addr(), src) {
			kept = append(kept, h)
		}
	}
	return kept
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
