package table

import "slices"

// first is the first rule of a node at or behind from, and before best, that
// matches; best if there is none.
func (t *Table) first(n node, f *facts, from, best int32) int32 {
	if n.lo >= best || n.hi < from {
		return best
	}
	if n.lo == n.hi {
		if t.rules[n.lo].holds(f) {
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
		if s.nets != nil {
			found, _ := s.nets.Lookup(f.Flow.Remote.Addr().Unmap())
			for ; found != nil; found = found.super {
				best = t.first(found.node, f, from, best)
			}
		}
	}
	return t.scan(n.scan, f, from, best)
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

func (t *Table) scan(rules []int32, f *facts, from, best int32) int32 {
	i := 0
	if len(rules) > 0 && rules[0] < from {
		i, _ = slices.BinarySearch(rules, from)
	}
	for _, r := range rules[i:] {
		if r >= best {
			return best
		}
		if t.rules[r].holds(f) {
			return r
		}
	}
	return best
}
