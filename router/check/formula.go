package check

import (
	"net/netip"
	"slices"

	"sipedge/schema"
	"sipedge/sip"
)

// slotKind is a value of a message that a matcher reads.
type slotKind uint8

const (
	theMethod slotKind = iota
	theScheme
	theUser
	theHost
	thePort
	myself
	theParam
	theHeader
	theSource
	theSourcePort
	theTransport
	theFamily
	theListener
	inDialog
	theDirection
	maxForwards
	theSize
	theStatus
	theCause
	routed // what loose_route finds on top: see the routes below
	opaque // a table, a clock, a variable: free to be true or false
	fixed  // in the message, but not for us to choose
)

// What stands on top of the Route set, as names of the slot routed.
const (
	noRoute       = "none"
	verifiedRoute = "verified" // our own, with the tag of its dialog
	forgedRoute   = "forged"   // our own, without
)

// role is where a URI stands.
type role uint8

const (
	ofRURI role = iota
	ofFrom
	ofTo
)

// slot is one value of a message. It is comparable.
type slot struct {
	kind slotKind
	role role   // of parts of URIs
	name string // of parameters and header fields
}

// atom is one thing that a message has or has not.
type atom struct {
	slot
	names    []string // any of them; of methods, schemes and other closed sets
	text     *pattern // of users, hosts, values
	presence bool     // a parameter or header field is there
	nums     []bounds // any of them
	nets     []netip.Prefix
	why      string // opaque and fixed: what it is
	trust    bool   // opaque: it tells trusted sources
}

type bounds struct{ min, max int64 }

func (a *atom) holdsNumber(n int64) bool {
	return slices.ContainsFunc(a.nums, func(b bounds) bool { return b.min <= n && n <= b.max })
}

