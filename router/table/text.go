package table

import (
	"bytes"
	"errors"
	"regexp"
	"regexp/syntax"

	"sipedge/router/data"
	"sipedge/router/directory"
	"sipedge/schema"
	"sipedge/sip"
)

// text matches a text: one of the alternatives must hold.
type text []alternative

// alternative is a string matcher: all kinds that are given must hold, of each
// kind one. Without case means ASCII letters; in a regular expression, all.
type alternative struct {
	exact    []string                // nil: any
	many     *directory.Of[struct{}] // of exact; nil: they are few
	prefix   [][]byte
	suffix   [][]byte
	contains [][]byte
	regex    *regexp.Regexp
	expr     string // of regex
	in       *data.Table
	empty    answer
	lower    bool // the texts above are in lower case
	fold     bool // what they are compared with is not yet
}

// answer is a bool that may not be said.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

// holds looks at b; f lends memory.
func (t text) holds(f *facts, b []byte) bool {
	for i := range t {
		if t[i].holds(f, b) {
			return true
		}
	}
	return false
}

// single is the one text that matches, if there is no more to it.
func (t text) single() (s string, ok bool) {
	if len(t) != 1 || t[0].fold || !t[0].isPlain() || len(t[0].exact) != 1 {
		return "", false
	}
	return t[0].exact[0], true
}

func (a *alternative) holds(f *facts, b []byte) bool {
	if a.empty != unknown && (a.empty == yes) != (len(b) == 0) {
		return false
	}
	if a.regex != nil && !a.regex.Match(b) {
		return false
	}
	if a.fold {
		f.lower = sip.AppendLower(f.lower[:0], b)
		b = f.lower
	}
	if a.exact != nil && !a.is(b) {
		return false
	}
	return some(a.prefix, b, bytes.HasPrefix) && some(a.suffix, b, bytes.HasSuffix) &&
		some(a.contains, b, bytes.Contains) && (a.in == nil || a.in.In(b, f.Now))
}

// manyTexts is from when on hashing a text beats comparing it.
const manyTexts = 8

// is reports whether b is one of the exact texts.
func (a *alternative) is(b []byte) bool {
	if a.many != nil {
		return a.many.Find(b) != nil
	}
	for _, t := range a.exact {
		if t == string(b) {
			return true
		}
	}
	return false
}

// some reports whether one of the patterns is in b, or there are none.
func some(patterns [][]byte, b []byte, in func(b, pattern []byte) bool) bool {
	for _, p := range patterns {
		if in(b, p) {
			return true
		}
	}
	return len(patterns) == 0
}

// how says how a kind of text is compared, whatever the author wrote.
type how struct {
	fold      bool                // always without case
	lower     bool                // always without case, and texts come in lower case
	canonical func([]byte) []byte // the form of exact texts; nil: as written
}

// alternative is one without texts yet, to be compared so.
func (h how) alternative(ignoreCase bool) alternative {
	ignoreCase = ignoreCase || h.fold
	return alternative{fold: ignoreCase && !h.lower, lower: ignoreCase || h.lower}
}

// text compiles a #Str. Plain texts of a list become one alternative.
func (c *compiler) text(v *schema.Value, h how) (t text) {
	var plain []string
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Map {
			t = append(t, c.alternative(v, h))
			return
		}
		plain = append(plain, v.S)
	})
	if plain != nil {
		a := h.alternative(false)
		a.setExact(plain, h)
		t = append(t, a)
	}
	return t
}

func (c *compiler) alternative(v *schema.Value, h how) alternative {
	a := h.alternative(v.Get("ignore_case").B)
	if e := v.Get("exact"); e.Kind != schema.None {
		a.setExact(texts(e), h)
	}
	a.prefix = a.patterns(v.Get("prefix"))
	a.suffix = a.patterns(v.Get("suffix"))
	a.contains = a.patterns(v.Get("contains"))
	if e := v.Get("empty"); e.Kind == schema.Bool {
		a.empty = no
		if e.B {
			a.empty = yes
		}
	}
	if t := v.Get("in"); t.Kind == schema.String {
		a.in = c.table(t)
		a.in.Sought(false)
	}
	if r := v.Get("regex"); r.Kind == schema.String {
		if a.regex = c.regex(r, a.lower); a.regex != nil {
			a.expr = a.regex.String()
		}
	}
	return a
}

func (a *alternative) setExact(list []string, h how) {
	for _, s := range list {
		b := []byte(s)
		if h.canonical != nil {
			b = h.canonical(b)
		}
		if a.lower {
			b = sip.AppendLower(nil, b)
		}
		a.exact = append(a.exact, string(b))
	}
	if len(a.exact) > manyTexts {
		d := directory.Make(a.exact, func(string) (none struct{}) { return none })
		a.many = &d
	}
}

func (a *alternative) patterns(v *schema.Value) (list [][]byte) {
	for _, s := range texts(v) {
		b := []byte(s)
		if a.lower {
			b = sip.AppendLower(nil, b)
		}
		list = append(list, b)
	}
	return list
}

func (c *compiler) regex(v *schema.Value, fold bool) *regexp.Regexp {
	expr := v.S
	if fold {
		expr = "(?i:" + expr + ")"
	}
	if re := c.regexes[expr]; re != nil {
		return re
	}
	if _, err := syntax.Parse(v.S, syntax.Perl); err != nil {
		var why *syntax.Error
		if errors.As(err, &why) {
			c.refuse(v, schema.BadRegex, "this regular expression can't be used: %s: %s",
				why.Code, why.Expr)
		}
		return nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		c.refuse(v, schema.BadRegex, "this regular expression can't be used: %v", err)
		return nil
	}
	c.regexes[expr] = re
	return re
}
