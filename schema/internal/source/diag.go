package source

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity of a diagnostic.
type Severity uint8

const (
	Error Severity = iota
	Warning
)

// Diagnostic is one mistake, told once.
type Diagnostic struct {
	Pos      Pos
	End      int // column behind the marked text, same line; 0: one character
	Severity Severity
	Code     Code
	Message  string
	Hint     string // at most one; "" none

	Quiet bool // the source line holds a secret
}

// Code is a stable number: 1004 prints as SE1004. Codes are never reused.
// Ranges: 1xxx reading and shape, 2xxx listeners and services, 3xxx routes,
// 4xxx values, templates and fields.
type Code int

// Diagnostics in the order of their places.
type Diagnostics []Diagnostic

// HasErrors reports whether one of them is an Error.
func (d Diagnostics) HasErrors() bool {
	for i := range d {
		if d[i].Severity == Error {
			return true
		}
	}
	return false
}

// Files are the author's files by name, for the quoted line.
type Files map[string][]byte

func (c Code) String() string { return fmt.Sprintf("SE%04d", int(c)) }

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// String is "file:line:col".
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// String is the diagnostic in one line, without source and hint.
func (d Diagnostic) String() string {
	return fmt.Sprintf("%s: %s %s: %s", d.Pos, d.Severity, d.Code, d.Message)
}

// MarshalJSON gives file, line, column, end_column (0 unknown), severity,
// code, message and hint.
func (d Diagnostic) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		End      int    `json:"end_column,omitempty"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
	}{
		d.Pos.File, d.Pos.Line, d.Pos.Col, d.End,
		d.Severity.String(), d.Code.String(), d.Message, d.Hint,
	})
}

// Sort orders by place: file, line, column.
func (d Diagnostics) Sort() {
	slices.SortStableFunc(d, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
}

// Sorted sorts and drops what is told twice: a comprehension or an alias gives
// the same place several times.
func (d Diagnostics) Sorted() Diagnostics {
	d.Sort()
	return slices.CompactFunc(d, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Message == b.Message
	})
}

// Text is what a person reads: each diagnostic with its source line, the
// marked text and the hint.
//
//	edge.yaml:17:24: error SE1004: "REGISTRE" is not a known method; did you mean REGISTER?
//	   17 |       match: {method: [REGISTRE]}
//	      |                        ^^^^^^^^
func (d Diagnostics) Text(src Files) string {
	var b strings.Builder
	for i := range d {
		b.WriteString(d[i].String() + "\n")
		if !d[i].Quiet {
			d[i].quote(&b, src)
		}
		if d[i].Hint != "" {
			b.WriteString("   " + d[i].Hint + "\n")
		}
	}
	return b.String()
}

// secretLine is a line that is never quoted.
var secretLine = regexp.MustCompile(`\b(secrets|route_key|tag_key)\b`)

const maxQuoted = 160 // bytes of a source line

// quote writes the source line and marks its text.
func (d *Diagnostic) quote(b *strings.Builder, src Files) {
	line, ok := src.line(d.Pos)
	if !ok || secretLine.MatchString(line) {
		return
	}
	from := min(d.Pos.Col-1, len(line))
	to := min(max(d.End-1, from+1), len(line))
	if len(line) > maxQuoted {
		cut := max(from-maxQuoted/4, 0)
		if cut > 0 {
			line, from, to = "…"+line[cut:], from-cut+len("…"), to-cut+len("…")
		}
		if len(line) > maxQuoted {
			line = line[:maxQuoted] + "…"
			to = min(to, maxQuoted)
		}
	}
	line = strings.ToValidUTF8(line, "?")
	from, to = min(from, len(line)), min(to, len(line))
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:from])
	carets := max(utf8.RuneCountInString(line[from:max(from, to)]), 1)
	fmt.Fprintf(b, "%5d | %s\n      | %s%s\n", d.Pos.Line, line, pad, strings.Repeat("^", carets))
}

// line is the line of a place, without its end.
func (s Files) line(p Pos) (string, bool) {
	text, ok := s[p.File]
	if !ok {
		return "", false
	}
	for n := 1; n < p.Line; n++ {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return "", false
		}
		text = text[i+1:]
	}
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return string(bytes.TrimSuffix(text, []byte("\r"))), len(text) > 0
}
