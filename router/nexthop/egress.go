package nexthop

import (
	"net/netip"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Egress chooses the listener a request leaves by to a hop: the forced one where it suits, or
// another of its address; else the sender's choice. Of several ports of the address chosen it is
// the one the request came in by.
func (f *Finder) Egress(in, forced uint16, hop resolve.Hop) uint16 {
	ls, to := f.Sender.Listeners(), hop.Addr.Addr()
	if suits(ls, forced, hop.Transport, to) {
		return forced
	}
	if int(forced) < len(ls) && ls[forced].Bound() {
		for i := range ls {
			if ls[i].Addr.Addr() == ls[forced].Addr.Addr() && suits(ls, uint16(i), hop.Transport, to) {
				return uint16(i)
			}
		}
	}
	l := f.Sender.Choose(hop.Transport, to)
	if l != transport.AnyListener && suits(ls, in, hop.Transport, to) &&
		ls[in].Addr.Addr() == ls[l].Addr.Addr() {
		return in
	}
	return l
}

// suits reports whether a request can leave by a listener over t to an address.
func suits(ls []transport.Listener, i uint16, t sip.Transport, to netip.Addr) bool {
	return int(i) < len(ls) && ls[i].Transport == t &&
		ls[i].Addr.Addr().Unmap().Is4() == to.Unmap().Is4()
}

// Target is hop as the transport sends to it, from a listener. accepted lets a connection do that
// was opened to us.
func Target(hop resolve.Hop, listener uint16, accepted bool) transport.Target {
	return transport.Target{Transport: hop.Transport, Listener: listener, Remote: hop.Addr,
		Name: hop.Name, Conn: hop.Conn, NoDial: hop.Conn != 0, Accepted: accepted}
}
