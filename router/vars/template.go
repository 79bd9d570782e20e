package vars

import (
	"fmt"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
)

// Template is a compiled text with {field | pipe} placeholders; `{{` and `}}`
// are literal braces. It is immutable.
type Template struct {
	parts []part
}

// part is a literal or, with expr set, a placeholder.
type part struct {
	literal string
	expr    *expr
}

// Compile is Scope.Compile of a policy without variables.
func Compile(text schema.Text, where schema.Place) (*Template, schema.Diagnostics) {
	return (*Scope)(nil).Compile(text, where)
}

// Compile checks the form, the names, pipes and types, and where fields may
// stand: one must exist in every route type of where. Positions of diagnostics
// point into the author's text. The Template is nil when there are diagnostics.
func (s *Scope) Compile(text schema.Text, where schema.Place) (*Template, schema.Diagnostics) {
	c := compiler{text: text, where: where, scope: s}
	c.run()
	if len(c.found) > 0 {
		return nil, c.found
	}
	c.flush()
	return &Template{c.parts}, nil
}

// Append writes the text for this job; unset fields write nothing. It
// allocates nothing but what the pipes do that say so.
func (t *Template) Append(dst []byte, j *job.Job) []byte {
	for i := range t.parts {
		if p := &t.parts[i]; p.expr != nil {
			dst = p.expr.append(dst, j)
		} else {
			dst = append(dst, p.literal...)
		}
	}
	return dst
}

// Literal returns the text of a template without placeholders.
func (t *Template) Literal() (text string, ok bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].expr == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

// Type is that of the only placeholder; a template that is more, or less, than
// one is a String.
func (t *Template) Type() Type {
	if len(t.parts) == 1 && t.parts[0].expr != nil {
		return t.parts[0].expr.typ
	}
	return String
}

type compiler struct {
	text    schema.Text
	where   schema.Place
	scope   *Scope
	literal strings.Builder
	parts   []part
	found   schema.Diagnostics
}

func (c *compiler) run() {
	s := c.text.S
	for i := 0; i < len(s); {
		n := strings.IndexAny(s[i:], "{}")
		if n < 0 {
			n = len(s) - i
		}
		c.literal.WriteString(s[i : i+n])
		if i += n; i == len(s) {
			return
		}
		if i+1 < len(s) && s[i+1] == s[i] {
			c.literal.WriteByte(s[i])
			i += 2
			continue
		}
		if s[i] == '}' {
			c.diagnose(i, i+1, schema.BadTemplate,
				"this brace closes nothing", "a literal brace is written }}")
			i++
			continue
		}
		end := c.closing(i)
		if end < 0 {
			return
		}
		c.placeholder(i+1, end)
		i = end + 1
	}
}

// closing finds the brace that closes the one at open: behind a bar, braces in
// quotes are text. It is negative when there is none.
func (c *compiler) closing(open int) int {
	piped := false
	var quote byte
	var from int // of the quote
	for i := open + 1; i < len(c.text.S); i++ {
		switch b := c.text.S[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '|':
			piped = true
		case piped && (b == '"' || b == '\''):
			quote, from = b, i
		case b == '}':
			return i
		case b == '{':
			i = len(c.text.S)
		}
	}
	if quote != 0 {
		c.diagnose(from, from+1, schema.BadTemplate, "this quote is not closed", "")
		return -1
	}
	c.diagnose(open, open+1, schema.BadTemplate,
		"this brace is not closed", "a literal brace is written {{")
	return -1
}

// placeholder compiles what stands at from, up to the closing brace at end.
func (c *compiler) placeholder(from, end int) {
	pieces := c.pieces(from, end)
	v := c.source(pieces[0])
	if v == nil {
		return
	}
	for _, p := range pieces[1:] {
		if !c.pipe(v, p) {
			return
		}
	}
	c.flush()
	c.parts = append(c.parts, part{expr: v})
}

// span is a part of the text without the spaces around it.
type span struct{ from, to int }

func (c *compiler) in(s span) string { return c.text.S[s.from:s.to] }

