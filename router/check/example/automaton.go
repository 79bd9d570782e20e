package example

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// language is a set of texts: what some regular expressions are all found in, or not all.
type language struct {
	exprs []string
	neg   bool
}

// answer of a search.
type answer uint8

const (
	found   answer = iota
	Nothing        // there is none
	Unsure         // the search gave up
)

// maxStates is how far the product of automata is followed.
const maxStates = 4000

// shortest finds a text in all of the languages: a search, breadth first, through the product
// of their automata, which are made deterministic on the way.
func shortest(e *effort, languages []language) (string, answer) {
	a := automaton{}
	for _, l := range languages {
		g := group{neg: l.neg}
		for _, expr := range l.exprs {
			re, err := syntax.Parse(expr, syntax.Perl)
			if err != nil {
				return "", Unsure
			}
			prog, err := syntax.Compile(re.Simplify())
			if err != nil || len(prog.Inst) > 20_000 {
				return "", Unsure
			}
			g.progs = append(g.progs, len(a.progs))
			a.progs = append(a.progs, prog)
		}
		a.groups = append(a.groups, g)
	}
	a.letters()
	return a.search(e)
}

type automaton struct {
	progs  []*syntax.Prog
	groups []group
	runes  []rune // one of each class of letters that no expression tells apart
}

type group struct {
	progs []int
	neg   bool
}

// state is where every expression stands in a text.
type state struct {
	sets  [][]uint32 // instructions, before the empty-width ones are followed
	done  []bool     // found already, whatever comes
	last  rune       // before; -1: at the beginning
	from  int        // state before, by index
	taken rune
}

// letters picks a letter of each class, what is easy to read first.
func (a *automaton) letters() {
	cuts := []rune{0, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, '\n', '\n' + 1, 0x7f}
	for _, p := range a.progs {
		for i := range p.Inst {
			in := &p.Inst[i]
			if in.Op != syntax.InstRune && in.Op != syntax.InstRune1 {
				continue
			}
			for j := 0; j < len(in.Rune); j += 2 {
				lo, hi := in.Rune[j], in.Rune[min(j+1, len(in.Rune)-1)]
				cuts = append(cuts, lo, hi+1)
				if len(in.Rune) == 1 && syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
					for r := unicode.SimpleFold(lo); r != lo; r = unicode.SimpleFold(r) {
						cuts = append(cuts, r, r+1)
					}
				}
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i, lo := range cuts {
		hi := rune(unicode.MaxRune)
		if i+1 < len(cuts) {
			hi = cuts[i+1] - 1
		}
		if lo > unicode.MaxRune || lo >= 0xd800 && hi <= 0xdfff {
			continue
		}
		if lo >= 0xd800 && lo <= 0xdfff {
			lo = 0xe000
		}
		a.runes = append(a.runes, lo)
	}
	slices.SortStableFunc(a.runes, func(x, y rune) int { return rank(x) - rank(y) })
}

// rank orders letters: digits, small, capital, the rest.
func rank(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return 0
	case r >= 'a' && r <= 'z':
		return 1
	case r >= 'A' && r <= 'Z':
		return 2
	case r > ' ' && r < 0x7f:
		return 3
	}
	return 4
}

func (a *automaton) search(e *effort) (string, answer) {
	first := state{
		sets: make([][]uint32, len(a.progs)), done: make([]bool, len(a.progs)), last: -1, from: -1,
	}
	for i, p := range a.progs {
		first.sets[i] = []uint32{uint32(p.Start)}
	}
	states := []state{first}
	seen := map[string]bool{}
	for at := 0; at < len(states); at++ {
		if a.accepts(&states[at]) {
			return text(states, at), found
		}
		if len(states) > maxStates || !e.spend(int64(len(a.progs)*len(a.runes))) {
			return "", Unsure
		}
		for _, r := range a.runes {
			next, ok := a.step(&states[at], r)
			if !ok {
				continue
			}
			if key := next.key(); !seen[key] {
				seen[key] = true
				next.from, next.taken = at, r
				states = append(states, next)
			}
		}
	}
	return "", Nothing
}

func text(states []state, at int) string {
	var runes []rune
	for ; states[at].from >= 0; at = states[at].from {
		runes = append(runes, states[at].taken)
	}
	slices.Reverse(runes)
	return string(runes)
}

// accepts reports whether the text may end here.
func (a *automaton) accepts(s *state) bool {
	done := make([]bool, len(a.progs))
	for i := range a.progs {
		_, matched := a.closure(i, s.sets[i], s.last, -1)
		done[i] = s.done[i] || matched
	}
	for _, g := range a.groups {
		all := true
		for _, p := range g.progs {
			all = all && done[p]
		}
		if all == g.neg {
			return false
		}
	}
	return true
}

// step reads a letter; ok false: nothing good can come of it.
func (a *automaton) step(s *state, r rune) (next state, ok bool) {
	next = state{
		sets: make([][]uint32, len(a.progs)), done: make([]bool, len(a.progs)), last: r,
	}
	for i, p := range a.progs {
		if next.done[i] = s.done[i]; next.done[i] {
			continue
		}
		insts, matched := a.closure(i, s.sets[i], s.last, r)
		if next.done[i] = matched; matched {
			continue
		}
		var set []uint32
		for _, pc := range insts {
			if in := &p.Inst[pc]; in.MatchRune(r) {
				set = append(set, in.Out)
			}
		}
		set = append(set, uint32(p.Start)) // a match may begin at every letter
		slices.Sort(set)
		next.sets[i] = slices.Compact(set)
	}
	for _, g := range a.groups {
		if g.neg && !slices.ContainsFunc(g.progs, func(p int) bool { return !next.done[p] }) {
			return next, false
		}
	}
	return next, true
}

// closure follows what takes no letter between last and r (-1: the end); matched: the
// expression is found here.
func (a *automaton) closure(i int, set []uint32, last, r rune) (insts []uint32, matched bool) {
	p := a.progs[i]
	flags := syntax.EmptyOpContext(last, r)
	seen := make(map[uint32]bool, 2*len(set))
	stack := slices.Clone(set)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^flags == 0 {
				stack = append(stack, in.Out)
			}
		case syntax.InstMatch:
			return nil, true
		case syntax.InstFail:
		default:
			insts = append(insts, pc)
		}
	}
	return insts, false
}

// key tells states apart: the last letter only by what an empty width can see of it.
func (s *state) key() string {
	var b strings.Builder
	switch {
	case s.last == '\n':
		b.WriteByte('n')
	case syntax.IsWordChar(s.last):
		b.WriteByte('w')
	default:
		b.WriteByte('o')
	}
	var n [4]byte
	for i, set := range s.sets {
		if s.done[i] {
			b.WriteByte('!')
			continue
		}
		for _, pc := range set {
			binary.LittleEndian.PutUint32(n[:], pc)
			b.Write(n[:])
		}
		b.WriteByte('|')
	}
	return b.String()
}
