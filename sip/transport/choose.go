package transport

import (
	"net/netip"

	"sipedge/sip"
)

// Choose returns the index of the listener to send from, or AnyListener when no
// listener has that transport and the address family of remote. Of several that suit it is the
// one bound to the address that the system would send from, which source tells (the zero Addr:
// it is not known), else a wildcard. Without either, loopback goes with loopback and the rest
// with the rest, if there is such a listener. Of several like that the first is taken. source is
// asked only if there is a choice; nil: nobody knows.
func Choose(
	ls []Listener, t sip.Transport, remote netip.Addr, source func(netip.Addr) netip.Addr,
) uint16 {
	remote = remote.Unmap()
	suits := func(l *Listener) bool {
		return l.Transport == t && l.Addr.Addr().Is4() == remote.Is4()
	}
	first, choice := uint16(AnyListener), false
	for i := range ls {
		switch {
		case !suits(&ls[i]):
		case first == AnyListener:
			first = uint16(i)
		case ls[i].Addr.Addr() != ls[first].Addr.Addr():
			choice = true
		}
	}
	if !choice {
		return first
	}
	var from netip.Addr
	if source != nil {
		from = source(remote)
	}
	best, rank := first, 0
	for i := range ls {
		if !suits(&ls[i]) {
			continue
		}
		if r := rankOf(ls[i].Addr.Addr(), remote, from); r > rank {
			best, rank = uint16(i), r
		}
	}
	return best
}

// rankOf is how well a listener's address suits, 0 least.
func rankOf(a, remote, from netip.Addr) int {
	switch {
	case a == from:
		return 3
	case a.IsUnspecified():
		return 2
	case a.IsLoopback() == remote.IsLoopback():
		return 1
	}
	return 0
}
