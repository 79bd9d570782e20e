package pattern

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Domain is which texts can stand somewhere.
type Domain struct {
	expr  string
	re    *regexp.Regexp
	likes []string // tried first
}

// NewDomain is the texts that an expression says; likes are preferred.
func NewDomain(expr string, likes ...string) *Domain {
	return &Domain{expr, regexp.MustCompile(expr), likes}
}

// Liking is the domain with other preferences.
func (d *Domain) Liking(likes ...string) *Domain { return &Domain{d.expr, d.re, likes} }

// Has reports whether a text is of the domain.
func (d *Domain) Has(s string) bool { return d.re.MatchString(s) }

// Effort is the work that searches may take together, and what they found. It is safe for
// concurrent use.
type Effort struct {
	left  atomic.Int64
	found sync.Map // of the key of languages: result
	kept  atomic.Int64
}

type result struct {
	text string
	a    Answer
}

// maxKept is how many results are kept.
const maxKept = 10_000

// maxEffort is in states of automata and the like: about a second and a half.
const maxEffort = 1_000_000

// NewEffort allows for so much work.
func NewEffort() *Effort {
	e := new(Effort)
	e.left.Store(maxEffort)
	return e
}

// Spend takes from what is allowed; false: it is used up.
func (e *Effort) Spend(n int) bool { return e.left.Add(-int64(n)) > 0 }

// Pick finds a text of a domain for which all the literals hold.
//
//  1. What is liked, and what is put together from the texts the literals name.
//  2. When a literal names all that can be, there is no other.
//  3. The automaton decides the rest.
func Pick(e *Effort, d *Domain, lits []Lit) (string, Answer) {
	good := func(s string) bool { return d.Has(s) && HoldAll(lits, s) }
	if s, ok := first(d.likes, good); ok {
		return s, Found
	}
	closed := false
	for _, l := range lits {
		if p := l.Pattern; !l.Neg {
			if s, ok := p.try(good); ok {
				return s, Found
			}
			closed = closed || p.of == nil && p.exact != nil && !p.fold
		}
	}
	if closed {
		return "", Nothing
	}
	all := []language{{exprs: []string{d.expr}}}
	var not Pattern // all texts forbidden one by one
	for _, l := range lits {
		p := l.Pattern
		switch {
		case l.Neg && p.single():
			not.exact = append(not.exact, p.exact...)
		case p.of != nil:
			all = append(all, language{p.of.exprs(), l.Neg, p.in})
		default:
			all = append(all, language{p.exprs(), l.Neg, nil})
		}
	}
	if not.exact != nil {
		all = append(all, language{exprs: not.exprs(), neg: true})
	}
	if !e.Spend(4*len(not.exact) + len(all)) {
		return "", Unsure
	}
	s, a := e.shortest(all)
	if a == Found && !good(s) {
		return "", Unsure
	}
	return s, a
}

// shortest finds a text in all of the languages, which may have been asked for before.
func (e *Effort) shortest(all []language) (string, Answer) {
	var key strings.Builder
	for _, l := range all {
		fmt.Fprintf(&key, "%t %q", l.neg, l.exprs)
		if l.in != nil {
			fmt.Fprintf(&key, "%q %q %d %d %t", l.in.Pre, l.in.Post, l.in.Skip, l.in.Cut, l.in.decode)
		}
	}
	if r, ok := e.found.Load(key.String()); ok {
		return r.(result).text, r.(result).a
	}
	s, a := shortest(e, all)
	if a != Unsure && e.kept.Add(1) < maxKept {
		e.found.Store(key.String(), result{s, a})
	}
	return s, a
}

// HoldAll reports whether all literals hold for a text.
func HoldAll(lits []Lit, s string) bool {
	for i := range lits {
		if lits[i].Holds(s) == lits[i].Neg {
			return false
		}
	}
	return true
}

func first(list []string, good func(string) bool) (string, bool) {
	if i := slices.IndexFunc(list, good); i >= 0 {
		return list[i], true
	}
	return "", false
}

// middles are put between a beginning and an end.
var middles = []string{"", "1", "0", "7", "bob", "2025550123", "x", "z9", "example"}

// try puts texts together that the pattern probably takes.
func (p *Pattern) try(good func(string) bool) (string, bool) {
	if in := p.in; p.of != nil {
		var whole string
		_, ok := p.of.try(func(s string) bool {
			s, pre := strings.CutPrefix(s, in.Pre)
			s, post := strings.CutSuffix(s, in.Post)
			whole = strings.Repeat("0", in.Skip) + s + strings.Repeat("0", in.Cut)
			return pre && post && good(whole)
		})
		return whole, ok
	}
	if p.exact != nil {
		return first(p.exact, good)
	}
	if p.keys != nil {
		if s, ok := p.keys.try(good); ok {
			return s, true
		}
	}
	const most = 64 // of each kind: the automaton finds the others
	begin, end, part := []string{""}, []string{""}, []string{""}
	if p.prefix != nil {
		begin = p.prefix[:min(most, len(p.prefix))]
	}
	if p.suffix != nil {
		end = p.suffix[:min(most, len(p.suffix))]
	}
	if p.contains != nil {
		part = p.contains[:min(most, len(p.contains))]
	}
	if len(begin)*len(end)*len(part) > 4*most {
		begin, end, part = begin[:1], end[:1], part[:1]
	}
	for _, b := range begin {
		for _, e := range end {
			for _, c := range part {
				for _, m := range middles {
					if s := b + m + c + e; good(s) {
						return s, true
					}
				}
			}
		}
	}
	return "", false
}
