package formula

import (
	"slices"
	"strings"

	"sipedge/router/vars"
	"sipedge/sip"
)

// HoldsURI reports whether a literal of a part of a URI holds for one; ours says which are.
// nil is a URI that can't be read.
func (l Lit) HoldsURI(u *sip.URI, ours func(*sip.URI) bool) bool {
	if u == nil {
		u = new(sip.URI)
	}
	return l.holdsURI(u, ours) != l.Neg
}

func (a *Atom) holdsURI(u *sip.URI, ours func(*sip.URI) bool) bool {
	switch a.Kind {
	case Scheme:
		return slices.Contains(a.Names, u.Scheme.String())
	case User:
		return a.Text.Holds(comparedUser(u))
	case Written:
		return a.Text.Holds(string(u.User))
	case Host:
		return a.Text.Holds(CanonicalHost(string(u.Host)))
	case Port:
		port := vars.Port(u)
		if a.Presence {
			return u.Port != 0
		}
		return port != 0 && a.HoldsNumber(int64(port))
	case Myself:
		return len(u.Host) > 0 && ours(u)
	case Param:
		value, ok := u.Param(a.Name)
		if a.Presence || !ok {
			return ok
		}
		return a.Text.Holds(string(sip.AppendUnescaped(nil, value)))
	}
	return false
}

// comparedUser is the user of a URI in the form in which users are compared.
func comparedUser(u *sip.URI) string {
	if u.Scheme == sip.Tel && !strings.Contains(string(u.User), "%") {
		return strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(string(u.User))
	}
	return string(sip.AppendUnescaped(nil, u.User))
}
