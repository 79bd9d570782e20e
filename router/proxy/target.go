package proxy

import (
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// The next hop of a branch, RFC 3261 §16.6 steps 6 and 7: the policy's URI,
// else the target's (a Path, a received address), else the top Route, else the
// Request-URI.

// nextHop returns the URI that names the next hop: to, else the top Route, else
// the Request-URI. A strict router ahead is restored in m: the Request-URI
// becomes the last Route and the top Route the Request-URI. With to, which may
// know nothing of the Route, that is for whoever follows the Route. A sips
// Request-URI makes any of them one (§16.6 step 7).
func nextHop(m *sip.Message, to []byte) (sip.URI, *fault) {
	next := to
	if next == nil {
		next = m.RURI()
		if e, ok := m.FirstElement(sip.Route); ok {
			u, err := identity.RouteURI(e)
			if err != nil {
				return u, faultRoute
			}
			if _, loose := u.Param("lr"); !loose {
				identity.Restore(m, e, u.Raw)
			}
			next = u.Raw
		}
	}
	u, err := sip.ParseURI(next)
	switch {
	case err != nil:
		return u, faultURI
	case u.Scheme != sip.SIP && u.Scheme != sip.SIPS:
		return u, faultScheme
	}
	if r, ok := m.RequestURI(); ok && r.Scheme == sip.SIPS {
		u.Scheme = sip.SIPS
	}
	return u, nil
}

// chosenHop is the policy's next hop of a branch, or nil, and whether the branch
// is exempt from the destination guard: its hop is the policy's own, or its
// Request-URI is and neither a Route nor a branch route leads elsewhere.
func chosenHop(m *sip.Message, h *Hooks, t *job.Target) (to []byte, local bool) {
	switch {
	case h.To != nil:
		return h.To, h.ToLocal
	case t.NextHop != nil:
		return t.NextHop, t.Local
	}
	return nil, t.Local && !m.Has(sip.Route) && string(m.RURI()) == string(t.URI)
}

// find appends where u leads to dst without blocking. known false: the
// query has to be looked up.
func (p *Proxy) find(
	dst []resolve.Hop, u *sip.URI,
) (hops []resolve.Hop, q resolve.Query, known bool, f *fault) {
	q, addr, err := resolve.QueryOf(u)
	if err != nil {
		return dst, q, true, resolveFault(err)
	}
	if addr.IsValid() {
		hop, ok := identity.HopTo(u, addr)
		if !ok {
			return dst, q, true, faultUnreachable
		}
		return append(dst, hop), q, true, nil
	}
	hops, known, err = p.cfg.Resolver.Cached(dst, q)
	if known && err != nil {
		return dst, q, true, resolveFault(err)
	}
	return hops, q, known, nil
}
