package dfa

import (
	"regexp/syntax"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DFA tells which of many regular expressions match a text, reading it once.
// It is the subset construction over their programs. A state is what could be
// going on in front of a rune; what it takes to pass ^, $ and \b is known when
// the rune is. Expressions that matched need not be followed any further, so
// accepting is a property of a transition.
type DFA struct {
	ascii   [utf8.RuneSelf]uint16
	from    []rune   // ascending; class[i] is that of the runes from from[i] on
	class   []uint16 // the last class is the end of the text
	classes int
	next    []int32 // by state and class
	hits    []int32 // by state and class: 1 + index into lists, 0 none
	lists   [][]uint16
}

// Max is how many expressions a DFA has at most.
const Max = 1024

// cells bounds its states by classes.
const cells = 1 << 16

// Bits are expressions by number, a bit each.
type Bits [Max / 64]uint64

// New makes one automaton of expressions in the syntax of package regexp. It is
// false when there would be too many states, or more than Max expressions.
func New(exprs []string) (*DFA, bool) {
	if len(exprs) > Max {
		return nil, false
	}
	b := builder{DFA: &DFA{}, states: map[string]int32{}}
	for i, expr := range exprs {
		re, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			return nil, false
		}
		prog, err := syntax.Compile(re.Simplify())
		if err != nil {
			return nil, false
		}
		start := uint32(len(b.insts) + prog.Start)
		base := uint32(len(b.insts))
		for _, in := range prog.Inst {
			in.Out += base
			if in.Op == syntax.InstAlt || in.Op == syntax.InstAltMatch {
				in.Arg += base
			}
			b.insts, b.of = append(b.insts, in), append(b.of, uint16(i))
		}
		b.first = append(b.first, start)
		if prog.StartCond()&syntax.EmptyBeginText == 0 {
			b.always = append(b.always, start)
		}
	}
	b.alphabet()
	b.marks = make([]int, len(b.insts))
	b.done = make([]bool, len(exprs))
	b.number(b.first, -1)
	for s := 0; s < len(b.todo); s++ {
		if len(b.todo)*(b.classes+1) > cells {
			return nil, false
		}
		for c := range b.classes + 1 {
			next, hits := b.step(b.todo[s], c)
			b.next, b.hits = append(b.next, next), append(b.hits, hits)
		}
	}
	return b.DFA, true
}

// Match sets the bit of every expression that matches. Bytes that are no
// UTF-8 are U+FFFD each, as package regexp has it.
func (d *DFA) Match(b []byte, bits *Bits) {
	width, s := d.classes+1, 0
	for i := 0; i <= len(b); {
		c := d.classes
		switch {
		case i == len(b):
			i++
		case b[i] < utf8.RuneSelf:
			c = int(d.ascii[b[i]])
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			c = d.classOf(r)
			i += n
		}
		at := s*width + c
		if h := d.hits[at]; h != 0 {
			for _, p := range d.lists[h-1] {
				bits[p/64] |= 1 << (p % 64)
			}
		}
		s = int(d.next[at])
	}
}

func (d *DFA) classOf(r rune) int {
	i := sort.Search(len(d.from), func(i int) bool { return d.from[i] > r })
	return int(d.class[i-1])
}

type builder struct {
	*DFA
	insts  []syntax.Inst
	of     []uint16 // the expression of each
	first  []uint32 // where each expression begins
	always []uint32 // of those that may begin anywhere
	sample []rune   // one of each class

	states map[string]int32
	todo   []state
	listed map[string]int32

	marks []int // closures an instruction was met in
	mark  int
	done  []bool // expressions that match in this closure
	stack []uint32
}

type state struct {
	insts []uint32
	prev  rune // one of the kind of the rune before: -1, \n, a word's, another
}