func (a *atom) holdsAddr(addr netip.Addr) bool {
	return slices.ContainsFunc(a.nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// lit is an atom or its opposite.
type lit struct {
	*atom
	neg bool
}

// node is a formula in negation normal form: a literal, or all or some of its kids.
type node struct {
	lit  lit // atom nil: kids
	some bool
	kids []*node
}

var (
	always = &node{}
	never  = &node{some: true}
)

func leaf(a *atom) *node        { return &node{lit: lit{atom: a}} }
func both(kids ...*node) *node  { return &node{kids: kids} }
func oneOf(kids ...*node) *node { return &node{some: true, kids: kids} }
func boolean(n *node, b bool) *node {
	if b {
		return n
	}
	return n.not()
}

// not is the opposite.
func (n *node) not() *node {
	if n.lit.atom != nil {
		return &node{lit: lit{n.lit.atom, !n.lit.neg}}
	}
	out := &node{some: !n.some, kids: make([]*node, len(n.kids))}
	for i, k := range n.kids {
		out.kids[i] = k.not()
	}
	return out
}

// each calls f for every literal.
func (n *node) each(f func(lit)) {
	if n.lit.atom != nil {
		f(n.lit)
	}
	for _, k := range n.kids {
		k.each(f)
	}
}

// formulas makes formulas of matches.
type formulas struct {
	unknown int // opaque atoms made so far
}

// match makes the formula of a match, and what of the match is not opaque: the same, mostly.
// A message the rest does not match is not matched by the whole.
func (f *formulas) match(v *schema.Value) (*node, *schema.Value) {
	if v == nil {
		return always, nil
	}
	return parts(v, f.key)
}

// key makes the formula of one matcher, and what of its value is not opaque; nil: nothing.
func (f *formulas) key(k *schema.Key) (*node, *schema.Value) {
	v := &k.Value
	switch k.Name {
	case "method":
		return names(theMethod, v), v
	case "uri":
		return f.address(ofRURI, v)
	case "from":
		return f.address(ofFrom, v)
	case "to":
		return f.address(ofTo, v)
	case "headers":
		return parts(v, func(k *schema.Key) (*node, *schema.Value) { return f.header(k) })
	case "source":
		if n, ok := f.source(v); ok {
			return n, v
		}
	case "transport":
		return names(theTransport, v), v
	case "family":
		return names(theFamily, v), v
	case "listener":
		return names(theListener, v), v
	case "direction":
		return names(theDirection, v), v
	case "cause":
		return names(theCause, v), v
	case "in_dialog":
		return boolean(leaf(&atom{slot: slot{kind: inDialog}}), v.B), v
	case "source_port":
		return numbers(slot{kind: theSourcePort}, v), v
	case "max_forwards":
		return numbers(slot{kind: maxForwards}, v), v
	case "size":
		return numbers(slot{kind: theSize}, v), v
	case "status":
		return statuses(v), v
	case "all", "any", "not":
		return f.nested(k)
	}
	n := f.unknowable(k.Name)
	n.lit.trust = k.Name == "source" || k.Name == "peer" || k.Name == "auth"
	return n, nil
}

// unknowable is an atom that is true or false for reasons outside of the message.
func (f *formulas) unknowable(why string) *node {
	f.unknown++
	return leaf(&atom{slot: slot{kind: opaque}, why: why})
}

// nested: what is opaque inside of any and not makes the whole opaque.
func (f *formulas) nested(k *schema.Key) (*node, *schema.Value) {
	before := f.unknown
	out := &node{some: k.Name == "any"}
	rest := k.Value
	rest.Items = nil
	k.Each(func(v *schema.Value) {
		n, left := f.match(v)
		out.kids = append(out.kids, n)
		if left != nil {
			rest.Items = append(rest.Items, *left)
		}
	})
	switch {
	case f.unknown == before:
		if k.Name == "not" {
			out = out.not()
		}
		return out, &k.Value
	case k.Name == "all" && len(rest.Items) > 0:
		return out, &rest
	case k.Name == "all":
		return out, nil
	}
	n := f.unknowable(k.Name)
	return n, nil
}

// parts makes the formula of a map whose keys must all hold.
func parts(
	v *schema.Value, part func(k *schema.Key) (*node, *schema.Value),
) (*node, *schema.Value) {
	all, rest := &node{}, *v
	rest.Keys = make([]schema.Key, 0, len(v.Keys))
	for i := range v.Keys {
		n, left := part(&v.Keys[i])
		all.kids = append(all.kids, n)
		if left != nil {
			key := v.Keys[i]
			key.Value = *left
			rest.Keys = append(rest.Keys, key)
		}
	}
	if len(rest.Keys) == 0 {
		return all, nil
	}
	return all, &rest
}

func names(kind slotKind, v *schema.Value) *node {
	a := &atom{slot: slot{kind: kind}}
	v.Each(func(v *schema.Value) { a.names = append(a.names, v.S) })
	return leaf(a)
}

func numbers(s slot, v *schema.Value) *node {
	a := &atom{slot: s}
	v.Each(func(v *schema.Value) {
		b := bounds{v.N, v.N}
		if v.Kind == schema.Map {
			b = bounds{-1 << 62, 1 << 62}
			if least := v.Get("min"); least.Kind == schema.Int {
				b.min = least.N
			}
			if most := v.Get("max"); most.Kind == schema.Int {
				b.max = most.N
			}
		}
		a.nums = append(a.nums, b)
	})
	return leaf(a)
}

func statuses(v *schema.Value) *node {
	a := &atom{slot: slot{kind: theStatus}}
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Int {
			a.nums = append(a.nums, bounds{v.N, v.N})
		} else if len(v.S) == len("5xx") {
			class := int64(v.S[0]-'0') * 100
			a.nums = append(a.nums, bounds{class, class + 99})
		}
	})
	return leaf(a)
}

// source is false when a table decides.
func (f *formulas) source(v *schema.Value) (*node, bool) {
	a := &atom{slot: slot{kind: theSource}}
	ok := true
	v.Each(func(v *schema.Value) {
		p, err := schema.ParseNetwork(v.S)
		if v.Kind != schema.String || err != nil {
			ok = false
			return
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		a.nets = append(a.nets, p)
	})
	return leaf(a), ok
}

// structure are header fields that every message has, each for a reason of its own.
var structure = []sip.HeaderID{sip.From, sip.To, sip.Via, sip.CallID, sip.CSeq}