func (c *compiler) trim(s span) span {
	for s.from < s.to && isSpace(c.text.S[s.from]) {
		s.from++
	}
	for s.from < s.to && isSpace(c.text.S[s.to-1]) {
		s.to--
	}
	return s
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// pieces splits at bars outside of quotes: the field, then the pipes.
func (c *compiler) pieces(from, end int) (list []span) {
	return c.split(span{from, end}, '|', 1)
}

// split splits at a byte outside of quotes; quotes count behind so many parts.
func (c *compiler) split(s span, at byte, behind int) (list []span) {
	var quote byte
	start := s.from
	for i := s.from; i < s.to; i++ {
		switch b := c.text.S[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case (b == '"' || b == '\'') && len(list) >= behind:
			quote = b
		case b == at:
			list = append(list, c.trim(span{start, i}))
			start = i + 1
		}
	}
	return append(list, c.trim(span{start, s.to}))
}

// source compiles the field of a placeholder; nil: it is told what is wrong.
func (c *compiler) source(at span) *expr {
	name := c.in(at)
	if name == "" {
		for at.from > 0 && c.text.S[at.from-1] != '{' {
			at.from--
		}
		for at.to < len(c.text.S) && c.text.S[at.to] != '}' && c.text.S[at.to] != '|' {
			at.to++
		}
		c.diagnose(at.from-1, min(at.to+1, len(c.text.S)), schema.BadTemplate,
			"there is no field between these braces", "literal braces are written {{ and }}")
		return nil
	}
	base, depth, ok := index(name)
	if !ok {
		c.diagnose(at.from, at.to, schema.BadTemplate,
			fmt.Sprintf("%q has no number between its brackets", name), "")
		return nil
	}
	if isVariable(base) {
		v, found := c.scope.Find(schema.Text{S: base})
		if v == nil {
			c.diagnose(at.from, at.from+len(base), found[0].Code, found[0].Message, found[0].Hint)
			return nil
		}
		if depth < 0 {
			c.diagnose(at.from, at.to, schema.BadTemplate,
				"values of a variable are counted from the newest, which is 0", "")
			return nil
		}
		return &expr{field: v.field(depth), typ: v.Type}
	}
	f := c.field(at, base)
	if f == nil {
		return nil
	}
	v := &expr{field: f.Field, arg: f.arg, typ: f.Type}
	if base == name {
		return v
	}
	if f.At == nil {
		c.diagnose(at.from, at.to, schema.BadTemplate,
			fmt.Sprintf("%q has one value only", base), "")
		return nil
	}
	nth := *f.Field
	nth.Append = func(dst []byte, j *job.Job, arg string) []byte { return f.At(dst, j, arg, depth) }
	v.field = &nth
	return v
}

// named is a field with what stands for its "*".
type named struct {
	*Field
	arg string
}

// field finds a field of a message; nil: it is told what is wrong.
func (c *compiler) field(at span, name string) *named {
	to := at.from + len(name)
	f, arg, ok := Lookup(name)
	switch {
	case !ok:
		c.diagnose(at.from, at.to, schema.UnknownField,
			fmt.Sprintf("%q is not a known field%s", name, suggest(name)), "")
		return nil
	case !Token(arg):
		c.diagnose(at.from, to, schema.BadHeaderName,
			fmt.Sprintf("%q is not a name a header or parameter can have", arg), "")
		return nil
	}
	if missing := c.where &^ schema.InSub &^ f.Where; missing != 0 {
		article := "a"
		if strings.HasPrefix(missing.String(), "error") {
			article = "an"
		}
		c.diagnose(at.from, to, schema.FieldNotHere, fmt.Sprintf(
			"%q cannot be used in %s %s route (allowed: %s)", name, article, missing, f.Where), "")
		return nil
	}
	return &named{f, arg}
}

func (c *compiler) flush() {
	if c.literal.Len() > 0 {
		c.parts = append(c.parts, part{literal: c.literal.String()})
		c.literal.Reset()
	}
}

// diagnose marks the text from one offset up to another. Behind a line end
// the place in the file is not known: a block may be indented.
func (c *compiler) diagnose(from, to int, code schema.Code, message, hint string) {
	d := schema.Diagnostic{Pos: c.text.Pos, Code: code, Message: message, Hint: hint}
	if !strings.Contains(c.text.S[:to], "\n") {
		d.Pos.Col += from
		d.End = d.Pos.Col + to - from
	}
	c.found = append(c.found, d)
}
