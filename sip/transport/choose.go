package transport

import (
	"net/netip"

	"sipedge/sip"
)

// Choose returns the index of the listener to send from, or AnyListener when no
// listener has that transport and the address family of remote. Loopback goes
// with loopback, the rest with the rest, if there is such a listener; a
// wildcard suits both. Of several that suit the first is taken.
func Choose(ls []Listener, t sip.Transport, remote netip.Addr) uint16 {
	remote = remote.Unmap()
	second := uint16(AnyListener)
	for i := range ls {
		a := ls[i].Addr.Addr()
		if ls[i].Transport != t || a.Is4() != remote.Is4() {
			continue
		}
		if a.IsUnspecified() || a.IsLoopback() == remote.IsLoopback() {
			return uint16(i)
		}
		if second == AnyListener {
			second = uint16(i)
		}
	}
	return second
}
