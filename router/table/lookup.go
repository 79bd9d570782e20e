package table

import (
	"hash/maphash"
	mathbits "math/bits"
	"slices"

	"sipedge/router/dfa"
)

// first is the first rule of a node at or behind from, and before best, that
// matches; best if there is none.
func (t *Table) first(n node, f *facts, from, best int32) int32 {
	if n.lo >= best || n.hi < from {
		return best
	}
	if n.lo == n.hi {
		if t.holds(n.lo, f) {
			return n.lo
		}
		return best
	}
	if s := n.split; s != nil {
		for i := range s.exact {
			g := &s.exact[i]
			if found, ok := g.nodes[string(f.key(g.axis))]; ok {
				best = t.first(found, f, from, best)
			}
		}
		for i := range s.prefix {
			best = t.prefixed(&s.prefix[i], f, from, best)
		}
		for i := range s.header {
			for v := f.walk(s.header[i].header); v.next(f); {
				if found, ok := s.header[i].nodes[string(f.unfold(v.value))]; ok {
					best = t.first(found, f, from, best)
				}
			}
		}
		for i := range s.regex {
			best = t.matched(&s.regex[i], f, from, best)
		}
		if s.nets != nil {
			found, _ := s.nets.Lookup(f.Flow.Remote.Addr().Unmap())
			for ; found != nil; found = found.super {
				best = t.first(found.node, f, from, best)
			}
		}
	}
	return t.scan(n.scan, f, from, best)
}

// holds verifies a rule. Most that are found do not match: the hint tells so
// without a look at the conditions, which are all over memory.
func (t *Table) holds(r int32, f *facts) bool {
	if h := t.hints[r]; h.given && f.hash(h.axis) != h.hash {
		return false
	}
	return t.rules[r].holds(f)
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

// prefixed tries the lists of every beginning of the value.
func (t *Table) prefixed(g *prefixGroup, f *facts, from, best int32) int32 {
	value := f.key(g.axis)
	for _, n := range g.lengths {
		if n > len(value) {
			break
		}
		if found, ok := g.nodes[string(value[:n])]; ok {
			best = t.first(found, f, from, best)
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
		for v := f.walk(g.header); v.next(f); {
			best = t.accepted(g, p, f.unfold(v.value), f, from, best)
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
			best = t.first(g.nodes[at], f, from, best)
		}
	}
	return best
}

func (t *Table) scan(rules []int32, f *facts, from, best int32) int32 {
	i := 0
	if len(rules) > 0 && rules[0] < from {
		i, _ = slices.BinarySearch(rules, from)
	}
	for _, r := range rules[i:] {
		if r >= best {
			return best
		}
		if t.holds(r, f) {
			return r
		}
	}
	return best
}
