package schema

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// yamlWords are what the YAML library says and what a person would. It counts
// lines of its parser's complaints from 0; those of its scanner from 1.
var yamlWords = []struct {
	theirs string
	parser bool
	ours   string
	hint   string
}{
	{"did not find expected ',' or ']'", true, "this list is not closed by ]", ""},
	{"did not find expected ',' or '}'", true, "this map is not closed by }",
		`put templates in quotes: "{ruri.user}"`},
	{"did not find expected '-' indicator", true, "this list goes on with something else than an item",
		`each item begins with "- ", all in the same column`},
	{"did not find expected key", true, "this map goes on with something else than a key",
		"keys of one map stand in the same column"},
	{"did not find expected node content", true, "a value is missing", ""},
	{"did not find expected <document start>", true, "this does not belong to the document above", ""},
	{"mapping values are not allowed in this context", false, "a key cannot stand here",
		`check the indentation; put a text with ": " in quotes`},
	{"could not find expected ':'", false, `a key without ":"`, `a key ends with ":" and a space`},
	{"block sequence entries are not allowed in this context", false, "a list cannot begin here",
		"begin the list on the next line"},
	{"found unexpected end of stream", false, "this text is not closed by a quote", ""},
	{"found character that cannot start any token", false, "this character cannot begin a value",
		"put the value in quotes"},
	{"found unknown escape character", false, `this backslash means nothing in "…"`,
		`write \\, or use '…', where backslashes are plain`},
	{"unknown anchor", false, "", ""},
	{"control characters are not allowed", false, "a control character cannot stand here", ""},
}

var (
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	tabbed   = regexp.MustCompile(`^ *\t[ \t]*[^ \t#\r]`)
)

// syntax turns an error of the YAML library into one diagnostic.
func (r *yamlReader) syntax(err error) Diagnostic {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	n := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	d := Diagnostic{Code: SyntaxYAML, Message: text}
	for _, w := range yamlWords {
		if !strings.Contains(text, w.theirs) {
			continue
		}
		if w.ours != "" {
			d.Message = w.ours
		}
		d.Hint = w.hint
		if w.parser {
			n++
		}
		break
	}
	d.Pos = r.start(max(n, 1))
	if tab, ok := r.tab(); ok {
		d.Pos, d.Message = tab, "a tab cannot indent YAML"
		d.Hint = "indent with spaces"
	}
	return d
}

// start is the first byte of a line that is no space.
func (r *yamlReader) start(n int) Pos {
	n = min(n, len(r.lines))
	line := r.line(n)
	return Pos{r.file, n, len(line) - len(bytes.TrimLeft(line, " \t")) + 1}
}

// tab is the first tab in an indentation.
func (r *yamlReader) tab() (Pos, bool) {
	for n := 1; n <= len(r.lines); n++ {
		if line := r.line(n); tabbed.Match(line) {
			return Pos{r.file, n, bytes.IndexByte(line, '\t') + 1}, true
		}
	}
	return Pos{}, false
}
