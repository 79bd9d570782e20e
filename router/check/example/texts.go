package example

import (
	"regexp"
	"slices"
	"strings"
)

// domain is which texts can stand somewhere: expr says all of them.
type domain struct {
	expr  string
	re    *regexp.Regexp
	likes []string // tried first
}

func newDomain(expr string, likes ...string) *domain {
	return &domain{expr, regexp.MustCompile(expr), likes}
}

// Where texts stand. Texts are as they are compared: unescaped, hosts in lower case.
var (
	anyUser = newDomain(`(?s)^[^\x00]*$`, "bob", "", "carol", "1000")
	telUser = newDomain(`^\+?[0-9*#a-dA-D]+$`, "+12025550123", "112")
	hosts   = newDomain(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?$`+
		`|^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$|^([0-9]{1,3}\.){3}[0-9]{1,3}$`,
		"example.org", "example.com", "sip.example.org")
	values   = newDomain(`(?s)^[^\x00]*$`, "x", "y", "")
	fields   = newDomain(`^$|^[!-~]([ -~]*[!-~])?$`, "x", "y", "")
	elements = newDomain(`^[!#-+\--;=?-~]([ !#-+\--;=?-~]*[!#-+\--;=?-~])?$`, "x", "y")
)

// pick finds a text of a domain for which all the literals hold.
//
//  1. What is liked, and what is put together from the texts the literals name.
//  2. When a literal names all that can be, there is no other.
//  3. The automaton decides the rest.
func pick(e *effort, d *domain, lits []Lit) (string, answer) {
	good := func(s string) bool {
		return d.re.MatchString(s) && holdAll(lits, s)
	}
	if s, ok := first(d.likes, good); ok {
		return s, found
	}
	closed := false
	for _, l := range lits {
		if p := l.Text; !l.Neg {
			if s, ok := p.try(good); ok {
				return s, found
			}
			closed = closed || p.exact != nil && !p.fold
		}
	}
	if closed {
		return "", Nothing
	}
	all := []language{{exprs: []string{d.expr}}}
	var not pattern // all texts forbidden one by one
	for _, l := range lits {
		if p := l.Text; l.Neg && p.single() {
			not.exact = append(not.exact, p.exact...)
			continue
		}
		all = append(all, language{l.Text.exprs(), l.Neg})
	}
	if not.exact != nil {
		all = append(all, language{not.exprs(), true})
	}
	if !e.spend(int64(4*len(not.exact) + 16*len(all))) {
		return "", Unsure
	}
	s, a := shortest(e, all)
	if a == found && !good(s) {
		return "", Unsure
	}
	return s, a
}

// single reports whether a pattern is exact texts, as written, and no more.
func (p *pattern) single() bool {
	return p.exact != nil && !p.fold && p.prefix == nil && p.suffix == nil &&
		p.contains == nil && p.regex == nil && p.empty == nil
}

func holdAll(lits []Lit, s string) bool {
	for i := range lits {
		if lits[i].Text.Holds(s) == lits[i].Neg {
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
func (p *pattern) try(good func(string) bool) (string, bool) {
	if p.exact != nil {
		return first(p.exact, good)
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

// exprs are regular expressions that are all found in just the texts the pattern takes.
func (p *pattern) exprs() (list []string) {
	add := func(before string, texts []string, after string) {
		if texts == nil {
			return
		}
		quoted := make([]string, len(texts))
		for i, t := range texts {
			quoted[i] = p.quote(t)
		}
		list = append(list, `(?s)`+before+`(?:`+strings.Join(quoted, "|")+`)`+after)
	}
	add(`\A`, p.exact, `\z`)
	add(`\A`, p.prefix, ``)
	add(``, p.suffix, `\z`)
	add(``, p.contains, ``)
	if p.regex != nil {
		list = append(list, p.expr)
	}
	switch {
	case p.empty != nil && *p.empty:
		list = append(list, `\A\z`)
	case p.empty != nil:
		list = append(list, `(?s).`)
	}
	return list
}

// quote is an expression for a text; without case, ASCII letters only.
func (p *pattern) quote(t string) string {
	if !p.fold {
		return regexp.QuoteMeta(t)
	}
	var b strings.Builder
	for _, r := range t {
		if r >= 'a' && r <= 'z' {
			b.WriteString("[" + string(r) + string(r-32) + "]")
			continue
		}
		b.WriteString(regexp.QuoteMeta(string(r)))
	}
	return b.String()
}
