package identity

import (
	"bytes"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Over makes the hop to the NextHop of a target, if that is where to leads, one over the
// connection of the target: nobody else who has the address gets the request. Should the
// connection have ended, the Request-URI of m is tried where it names the same host.
func Over(hops []resolve.Hop, t *job.Target, to []byte, m *sip.Message) []resolve.Hop {
	if t.Conn == 0 || len(hops) != 1 || !bytes.Equal(to, t.NextHop) {
		return hops
	}
	hops[0].Conn = t.Conn
	u, ok := m.RequestURI()
	if !ok {
		return hops
	}
	by := TransportOf(u)
	if a, ok := u.Addr(); ok && a.Unmap() == hops[0].Addr.Addr() && by != sip.NoTransport {
		hops = append(hops, resolve.Hop{Transport: by, Addr: AddrPort(a, PortOr(u.Port, by))})
	}
	return hops
}
