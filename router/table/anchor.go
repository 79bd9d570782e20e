package table

import "net/netip"

// axis is a value of a message that rules can be filed under. The order is
// the one of preference: what is cheap to ask for stands first.
type axis uint8

const (
	byRURIUser axis = iota
	byRURIUserPrefix
	bySource
	byRURIHost
	byMethod
	byFromUser
	byFromUserPrefix
	byFromHost
	byToUser
	byToUserPrefix
	byToHost
	noAxis
)

// axisKind is what of a URI an axis is about.
type axisKind uint8

const (
	userIs axisKind = iota
	userBegins
	hostIs
)

func axisOf(r role, k axisKind) axis {
	if r == theContact {
		return noAxis
	}
	return [...][3]axis{
		theRURI: {byRURIUser, byRURIUserPrefix, byRURIHost},
		theFrom: {byFromUser, byFromUserPrefix, byFromHost},
		theTo:   {byToUser, byToUserPrefix, byToHost},
	}[r][k]
}

func (a axis) isPrefix() bool {
	return a == byRURIUserPrefix || a == byFromUserPrefix || a == byToUserPrefix
}

// anchor is what must be so for a rule to match: the value of the axis is one
// of keys, begins with one of keys, or is in one of nets.
type anchor struct {
	axis  axis
	keys  []string
	nets  []netip.Prefix
	whole bool // it is all the condition says: nothing is left to verify
}

func (a *anchor) size() int { return len(a.keys) + len(a.nets) }

// key is the value of an axis other than bySource.
func (f *facts) key(a axis) []byte {
	switch a {
	case byRURIUser, byRURIUserPrefix:
		return f.address(theRURI).user
	case byRURIHost:
		return f.address(theRURI).host
	case byMethod:
		return f.Msg.MethodName()
	case byFromUser, byFromUserPrefix:
		return f.address(theFrom).user
	case byFromHost:
		return f.address(theFrom).host
	case byToUser, byToUserPrefix:
		return f.address(theTo).user
	case byToHost:
		return f.address(theTo).host
	}
	return nil
}

// anchor of a text: under exact if every alternative has exact texts, under
// prefix (unless noAxis) if every one has these or prefixes; nil otherwise.
func (t text) anchor(exact, prefix axis) *anchor {
	a := &anchor{axis: exact, whole: true}
	for i := range t {
		a.whole = a.whole && t[i].isPlain()
		switch alt := &t[i]; {
		case alt.fold:
			return nil
		case alt.exact != nil:
			a.keys = append(a.keys, alt.exact.list...)
		case len(alt.prefix) > 0 && prefix != noAxis:
			a.axis = prefix
			for _, p := range alt.prefix {
				a.keys = append(a.keys, string(p))
			}
		default:
			return nil
		}
	}
	if a.axis != prefix {
		return a
	}
	for i := range t { // an exact text was filed as a beginning
		a.whole = a.whole && t[i].exact == nil
	}
	return a
}

// isPlain reports whether an alternative is texts of one kind, and no more.
func (a *alternative) isPlain() bool {
	return a.regex == nil && a.in == nil && a.empty == unknown && a.suffix == nil && a.contains == nil &&
		(a.exact == nil) != (a.prefix == nil)
}
