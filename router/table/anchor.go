package table

import (
	"net/netip"

	"sipedge/router/table/decoded"
)

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
	// Those behind are axes that rules bring with them, see dynamic.
)

// dynamic is an axis that is not known before the rules: a header, or a text
// by the regular expressions it matches.
type dynamic struct {
	header *decoded.Header // nil: the value of axis of
	of     axis
	regex  bool // by expression; else by value
}

// dynamic is the number of the axis of a header, or else of a static one.
func (c *compiler) dynamic(h *decoded.Header, of axis, regex bool) axis {
	for i, d := range c.axes {
		if d.regex == regex && d.of == of && (d.header == nil) == (h == nil) &&
			(h == nil || *d.header == *h) {
			return noAxis + 1 + axis(i)
		}
	}
	if len(c.axes) == maxAxes {
		return noAxis
	}
	c.axes = append(c.axes, dynamic{h, of, regex})
	return noAxis + axis(len(c.axes))
}

// anchor of a text of a URI: by its value or beginning, else by expressions.
func (c *compiler) anchor(t text, exact, prefix axis) *anchor {
	a := t.anchor(exact, prefix)
	if a == nil && exact != noAxis && t.expressions(exact) != nil {
		a = t.expressions(c.dynamic(nil, exact, true))
	}
	return a
}

// headerAnchor is anchor for the text of a header.
func (c *compiler) headerAnchor(t text, h *decoded.Header) *anchor {
	if t.anchor(byMethod, noAxis) != nil {
		return t.anchor(c.dynamic(h, 0, false), noAxis)
	}
	if t.expressions(byMethod) != nil {
		return t.expressions(c.dynamic(h, 0, true))
	}
	return nil
}

// maxAxes is how many axes rules may bring.
const maxAxes = 64

// expressions is the anchor of a text that has regular expressions alone or
// with others in every alternative; nil: it has not.
func (t text) expressions(on axis) *anchor {
	a := &anchor{axis: on, whole: true}
	for i := range t {
		alt := &t[i]
		if alt.regex == nil || on == noAxis {
			return nil
		}
		a.keys = append(a.keys, alt.expr)
		a.whole = a.whole && alt.exact == nil && alt.in == nil && alt.empty == unknown &&
			alt.prefix == nil && alt.suffix == nil && alt.contains == nil
	}
	if len(t) == 0 {
		return nil
	}
	return a
}

// axisKind is what of a URI an axis is about.
type axisKind uint8

const (
	userIs axisKind = iota
	userBegins
	hostIs
)

func axisOf(r decoded.Role, k axisKind) axis {
	if r == decoded.Contact {
		return noAxis
	}
	return [...][3]axis{
		decoded.RURI: {byRURIUser, byRURIUserPrefix, byRURIHost},
		decoded.From: {byFromUser, byFromUserPrefix, byFromHost},
		decoded.To:   {byToUser, byToUserPrefix, byToHost},
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
		return f.Address(decoded.RURI).User
	case byRURIHost:
		return f.Address(decoded.RURI).Host
	case byMethod:
		return f.Msg.MethodName()
	case byFromUser, byFromUserPrefix:
		return f.Address(decoded.From).User
	case byFromHost:
		return f.Address(decoded.From).Host
	case byToUser, byToUserPrefix:
		return f.Address(decoded.To).User
	case byToHost:
		return f.Address(decoded.To).Host
	}
	return nil
}

// anchor of a text: under exact if every alternative has exact texts, under
// prefix (unless noAxis) if every one has these or prefixes; nil otherwise.
func (t text) anchor(exact, prefix axis) *anchor {
	if exact == noAxis {
		return nil
	}
	a := &anchor{axis: exact, whole: true}
	for i := range t {
		a.whole = a.whole && t[i].isPlain()
		switch alt := &t[i]; {
		case alt.fold:
			return nil
		case alt.exact != nil:
			a.keys = append(a.keys, alt.exact...)
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
	return a.regex == nil && a.in == nil && a.empty == unknown &&
		a.suffix == nil && a.contains == nil && (a.exact == nil) != (a.prefix == nil)
}
