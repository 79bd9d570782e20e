package dfa

import "regexp"

// Set is any number of expressions: as few automatons as their bounds allow. An
// expression that alone has too many states stays with package regexp.
type Set []Part

// Part is some expressions of a Set, from number First on.
type Part struct {
	First, Len int
	dfa        *DFA
	regex      *regexp.Regexp // instead, of one expression
}

// NewSet makes a Set of expressions that package regexp compiles.
func NewSet(exprs []string) Set { return Set(nil).add(exprs, 0) }

func (s Set) add(exprs []string, first int) Set {
	d, ok := New(exprs)
	switch {
	case ok:
		return append(s, Part{First: first, Len: len(exprs), dfa: d})
	case len(exprs) == 1:
		return append(s, Part{First: first, Len: 1, regex: regexp.MustCompile(exprs[0])})
	}
	half := len(exprs) / 2
	return s.add(exprs[:half], first).add(exprs[half:], first+half)
}

// Match sets the bit of every expression that matches, bit 0 being First's.
func (p *Part) Match(b []byte, bits *Bits) {
	switch {
	case p.dfa != nil:
		p.dfa.Match(b, bits)
	case p.regex.Match(b):
		bits[0] |= 1
	}
}
