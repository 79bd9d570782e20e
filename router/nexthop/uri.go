package nexthop

import (
	"errors"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/sip"
)

var (
	ErrURI    = errors.New("the next hop is not a URI")
	ErrRoute  = errors.New("the Route is not one")
	ErrScheme = errors.New("the next hop is neither sip nor sips")
)

// Chosen is the policy's next hop of a branch, or nil, and who says where it goes. t is the
// branch's target; verified: the request is one of a dialog, by its tag. A target of the policy's
// own is so only where neither a Route nor a branch route leads elsewhere.
func Chosen(m *sip.Message, t *job.Target, verified bool) (to []byte, by Trust) {
	routed := t.NextHop == nil && m.Has(sip.Route)
	switch {
	case t.Local && (t.NextHop != nil || !routed && string(m.RURI()) == string(t.URI)):
		by = Own
	case t.Said, routed && !verified:
		by = Told
	default:
		by = Ruled
	}
	return t.NextHop, by
}

// URI returns the URI that names the next hop: to, else the top Route, else
// the Request-URI. A strict router ahead is restored in m: the Request-URI
// becomes the last Route and the top Route the Request-URI. With to, which may
// know nothing of the Route, that is for whoever follows the Route. A sips
// Request-URI makes any of them one (§16.6 step 7).
func URI(m *sip.Message, to []byte) (sip.URI, error) {
	next := to
	if next == nil {
		next = m.RURI()
		if e, ok := m.FirstElement(sip.Route); ok {
			u, err := identity.RouteURI(e)
			if err != nil {
				return u, ErrRoute
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
		return u, ErrURI
	case u.Scheme != sip.SIP && u.Scheme != sip.SIPS:
		return u, ErrScheme
	}
	if r, ok := m.RequestURI(); ok && r.Scheme == sip.SIPS {
		u.Scheme = sip.SIPS
	}
	return u, nil
}
