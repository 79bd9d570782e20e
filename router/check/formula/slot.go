package formula

import (
	"net/netip"
	"slices"

	"sipedge/router/check/pattern"
)

// Kind of a value of a message that a matcher reads.
type Kind uint8

const (
	Method Kind = iota
	Scheme
	User
	Written // the user of a URI with its escapes
	Host
	Port
	Myself
	Param
	Header  // some field of a name, or the one at an index
	Contact // some Contact with a URI for which Sub holds
	BodyType
	Session // there is a session description
	Private // with a private address
	Media   // with a medium of a kind (Names) and codec (Codec)
	Source
	SourcePort
	Transport
	Family
	Listener
	InDialog
	Direction
	MaxForwards
	Size
	Status
	Cause
	ErrorClass // of what is wrong with a malformed request
	Routed     // what loose_route finds on top: see the names below
	Variable   // never solved: what it holds is made by steps
	Owner      // nor this: who named the host of the Request-URI
	Chosen     // nor this: a gateway was chosen as the next hop
	Opaque     // a table, a clock, an answer of somebody's: free to be true or false
)

// What stands on top of the Route set, as names of Routed. A strict router has put it where
// the Request-URI was, which is the last Route then, RFC 3261 §16.4.
const (
	NoRoute       = "none"
	VerifiedRoute = "verified" // our own, with the tag of its dialog
	ForgedRoute   = "forged"   // our own, without
	StrictRoute   = "strict"   // verified, by a strict router
	ForgedStrict  = "forged strict"
	PairRoute     = "pair" // verified, two of ours: of these no example is made
	PathRoute     = "path" // a Path of ours, in no dialog: nor of these
)

// Routes are all of these, those with a tag, those that loose_route takes, and those of strict
// routers.
var (
	Routes = []string{
		NoRoute, VerifiedRoute, ForgedRoute, StrictRoute, ForgedStrict, PairRoute, PathRoute,
	}
	Verified = []string{VerifiedRoute, StrictRoute, PairRoute}
	Taken    = append([]string{PathRoute}, Verified...)
	Strict   = []string{StrictRoute, ForgedStrict}
)

// Role is where a URI stands.
type Role uint8

const (
	OfRURI Role = iota
	OfFrom
	OfTo
	OfContact
	OfTarget // of a strict router's request: the Request-URI that loose_route gives it
)

// Slot is one value of a message. It is comparable.
type Slot struct {
	Kind  Kind
	Role  Role   // of parts of URIs
	Name  string // of parameters, header fields and variables
	One   bool   // of header fields only the one at Index, from behind if that is negative
	Index int
	Reply bool  // of the reply, not of the request
	Round uint8 // of status and cause: of the failure route of which relay, from 0
}

// Atom is one thing that a message has or has not.
type Atom struct {
	Slot
	Names    []string           // any of them; of methods, schemes and other closed sets
	Text     *pattern.Pattern   // of users, hosts, values
	Codec    []*pattern.Pattern // any of them; nil: any codec, or none
	Presence bool               // a parameter, header field or variable is there
	Nums     []Bounds           // any of them
	Nets     []netip.Prefix
	Sub      *Node  // what a URI is like
	Why      string // opaque: what it is
	Trust    bool   // opaque: it tells trusted sources
}

// Bounds are those of a number, both included.
type Bounds struct{ Min, Max int64 }

// HoldsNumber reports whether a number is within the bounds.
func (a *Atom) HoldsNumber(n int64) bool {
	return slices.ContainsFunc(a.Nums, func(b Bounds) bool { return b.Min <= n && n <= b.Max })
}

// HoldsAddr reports whether an address is in the networks.
func (a *Atom) HoldsAddr(addr netip.Addr) bool {
	return slices.ContainsFunc(a.Nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Lit is an atom or its opposite.
type Lit struct {
	*Atom
	Neg bool
}

// OfURI reports whether an atom is about a part of the URI of a role.
func (a *Atom) OfURI(r Role) bool { return a.Role == r && a.Kind >= Scheme && a.Kind <= Param }

// Not is the opposite.
func (l Lit) Not() Lit { return Lit{l.Atom, !l.Neg} }

// Node is a formula in negation normal form: a literal, or all or some of its kids. It is
// immutable.
type Node struct {
	Lit  Lit // atom nil: kids
	Some bool
	Kids []*Node
}

// Always and Never are formulas that hold for every message and for none.
var (
	Always = &Node{}
	Never  = &Node{Some: true}
)

// Leaf is the formula of an atom.
func Leaf(a *Atom) *Node { return &Node{Lit: Lit{Atom: a}} }

// Truth is Always or Never.
func Truth(b bool) *Node {
	if b {
		return Always
	}
	return Never
}

// All and OneOf put formulas together.
func All(kids ...*Node) *Node   { return &Node{Kids: kids} }
func OneOf(kids ...*Node) *Node { return &Node{Some: true, Kids: kids} }

// When is the formula, or with b false its opposite.
func (n *Node) When(b bool) *Node {
	if b {
		return n
	}
	return n.Not()
}

// Not is the opposite.
func (n *Node) Not() *Node {
	if n.Lit.Atom != nil {
		return &Node{Lit: n.Lit.Not()}
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

// Holds evaluates a formula by its literals.
func (n *Node) Holds(of func(Lit) bool) bool {
	if n.Lit.Atom != nil {
		return of(n.Lit)
	}
	for _, k := range n.Kids {
		if k.Holds(of) == n.Some {
			return n.Some
		}
	}
	return !n.Some
}
