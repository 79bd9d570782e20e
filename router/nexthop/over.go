package nexthop

import (
	"bytes"
	"net/netip"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Over makes the hop to the NextHop of a target, if that is where to leads, one over the
// connection of the target: nobody else who has the address gets the request. Should the
// connection have ended, the Request-URI of m is tried as Besides says, unless it is a Flow; that
// of a stranger past g.
func Over(
	hops []resolve.Hop, t *job.Target, to []byte, m *sip.Message, g *Guard,
) []resolve.Hop {
	if t.Conn == 0 || len(hops) != 1 || !bytes.Equal(to, t.NextHop) {
		return hops
	}
	hops[0].Conn = t.Conn
	u, ok := m.RequestURI()
	if !ok || t.Flow {
		return hops
	}
	if !t.Said {
		g = nil // a dialog, say
	}
	return Besides(hops, u, g)
}

// Besides adds to a hop over a connection the one that u names, if that is of the same host and
// transport: where a request goes should the connection have ended. What came over a safe one
// leaves over nothing less, and not to a gateway that stands beside who opened the connection. g is
// nil where that may be.
func Besides(hops []resolve.Hop, u *sip.URI, g *Guard) []resolve.Hop {
	a, ok := u.Addr()
	if !ok || a.Unmap() != hops[0].Addr.Addr() {
		return hops
	}
	hop, ok := HopTo(u, a)
	if !ok || hop.Transport != hops[0].Transport {
		return hops
	}
	if g != nil && !g.Stands(hops[0].Addr, hop.Addr) && g.IsGateway(hop.Addr) {
		return hops
	}
	return append(hops, hop)
}

// HopTo is the hop to an address that a URI names, by its transport and port; ok false: there is
// none, since what it asks for is secure and its transport is not.
func HopTo(u *sip.URI, a netip.Addr) (hop resolve.Hop, ok bool) {
	by := identity.TransportOf(u)
	hop = resolve.Hop{Transport: by, Addr: identity.AddrPort(a, identity.PortOr(u.Port, by))}
	return hop, by != sip.NoTransport
}
