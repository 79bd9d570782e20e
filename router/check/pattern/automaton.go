package pattern

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"

	"sipedge/sip"
)

// language is a set of texts: what some regular expressions are all found in, or not all.
type language struct {
	exprs []string
	neg   bool
	in    *Affix // nil: they are looked for in the text as it is
}

// Answer of a search.
type Answer uint8

const (
	Found   Answer = iota
	Nothing        // there is none
	Unsure         // the search gave up
)

// maxStates is how far the product of automata is followed.
const maxStates = 4000

// shortest finds a text in all of the languages: a search, breadth first, through the product
// of their automata, which are made deterministic on the way.
func shortest(e *Effort, languages []language) (string, Answer) {
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
			a.progs, a.in = append(a.progs, prog), append(a.in, l.in)
			a.first = append(a.first, prog.StartCond()&syntax.EmptyBeginText != 0)
		}
		a.groups = append(a.groups, g)
	}
	a.letters()
	return a.search(e)
}

type automaton struct {
	progs  []*syntax.Prog
	in     []*Affix // of each prog, or nil
	first  []bool   // it is found at the beginning, or not at all
	groups []group
	runes  []rune // one of each class of letters that no expression tells apart
}

type group struct {
	progs []int
	neg   bool
}

// state is where every expression stands in a text.
type state struct {
	tapes []tape
	from  int // state before, by index
	taken rune
}

// tape is where one expression stands.
type tape struct {
	set  []uint32 // instructions, before the empty-width ones are followed
	done bool     // found already, whatever comes
	last rune     // before; -1: at the beginning
	skip int      // bytes to leave out yet
	held string   // may be the end, which is left out
	read string   // of an escape
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
	if slices.ContainsFunc(a.in, func(in *Affix) bool { return in != nil && in.decode }) {
		for _, r := range "%0123456789ABCDEFabcdef" {
			cuts = append(cuts, r, r+1)
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

func (a *automaton) search(e *Effort) (string, Answer) {
	first := state{tapes: make([]tape, len(a.progs)), from: -1}
	for i, p := range a.progs {
		t := tape{set: []uint32{uint32(p.Start)}, last: -1}
		if in := a.in[i]; in != nil {
			for _, r := range in.Pre {
				a.read(i, &t, r)
			}
			t.skip = in.Skip
		}
		first.tapes[i] = t
	}
	states := []state{first}
	seen := map[string]bool{}
	for at := 0; at < len(states); at++ {
		if a.accepts(&states[at]) {
			return text(states, at), Found
		}
		if len(states) > maxStates || !e.Spend(len(a.progs)*len(a.runes)) {
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
		t := s.tapes[i]
		if in := a.in[i]; in != nil {
			if !t.begun(in) {
				continue
			}
			for _, r := range in.Post {
				a.read(i, &t, r)
			}
		}
		if done[i] = t.done; !t.done {
			_, done[i] = a.closure(i, t.set, t.last, -1)
		}
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

// begun reports whether the text has all that is left out of it, and its escapes have ended.
func (t *tape) begun(in *Affix) bool {
	return t.skip == 0 && len(t.held) == in.Cut && t.read == ""
}

// step reads a letter; ok false: nothing good can come of it.
func (a *automaton) step(s *state, r rune) (next state, ok bool) {
	next = state{tapes: slices.Clone(s.tapes)}
	for i := range next.tapes {
		t := &next.tapes[i]
		if a.in[i] == nil {
			a.read(i, t, r)
		} else if r, ok := t.decode(r, a.in[i]); ok {
			a.feed(i, t, r)
		}
	}
	for _, g := range a.groups {
		if !g.neg && slices.ContainsFunc(g.progs, func(p int) bool {
			t := &next.tapes[p]
			return !t.done && len(t.set) == 0 // it can't be found any more
		}) {
			return next, false
		}
		if g.neg && !slices.ContainsFunc(g.progs, func(p int) bool {
			t, in := &next.tapes[p], a.in[p]
			return !t.done || in != nil && !t.begun(in)
		}) {
			return next, false
		}
	}
	return next, true
}

// decode reads an escape, of ASCII; ok false: it goes on.
func (t *tape) decode(r rune, in *Affix) (rune, bool) {
	if !in.decode || t.read == "" && r != '%' {
		return r, true
	}
	if t.read += string(r); len(t.read) < len("%41") {
		return r, false
	}
	b := sip.AppendUnescaped(nil, []byte(t.read))
	t.read = ""
	return rune(b[0]), true
}

// feed moves an expression over a letter, unless it is one of those left out.
func (a *automaton) feed(i int, t *tape, r rune) {
	cut := a.in[i].Cut
	switch {
	case t.skip > 0:
		t.skip = max(0, t.skip-utf8.RuneLen(r))
	case cut > 0:
		t.held += string(r)
		for len(t.held) > cut {
			out, n := utf8.DecodeRuneInString(t.held)
			t.held = t.held[n:]
			a.read(i, t, out)
		}
	default:
		a.read(i, t, r)
	}
}

// read moves an expression over a letter.
func (a *automaton) read(i int, t *tape, r rune) {
	if t.done {
		return
	}
	insts, matched := a.closure(i, t.set, t.last, r)
	t.last = r
	if t.done, t.set = matched, nil; matched {
		return
	}
	p := a.progs[i]
	var set []uint32
	for _, pc := range insts {
		if in := &p.Inst[pc]; in.MatchRune(r) {
			set = append(set, in.Out)
		}
	}
	if !a.first[i] {
		set = append(set, uint32(p.Start)) // a match may begin at every letter
	}
	slices.Sort(set)
	t.set = slices.Compact(set)
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
	var b []byte
	for i := range s.tapes {
		t := &s.tapes[i]
		if t.skip > 0 {
			b = binary.AppendUvarint(append(b, 's'), uint64(t.skip))
		}
		if t.held+t.read != "" {
			b = append(append(append(b, 'h'), t.held...), 0)
			b = append(append(b, t.read...), 0)
		}
		switch {
		case t.done:
			b = append(b, '!')
			continue
		case t.last < 0:
			b = append(b, 'b')
		case t.last == '\n':
			b = append(b, 'n')
		case syntax.IsWordChar(t.last):
			b = append(b, 'w')
		default:
			b = append(b, 'o')
		}
		for _, pc := range t.set {
			b = binary.LittleEndian.AppendUint32(b, pc)
		}
		b = append(b, '|')
	}
	return string(b)
}
