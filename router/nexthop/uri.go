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

// Chosen is the policy's next hop of a branch, or nil, and whether the branch is exempt from the
// Guard: its hop is the policy's own, or its Request-URI is and neither a Route nor a branch
// route leads elsewhere. to is what the relay names, nil: nothing; t the branch's target, which then
// is of no gateway any more.
func Chosen(m *sip.Message, to []byte, toLocal bool, t *job.Target) (hop []byte, local bool) {
	switch {
	case to != nil:
		t.Gateway = 0 // it goes not there
		return to, toLocal
	case t.NextHop != nil:
		return t.NextHop, t.Local
	}
	return nil, t.Local && !m.Has(sip.Route) && string(m.RURI()) == string(t.URI)
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
