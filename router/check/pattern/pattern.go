package pattern

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/schema"
	"sipedge/sip"
)

// Pattern is a string matcher: all kinds that are given must hold, of each kind one. It is
// immutable.
type Pattern struct {
	exact, prefix, suffix, contains []string
	regex                           *regexp.Regexp
	expr                            string // of regex
	empty                           *bool
	fold                            bool     // compared in lower case, in which the texts are
	keys                            *Pattern // the rows of a table; nil: none is asked

	of *Pattern // it holds for what in makes of a text; nil: the above
	in *Affix
}

// Affix makes a text of another: what is left of it stands between two others.
type Affix struct {
	Pre, Post string
	Skip, Cut int // bytes left out at the beginning and at the end

	decode bool // escapes in the text are read first
}

// Lit is a pattern or its opposite.
type Lit struct {
	*Pattern
	Neg bool
}

// Exact is the pattern of some texts.
func Exact(texts ...string) *Pattern { return &Pattern{exact: append([]string{}, texts...)} }

// Begins is the pattern of texts that begin so.
func Begins(text string) *Pattern { return &Pattern{prefix: []string{text}} }

// Contains is the pattern of texts that contain a text.
func Contains(text string) *Pattern { return &Pattern{contains: []string{text}} }

// Numeric is the pattern of IPv4 addresses.
func Numeric() *Pattern {
	re := regexp.MustCompile(`\A[0-9.]+\z`)
	return &Pattern{regex: re, expr: re.String()}
}

// Phone is the pattern of what stands in a tel URI, RFC 3966.
func Phone() *Pattern {
	re := regexp.MustCompile(`\A[0-9a-fA-F+*#().-]+\z`)
	return &Pattern{regex: re, expr: re.String()}
}

// Parts of the URIs that a request can be sent to, of the plain ones.
const (
	hopUser = `\Asips?:([a-z0-9]+@)?`
	hopName = `[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)+`
	hopPort = `(:[1-9][0-9]{0,3})?`
)

// Hop is the pattern of URIs of which a request can be sent to the host.
func Hop() *Pattern {
	re := regexp.MustCompile(hopUser + hopName + hopPort + `(;[a-z0-9=;-]+)?\z`)
	return &Pattern{regex: re, expr: re.String()}
}

// MAddr is the pattern of those of which it is sent to the maddr instead, RFC 3263 §4.
func MAddr() *Pattern {
	re := regexp.MustCompile(hopUser + `[a-z0-9.-]+` + hopPort + `;([a-z0-9=-]+;)*maddr=` + hopName +
		`\z`)
	return &Pattern{regex: re, expr: re.String()}
}

// Filled is the pattern of texts that are not empty.
func Filled() *Pattern { return &Pattern{empty: new(bool)} }

// Shorter is the pattern of texts of n letters at most.
func Shorter(n int) *Pattern {
	re := regexp.MustCompile(`(?s)\A.{0,` + strconv.Itoa(n) + `}\z`)
	return &Pattern{regex: re, expr: re.String()}
}

// Within holds for a text when p holds for what in makes of it; when there is less of the
// text than is left out, it does not. ok false: that can't be said.
func (p *Pattern) Within(in Affix) (q *Pattern, ok bool) {
	if p.of == nil {
		return &Pattern{of: p, in: &in}, true
	}
	a := *p.in // of what in makes, a makes what p.of looks at
	if a.Skip > len(in.Pre) && in.Post != "" || a.Cut > len(in.Post) && in.Pre != "" {
		return nil, false // of a short text, what is put behind it would be left out
	}
	a.Pre += in.Pre[min(a.Skip, len(in.Pre)):]
	a.Post = in.Post[:max(0, len(in.Post)-a.Cut)] + a.Post
	a.Skip, a.Cut = in.Skip+max(0, a.Skip-len(in.Pre)), in.Cut+max(0, a.Cut-len(in.Post))
	return &Pattern{of: p.of, in: &a}, true
}

// Unescaped holds for a text with escapes, RFC 3986 §2.1, when p holds for what it stands for.
// It is to be asked of texts whose escapes are whole.
func (p *Pattern) Unescaped() *Pattern {
	if p.of == nil {
		return &Pattern{of: p, in: &Affix{decode: true}}
	}
	in := *p.in
	in.decode = true
	return &Pattern{of: p.of, in: &in}
}

