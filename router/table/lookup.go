package table

import (
	"hash/maphash"
	mathbits "math/bits"
	"slices"

	"sipedge/router/dfa"
)

// first is the first rule of a node at or behind from, and before best, that
// matches; best if there is none.
func (t *Table) first(n *node, f *facts, from, best int32) int32 {
	if n.rule >= best || n.hi < from {
		return best
	}
	if n.rule == n.hi {
		if n.holds(f) {
			return n.rule
		}
		return best
	}
	if s := n.split; s != nil {
		for i := range s.groups {
			best = t.found(&s.groups[i], f, from, best)
		}
		for i := range s.regex {
			best = t.matched(&s.regex[i], f, from, best)
		}
		if s.nets != nil {
			found, _ := s.nets.Lookup(f.Flow.Remote.Addr().Unmap())
			for ; found != nil; found = found.super {
				best = t.first(&found.node, f, from, best)
			}
		}
	}
	return t.scan(n.scan, f, from, best)
}

// holds verifies a rule. Most that are found do not match: the hint tells so
// without a look at the conditions, which are all over memory.
func (c *candidate) holds(f *facts) bool {
	if h := c.hint; h.given && f.hash(h.axis) != h.hash {
		return false
	}
	return c.test(f)
}

// hint is the hash of the one value that an axis must have.
type hint struct {
	given bool
	axis  axis
	hash  uint32
}

func hintOf(conditions []condition, filed *anchor) (h hint) {
	for i := range conditions {
		a := conditions[i].anchor
		if a == nil || a == filed || len(a.keys) != 1 || a.axis >= noAxis || a.axis.isPrefix() ||
			a.axis == byMethod {
			continue
		}
		return hint{true, a.axis, uint32(maphash.String(seed, a.keys[0]))}
	}
	return h
}

var seed = maphash.MakeSeed()

// hash is that of the value of an axis, computed once.
func (f *facts) hash(a axis) uint32 {
	if f.hashed&(1<<a) == 0 {
		f.hashed |= 1 << a
		f.hashes[a] = uint32(maphash.Bytes(seed, f.key(a)))
	}
	return f.hashes[a]
}

// found tries the lists of what the values of a group say.
func (t *Table) found(g *group, f *facts, from, best int32) int32 {
	if g.header != nil {
		for v := f.Walk(g.header); v.Next(&f.Message); {
			if n := g.nodes.Find(f.Unfold(v.Value)); n != nil {
				best = t.first(n, f, from, best)
			}
		}
		return best
	}
	value := f.key(g.axis)
	if g.lengths == nil {
		if n := g.nodes.Find(value); n != nil {
			best = t.first(n, f, from, best)
		}
		return best
	}
	for _, length := range g.lengths {
		if length > len(value) {
			break
		}
		if n := g.nodes.Find(value[:length]); n != nil {
			best = t.first(n, f, from, best)
		}
	}
	return best
}

// matched tries the lists of every expression that a text of the group
// matches. A text is read to its end before anything is tried: that may
// overwrite it.
func (t *Table) matched(g *regexGroup, f *facts, from, best int32) int32 {
	for i := range g.set {
		p := &g.set[i]
		if g.header == nil {
			best = t.accepted(g, p, f.key(g.axis), f, from, best)
			continue
		}
		for v := f.Walk(g.header); v.Next(&f.Message); {
			best = t.accepted(g, p, f.Unfold(v.Value), f, from, best)
		}
	}
	return best
}

// accepted tries the lists of the expressions in p that b matches.
func (t *Table) accepted(
	g *regexGroup, p *dfa.Part, b []byte, f *facts, from, best int32,
) int32 {
	var bits dfa.Bits
	p.Match(b, &bits)
	for word := range (p.Len + 63) / 64 {
		for set := bits[word]; set != 0; set &= set - 1 {
			at := p.First + word*64 + mathbits.TrailingZeros64(set)
			best = t.first(&g.nodes[at], f, from, best)
		}
	}
	return best
}

func (t *Table) scan(rules []candidate, f *facts, from, best int32) int32 {
	i := 0
	if len(rules) > 0 && rules[0].rule < from {
		i, _ = slices.BinarySearchFunc(rules, from, func(c candidate, from int32) int {
			return int(c.rule - from)
		})
	}
	for ; i < len(rules); i++ {
		c := &rules[i]
		if c.rule >= best {
			return best
		}
		if c.holds(f) {
			return c.rule
		}
	}
	return best
}
