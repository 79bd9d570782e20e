package proxy

import (
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Way is how requests of the router's own leave: as those it forwards, but by a pool that may be
// another.
type Way struct {
	*Proxy
	Pool job.Pool
}

// Locate calls then with where u leads past the destination guard, unless
// local. False: the pool is full.
func (w Way) Locate(u *sip.URI, local bool, then func([]resolve.Hop)) bool {
	by := nexthop.Ruled
	if local {
		by = nexthop.Own
	}
	return w.find.Locate(w.Pool, w.Guard(), by, u, then)
}

// Egress chooses the listener for a hop, and appends its Via up to the branch.
func (w Way) Egress(dst []byte, forced uint16, hop resolve.Hop) (uint16, []byte) {
	l := w.find.Egress(transport.AnyListener, forced, hop)
	if l == transport.AnyListener {
		return l, dst
	}
	return l, w.own.AppendVia(dst, l)
}

// Sent tells a trace what left.
func (w Way) Sent(t *job.Trace, to transport.Target, b []byte) { w.sent(t, to, b) }