// Holds reports whether the pattern holds for a text.
func (p *Pattern) Holds(s string) bool {
	if p.of != nil {
		if p.in.decode {
			s = string(sip.AppendUnescaped(nil, []byte(s)))
		}
		if len(s) < p.in.Skip+p.in.Cut {
			return false
		}
		return p.of.Holds(p.in.Pre + s[p.in.Skip:len(s)-p.in.Cut] + p.in.Post)
	}
	if p.empty != nil && *p.empty != (s == "") || p.regex != nil && !p.regex.MatchString(s) ||
		p.keys != nil && !p.keys.Holds(s) {
		return false
	}
	if p.fold {
		s = Lower(s)
	}
	return (p.exact == nil || slices.Contains(p.exact, s)) && some(p.prefix, s, strings.HasPrefix) &&
		some(p.suffix, s, strings.HasSuffix) && some(p.contains, s, strings.Contains)
}

func some(texts []string, s string, in func(s, text string) bool) bool {
	return len(texts) == 0 ||
		slices.ContainsFunc(texts, func(text string) bool { return in(s, text) })
}

// Lower is s with its ASCII letters in lower case.
func Lower(s string) string { return string(sip.AppendLower(nil, []byte(s))) }

// Rows are the keys of a table by name: whole texts, or beginnings; ok false: they are not known.
type Rows func(table string) (keys []string, prefixes, ok bool)

// Read reads a #Str: one of the patterns must hold. fold compares without case; canonical is
// the form of exact texts, nil: as written. ok false: it asks a table that rows doesn't know.
func Read(v *schema.Value, fold bool, canonical func(string) string, rows Rows) (
	list []*Pattern, ok bool,
) {
	var plain []string
	ok = true
	v.Each(func(v *schema.Value) {
		if v.Kind != schema.Map {
			plain = append(plain, v.S)
			return
		}
		p := &Pattern{fold: fold || v.Get("ignore_case").B}
		p.exact = p.texts(v.Get("exact"), canonical)
		p.prefix = p.texts(v.Get("prefix"), nil)
		p.suffix = p.texts(v.Get("suffix"), nil)
		p.contains = p.texts(v.Get("contains"), nil)
		if e := v.Get("empty"); e.Kind == schema.Bool {
			p.empty = &e.B
		}
		if r := v.Get("regex"); r.Kind == schema.String {
			if p.expr = r.S; p.fold {
				p.expr = "(?i:" + r.S + ")"
			}
			re, err := regexp.Compile(p.expr)
			p.regex, ok = re, ok && err == nil
		}
		if in := v.Get("in"); in.Kind == schema.String {
			ok = p.look(in.S, rows) && ok
		}
		list = append(list, p)
	})
	if plain != nil {
		p := &Pattern{fold: fold}
		for _, s := range plain {
			p.exact = append(p.exact, p.text(s, canonical))
		}
		list = append(list, p)
	}
	return list, ok
}

// look takes the rows of a table; without case texts are looked up in lower case.
func (p *Pattern) look(table string, rows Rows) bool {
	keys, prefixes, ok := rows(table)
	if p.fold {
		keys = slices.DeleteFunc(keys, func(k string) bool { return Lower(k) != k })
	}
	p.keys = &Pattern{exact: keys, fold: p.fold}
	if prefixes {
		p.keys = &Pattern{prefix: keys, fold: p.fold}
	}
	if len(keys) == 0 {
		p.keys = &Pattern{exact: []string{}}
	}
	return ok
}

func (p *Pattern) texts(v *schema.Value, canonical func(string) string) (list []string) {
	v.Each(func(v *schema.Value) { list = append(list, p.text(v.S, canonical)) })
	return list
}

func (p *Pattern) text(s string, canonical func(string) string) string {
	if canonical != nil {
		s = canonical(s)
	}
	if p.fold {
		s = Lower(s)
	}
	return s
}

// single reports whether a pattern is exact texts, as written, and no more.
func (p *Pattern) single() bool {
	return p.of == nil && p.exact != nil && !p.fold && p.prefix == nil && p.suffix == nil &&
		p.contains == nil && p.regex == nil && p.empty == nil && p.keys == nil
}

const nothing = `[^\x00-\x{10FFFF}]`

// exprs are regular expressions that are all found in just the texts the pattern takes.
func (p *Pattern) exprs() (list []string) {
	add := func(before string, texts []string, after string) {
		if texts == nil {
			return
		}
		if len(texts) == 0 {
			list = append(list, nothing)
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
	if p.keys != nil {
		list = append(list, p.keys.exprs()...)
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
func (p *Pattern) quote(t string) string {
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
