package example

import (
	"net/netip"
	"slices"

	"sipedge/schema"
	"sipedge/sip"
)

// slotKind is a value of a message that a matcher reads.
type slotKind uint8

const (
	Method slotKind = iota
	Scheme
	User
	Host
	Port
	Myself
	Param
	Header
	Source
	theSourcePort
	theTransport
	theFamily
	Listener
	InDialog
	Direction
	MaxForwards
	theSize
	theStatus
	theCause
	Routed // what loose_route finds on top: see the routes below
	Opaque // a table, a clock, a variable: free to be true or false
	Fixed  // in the message, but not for us to choose
)

// What stands on top of the Route set, as names of the slot routed.
const (
	noRoute       = "none"
	VerifiedRoute = "verified" // our own, with the tag of its dialog
	ForgedRoute   = "forged"   // our own, without
)

// role is where a URI stands.
type role uint8

const (
	OfRURI role = iota
	ofFrom
	ofTo
)

// Slot is one value of a message. It is comparable.
type Slot struct {
	Kind slotKind
	Role role   // of parts of URIs
	Name string // of parameters and header fields
}

// Atom is one thing that a message has or has not.
type Atom struct {
	Slot
	Names    []string // any of them; of methods, schemes and other closed sets
	Text     *pattern // of users, hosts, values
	presence bool     // a parameter or header field is there
	Nums     []Bounds // any of them
	Nets     []netip.Prefix
	Why      string // opaque and fixed: what it is
	Trust    bool   // opaque: it tells trusted sources
}

type Bounds struct{ Min, Max int64 }

func (a *Atom) HoldsNumber(n int64) bool {
	return slices.ContainsFunc(a.Nums, func(b Bounds) bool { return b.Min <= n && n <= b.Max })
}