// alphabet parts the runes into classes that no instruction tells apart.
func (b *builder) alphabet() {
	cuts := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1,
		utf8.RuneSelf}
	var tests []*syntax.Inst
	for i := range b.insts {
		in := &b.insts[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1:
			tests = append(tests, in)
			if len(in.Rune) == 1 {
				cuts = append(cuts, in.Rune[0], in.Rune[0]+1)
				if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
					for r := unicode.SimpleFold(in.Rune[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
						cuts = append(cuts, r, r+1)
					}
				}
				continue
			}
			for j := 0; j+1 < len(in.Rune); j += 2 {
				cuts = append(cuts, in.Rune[j], in.Rune[j+1]+1)
			}
		}
	}
	slices.Sort(cuts)
	b.from = slices.Compact(cuts)
	byBehaviour := map[string]uint16{}
	behaviour := make([]byte, len(tests)+1)
	for _, r := range b.from {
		for i, in := range tests {
			behaviour[i] = '0'
			if in.MatchRune(r) {
				behaviour[i] = '1'
			}
		}
		behaviour[len(tests)] = byte(kind(r))
		c, ok := byBehaviour[string(behaviour)]
		if !ok {
			c = uint16(len(b.sample))
			byBehaviour[string(behaviour)] = c
			b.sample = append(b.sample, r)
		}
		b.class = append(b.class, c)
	}
	b.classes = len(b.sample)
	for r := range rune(utf8.RuneSelf) {
		b.ascii[r] = uint16(b.classOf(r))
	}
	b.sample = append(b.sample, -1)
	b.listed = map[string]int32{}
}

// kind is a rune that ^, $ and \b can't tell from r.
func kind(r rune) rune {
	switch {
	case r == '\n':
		return '\n'
	case syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}

// number is that of a state, which may be new.
func (b *builder) number(insts []uint32, prev rune) int32 {
	slices.Sort(insts)
	insts = slices.Compact(insts)
	var key strings.Builder
	key.WriteRune(prev + 1)
	for _, i := range insts {
		key.WriteString(string([]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}))
	}
	n, ok := b.states[key.String()]
	if !ok {
		n = int32(len(b.todo))
		b.states[key.String()] = n
		b.todo = append(b.todo, state{slices.Clone(insts), prev})
	}
	return n
}

// step is where a state goes with a class, and which expressions match before it.
func (b *builder) step(s state, class int) (next, hits int32) {
	r := b.sample[class]
	context := syntax.EmptyOpContext(s.prev, r)
	b.mark++
	clear(b.done)
	var out []uint32
	b.stack = append(b.stack[:0], s.insts...)
	for len(b.stack) > 0 {
		i := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if b.marks[i] == b.mark {
			continue
		}
		b.marks[i] = b.mark
		switch in := &b.insts[i]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			b.stack = append(b.stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			b.stack = append(b.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^context == 0 {
				b.stack = append(b.stack, in.Out)
			}
		case syntax.InstMatch:
			b.done[b.of[i]] = true
		case syntax.InstRuneAny, syntax.InstRuneAnyNotNL, syntax.InstRune, syntax.InstRune1:
			if r >= 0 && in.MatchRune(r) {
				out = append(out, i)
			}
		}
	}
	var list []uint16
	for p, done := range b.done {
		if done {
			list = append(list, uint16(p))
		}
	}
	if r < 0 {
		return 0, b.list(list)
	}
	n := 0
	for _, i := range out {
		if !b.done[b.of[i]] {
			out[n] = b.insts[i].Out
			n++
		}
	}
	return b.number(append(out[:n], b.always...), kind(r)), b.list(list)
}

// list is the number of a list of expressions, from 1; 0 is the empty one.
func (b *builder) list(list []uint16) int32 {
	if len(list) == 0 {
		return 0
	}
	key := string(fmtList(list))
	n, ok := b.listed[key]
	if !ok {
		b.lists = append(b.lists, list)
		n = int32(len(b.lists))
		b.listed[key] = n
	}
	return n
}

func fmtList(list []uint16) (key []byte) {
	for _, p := range list {
		key = append(key, byte(p), byte(p>>8))
	}
	return key
}
