package walk

import (
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
)

// Memo keeps the atoms that are made of others while one goal is searched, so that what is the
// same is one.
type Memo struct {
	nodes map[derived]*formula.Node
	texts map[string]*pattern.Pattern
	// What stands on top of the Route set: one with a tag, one put there by a strict router, one
	// of ours alone.
	verified, strict, single *formula.Node
}

// derived is what an atom was made of, and how.
type derived struct {
	a     *formula.Atom
	p     *pattern.Pattern
	by    any
	n     int
	reply bool
}

// NewMemo is empty.
func NewMemo() *Memo {
	return &Memo{
		nodes: map[derived]*formula.Node{}, texts: map[string]*pattern.Pattern{},
		verified: routed(formula.Verified...), strict: routed(formula.Strict...),
		single: routed(formula.VerifiedRoute),
	}
}

func routed(names ...string) *formula.Node {
	return formula.Leaf(&formula.Atom{Slot: formula.Slot{Kind: formula.Routed}, Names: names})
}

func (m *Memo) node(d derived, make func() *formula.Node) *formula.Node {
	n, ok := m.nodes[d]
	if !ok {
		n = make()
		m.nodes[d] = n
	}
	return n
}

// exact is the pattern of one text.
func (m *Memo) exact(text string) *pattern.Pattern {
	if m.texts[text] == nil {
		m.texts[text] = pattern.Exact(text)
	}
	return m.texts[text]
}

// present is the atom that there is a header field at an index.
func (m *Memo) present(slot formula.Slot, index int) *formula.Node {
	slot.One, slot.Index = true, index
	return m.node(derived{by: slot}, func() *formula.Node {
		return formula.Leaf(&formula.Atom{Slot: slot, Presence: true})
	})
}

// failed is that the failure of a round has a status, and no cause but that.
func (m *Memo) failed(round int, status int64) *formula.Node {
	return m.node(derived{n: round, by: status}, func() *formula.Node {
		slot := func(kind formula.Kind) formula.Slot {
			return formula.Slot{Kind: kind, Round: uint8(round)}
		}
		return formula.All(
			formula.Leaf(&formula.Atom{
				Slot: slot(formula.Status), Nums: []formula.Bounds{{Min: status, Max: status}},
			}),
			formula.Leaf(&formula.Atom{Slot: slot(formula.Cause), Names: []string{""}}),
		)
	})
}

// ofRequest reports whether a reply has what an atom reads from its request, RFC 3261 §8.2.6.2.
func ofRequest(a *formula.Atom) bool {
	switch a.Kind {
	case formula.Method, formula.Opaque:
		return true
	}
	return a.Kind == formula.Header && slices.Contains([]string{"Call-ID", "From", "CSeq"}, a.Name)
}

// received is an atom of what a phase has from others.
func (m *Memo) received(a *formula.Atom, p phase) *formula.Node {
	slot := a.Slot
	switch a.Kind {
	case formula.Variable, formula.Direction, formula.Chosen:
		return formula.Never
	case formula.Owner:
		return formula.Truth(slices.Contains(a.Names, ownerNames[ByCaller]))
	case formula.Status, formula.Cause:
		if slot.Round = uint8(max(0, p.round-1)); p.back {
			slot.Round = 0
		}
	case formula.Opaque:
		slot.Round = uint8(p.round)
	}
	slot.Reply = p.back && !ofRequest(a)
	if slot == a.Slot {
		return formula.Leaf(a)
	}
	return m.node(derived{a: a, reply: slot.Reply, n: int(slot.Round)}, func() *formula.Node {
		b := *a
		b.Slot = slot
		return formula.Leaf(&b)
	})
}

// moved is a formula over what a phase has from others.
func (m *Memo) moved(n *formula.Node, at phase) *formula.Node {
	if n.Lit.Atom != nil {
		return m.received(n.Lit.Atom, at).When(!n.Lit.Neg)
	}
	out := &formula.Node{Some: n.Some}
	for _, k := range n.Kids {
		out.Kids = append(out.Kids, m.moved(k, at))
	}
	return out
}