func (a *Atom) holdsAddr(addr netip.Addr) bool {
	return slices.ContainsFunc(a.Nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Lit is an atom or its opposite.
type Lit struct {
	*Atom
	Neg bool
}

// Node is a formula in negation normal form: a literal, or all or some of its kids.
type Node struct {
	Lit  Lit // atom nil: kids
	Some bool
	Kids []*Node
}

var (
	always = &Node{}
	never  = &Node{Some: true}
)

func Leaf(a *Atom) *Node        { return &Node{Lit: Lit{Atom: a}} }
func All(kids ...*Node) *Node   { return &Node{Kids: kids} }
func oneOf(kids ...*Node) *Node { return &Node{Some: true, Kids: kids} }
func boolean(n *Node, b bool) *Node {
	if b {
		return n
	}
	return n.Not()
}

// Not is the opposite.
func (n *Node) Not() *Node {
	if n.Lit.Atom != nil {
		return &Node{Lit: Lit{n.Lit.Atom, !n.Lit.Neg}}
	}
	out := &Node{Some: !n.Some, Kids: make([]*Node, len(n.Kids))}
	for i, k := range n.Kids {
		out.Kids[i] = k.Not()
	}
	return out
}

// Each calls f for every literal.
func (n *Node) Each(f func(Lit)) {
	if n.Lit.Atom != nil {
		f(n.Lit)
	}
	for _, k := range n.Kids {
		k.Each(f)
	}
}

// Formulas makes formulas of matches.
type Formulas struct {
	Unknown int // opaque atoms made so far
}

// Match makes the formula of a match, and what of the match is not opaque: the same, mostly.
// A message the rest does not match is not matched by the whole.
func (f *Formulas) Match(v *schema.Value) (*Node, *schema.Value) {
	if v == nil {
		return always, nil
	}
	return parts(v, f.key)
}

// key makes the formula of one matcher, and what of its value is not opaque; nil: nothing.
func (f *Formulas) key(k *schema.Key) (*Node, *schema.Value) {
	v := &k.Value
	switch k.Name {
	case "method":
		return names(Method, v), v
	case "uri":
		return f.address(OfRURI, v)
	case "from":
		return f.address(ofFrom, v)
	case "to":
		return f.address(ofTo, v)
	case "headers":
		return parts(v, func(k *schema.Key) (*Node, *schema.Value) { return f.header(k) })
	case "source":
		if n, ok := f.source(v); ok {
			return n, v
		}
	case "transport":
		return names(theTransport, v), v
	case "family":
		return names(theFamily, v), v
	case "listener":
		return names(Listener, v), v
	case "direction":
		return names(Direction, v), v
	case "cause":
		return names(theCause, v), v
	case "in_dialog":
		return boolean(Leaf(&Atom{Slot: Slot{Kind: InDialog}}), v.B), v
	case "source_port":
		return numbers(Slot{Kind: theSourcePort}, v), v
	case "max_forwards":
		return numbers(Slot{Kind: MaxForwards}, v), v
	case "size":
		return numbers(Slot{Kind: theSize}, v), v
	case "status":
		return statuses(v), v
	case "all", "any", "not":
		return f.nested(k)
	}
	n := f.unknowable(k.Name)
	n.Lit.Trust = k.Name == "source" || k.Name == "peer" || k.Name == "auth"
	return n, nil
}

// unknowable is an atom that is true or false for reasons outside of the message.
func (f *Formulas) unknowable(why string) *Node {
	f.Unknown++
	return Leaf(&Atom{Slot: Slot{Kind: Opaque}, Why: why})
}

// nested: what is opaque inside of any and not makes the whole opaque.
func (f *Formulas) nested(k *schema.Key) (*Node, *schema.Value) {
	before := f.Unknown
	out := &Node{Some: k.Name == "any"}
	rest := k.Value
	rest.Items = nil
	k.Each(func(v *schema.Value) {
		n, left := f.Match(v)
		out.Kids = append(out.Kids, n)
		if left != nil {
			rest.Items = append(rest.Items, *left)
		}
	})
	switch {
	case f.Unknown == before:
		if k.Name == "not" {
			out = out.Not()
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
	v *schema.Value, part func(k *schema.Key) (*Node, *schema.Value),
) (*Node, *schema.Value) {
	all, rest := &Node{}, *v
	rest.Keys = make([]schema.Key, 0, len(v.Keys))
	for i := range v.Keys {
		n, left := part(&v.Keys[i])
		all.Kids = append(all.Kids, n)
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

func names(kind slotKind, v *schema.Value) *Node {
	a := &Atom{Slot: Slot{Kind: kind}}
	v.Each(func(v *schema.Value) { a.Names = append(a.Names, v.S) })
	return Leaf(a)
}

func numbers(s Slot, v *schema.Value) *Node {
	a := &Atom{Slot: s}
	v.Each(func(v *schema.Value) {
		b := Bounds{v.N, v.N}
		if v.Kind == schema.Map {
			b = Bounds{-1 << 62, 1 << 62}
			if least := v.Get("min"); least.Kind == schema.Int {
				b.Min = least.N
			}
			if most := v.Get("max"); most.Kind == schema.Int {
				b.Max = most.N
			}
		}
		a.Nums = append(a.Nums, b)
	})
	return Leaf(a)
}

func statuses(v *schema.Value) *Node {
	a := &Atom{Slot: Slot{Kind: theStatus}}
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Int {
			a.Nums = append(a.Nums, Bounds{v.N, v.N})
		} else if len(v.S) == len("5xx") {
			class := int64(v.S[0]-'0') * 100
			a.Nums = append(a.Nums, Bounds{class, class + 99})
		}
	})
	return Leaf(a)
}

// source is false when a table decides.
func (f *Formulas) source(v *schema.Value) (*Node, bool) {
	a := &Atom{Slot: Slot{Kind: Source}}
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
		a.Nets = append(a.Nets, p)
	})
	return Leaf(a), ok
}

// structure are header fields that every message has, each for a reason of its own.
var structure = []sip.HeaderID{sip.From, sip.To, sip.Via, sip.CallID, sip.CSeq}
