package proxy

import (
	"net/netip"

	"sipedge/sip/resolve"
)

// allowed is the destination guard: whether a message may lead to addr. src
// is where the message came from: what came from this machine may go to it.
func (s *Settings) allowed(addr, src netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, n := range s.Allow {
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
	for _, n := range s.Deny {
		if n.Contains(addr) {
			return false
		}
	}
	return true
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// guard keeps the hops that are allowed, in their order and place.
func (s *Settings) guard(hops []resolve.Hop, src netip.Addr) []resolve.Hop {
	kept := hops[:0]
	for _, h := range hops {
		if s.allowed(h.Addr.Addr(), src) {
			kept = append(kept, h)
		}
	}
	return kept
}
