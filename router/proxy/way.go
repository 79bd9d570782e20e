package proxy

import (
	"context"
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Way is how requests of the router's own leave: as those it forwards.
type Way struct{ *Proxy }

// Locate calls then with where u leads past the destination guard, unless
// local. False: the pool is full.
func (w Way) Locate(u *sip.URI, local bool, then func([]resolve.Hop)) bool {
	s := w.settings.Load()
	found := func(hops []resolve.Hop) {
		if !local {
			hops = s.Guard.Hops(hops, netip.Addr{})
		}
		then(hops)
	}
	hops, q, known, f := w.find(nil, u)
	switch {
	case f != nil:
		then(nil)
	case known:
		found(hops)
	default:
		return w.cfg.Pool.Go(func(ctx context.Context) {
			hops, _ := w.cfg.Resolver.Lookup(ctx, q) // failed: none
			found(hops)
		})
	}
	return true
}

// Egress chooses the listener for a hop, and appends its Via up to the branch.
func (w Way) Egress(dst []byte, forced uint16, hop resolve.Hop) (uint16, []byte) {
	l := w.own.Egress(w.cfg.Sender, transport.AnyListener, forced, hop.Transport, hop.Addr.Addr())
	if l == transport.AnyListener {
		return l, dst
	}
	return l, w.own.AppendVia(dst, l)
}

// Sent tells a trace what left.
func (w Way) Sent(t *job.Trace, to transport.Target, b []byte) { w.sent(t, to, b) }
