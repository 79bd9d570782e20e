package vars

import (
	"fmt"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Template is a compiled text with {field} placeholders; `{{` and `}}` are
// literal braces. It is immutable.
type Template struct {
	parts []part
}

// part is a literal or, with field set, a placeholder.
type part struct {
	literal string
	field   *Field
	arg     string
}

// Compile checks the form, the names and where they may stand: a field must
// exist in every route type of where. Positions of diagnostics point into the
// author's text. The Template is nil when there are diagnostics.
func Compile(text schema.Text, where schema.Place) (*Template, schema.Diagnostics) {
	c := compiler{text: text, where: where}
	c.run()
	if len(c.found) > 0 {
		return nil, c.found
	}
	c.flush()
	return &Template{c.parts}, nil
}

// Append writes the text for this job; unset fields write nothing. It
// allocates nothing.
func (t *Template) Append(dst []byte, j *job.Job) []byte {
	for i := range t.parts {
		if p := &t.parts[i]; p.field != nil {
			dst = p.field.Append(dst, j, p.arg)
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
	case len(t.parts) == 1 && t.parts[0].field == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

type compiler struct {
	text    schema.Text
	where   schema.Place
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
		end := strings.IndexAny(s[i+1:], "{}")
		if end < 0 || s[i+1+end] == '{' {
			c.diagnose(i, i+1, schema.BadTemplate,
				"this brace is not closed", "a literal brace is written {{")
			return
		}
		end += i + 1
		c.placeholder(i+1, end)
		i = end + 1
	}
}

// placeholder compiles what stands at from, up to the closing brace at end.
func (c *compiler) placeholder(from, end int) {
	field := c.text.S[from:end]
	if bar := strings.IndexByte(field, '|'); bar >= 0 {
		pipe := strings.TrimSpace(field[bar+1:])
		at := from + bar
		c.diagnose(at, end, schema.UnknownPipe, fmt.Sprintf("%q is not a known pipe", pipe), "")
		return
	}
	name := strings.TrimSpace(field)
	if name == "" {
		c.diagnose(from-1, end+1, schema.BadTemplate,
			"there is no field between these braces", "literal braces are written {{ and }}")
		return
	}
	from += strings.Index(field, name)
	end = from + len(name)
	f, arg, ok := Lookup(name)
	switch {
	case !ok:
		c.diagnose(from, end, schema.UnknownField,
			fmt.Sprintf("%q is not a known field%s", name, suggest(name)), "")
		return
	case !token(arg):
		c.diagnose(from, end, schema.BadHeaderName,
			fmt.Sprintf("%q is not a name a header or parameter can have", arg), "")
		return
	}
	if missing := c.where &^ schema.InSub &^ f.Where; missing != 0 {
		c.diagnose(from, end, schema.FieldNotHere, fmt.Sprintf(
			"%q cannot be used in a %s route (allowed: %s)", name, missing, f.Where), "")
		return
	}
	c.flush()
	c.parts = append(c.parts, part{field: f, arg: arg})
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

// token reports whether s has only characters of a token, RFC 3261 §25.1.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') &&
			strings.IndexByte("-.!%*_+`'~", c) < 0 {
			return false
		}
	}
	return true
}

// suggest ends the message about an unknown name; "" if nothing is near.
func suggest(name string) string {
	var known []string
	for i := range registry {
		base, open := strings.CutSuffix(registry[i].Name, "*")
		if open {
			// An open part is what the author wrote behind as many dots.
			rest := behindDots(name, strings.Count(base, "."))
			if rest == "" {
				continue
			}
			base += rest
		}
		known = append(known, base)
	}
	meant := schema.Meant(name, known)
	if h := sip.LookupHeader([]byte(name)); meant == "" && h != sip.HeaderOther {
		return "; did you mean headers." + h.String() + "?"
	}
	return meant
}

func behindDots(s string, n int) string {
	for ; n > 0; n-- {
		_, rest, ok := strings.Cut(s, ".")
		if !ok {
			return ""
		}
		s = rest
	}
	return s
}
