package source

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlWords are what the YAML library says, what a person would, and where it
// is: the library tells a line at best.
var yamlWords = []struct {
	theirs string
	where  func(r *yamlReader, err error, line int) Pos
	ours   string
	hint   string
}{
	{"did not find expected ',' or ']'", opened('['), "this list is not closed by ]", ""},
	{"did not find expected ',' or '}'", opened('{'), "this map is not closed by }", ""},
	{"did not find expected '-' indicator", (*yamlReader).noticed,
		"this is no item of the list above", `each item begins with "- ", all in the same column`},
	{"did not find expected key", (*yamlReader).noticed,
		"this is no key of the map above", "keys of one map stand in the same column"},
	{"did not find expected node content", (*yamlReader).noticed, "a value is missing", ""},
	{"did not find expected <document start>", (*yamlReader).noticed,
		"this does not belong to the document above", ""},
	{"mapping values are not allowed in this context", (*yamlReader).colon,
		`a ":" cannot stand here`, `check the indentation; put a text with ": " in quotes`},
	{"could not find expected ':'", (*yamlReader).noticed,
		`a key without ":"`, `a key ends with ":" and a space`},
	{"block sequence entries are not allowed in this context", (*yamlReader).noticed,
		"a list cannot begin here", "begin the list on the next line"},
	{"found unexpected end of stream", (*yamlReader).quote, "this text is not closed by a quote", ""},
	{"found character that cannot start any token", (*yamlReader).noticed,
		"a character in here cannot begin a value", "put the value in quotes"},
	{"found unknown escape character", (*yamlReader).escape,
		`this backslash means nothing in "…"`, `write \\, or use '…', where backslashes are plain`},
	{"unknown anchor", (*yamlReader).alias,
		"an alias of nothing", "put a text that begins with * in quotes"},
	{"control characters are not allowed", (*yamlReader).noticed,
		"a control character cannot stand here", ""},
}

var (
	yamlLine  = regexp.MustCompile(`^line (\d+): `)
	tabbed    = regexp.MustCompile(`^ *\t[ \t]*[^ \t#\r]`)
	afterMap  = regexp.MustCompile(`[:-] +(\{[^{}]*\})[^ ,\]}#]`)
	badEscape = regexp.MustCompile(`\\[^0abt\tnvfre "/\\N_LPxuU]`)
	aliasName = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// syntax turns an error of the YAML library into one diagnostic.
func (r *yamlReader) syntax(err error) Diagnostic {
	if tab, ok := r.tab(); ok {
		return Diagnostic{Pos: tab, Code: SyntaxYAML, Message: "a tab cannot indent YAML",
			Hint: "indent with spaces"}
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	n := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	d := Diagnostic{Code: SyntaxYAML, Message: text, Pos: r.start(n)}
	for _, w := range yamlWords {
		if strings.Contains(text, w.theirs) {
			d.Message, d.Hint = w.ours, w.hint
			d.Pos = w.where(r, err, n)
			break
		}
	}
	line := r.line(d.Pos.Line)
	if m := afterMap.FindSubmatchIndex(line); m != nil {
		d.Pos.Col, d.End = m[2]+1, m[3]+1
		d.Message = "text cannot follow a map"
		d.Hint = "put templates in quotes: \"" + string(line[m[2]:m[3]]) + "…\""
	}
	return d
}

// start is the first byte of a line that is no space.
func (r *yamlReader) start(n int) Pos {
	n = max(min(n, len(r.lines)), 1)
	line := r.line(n)
	return Pos{r.file, n, len(line) - len(bytes.TrimLeft(line, " \t")) + 1}
}

// noticed is where the library noticed the mistake: behind the shortest run of
// lines that gives the same error. What it names is where the list or map
// began.
func (r *yamlReader) noticed(err error, _ int) Pos {
	n := 1 + sort.Search(len(r.lines)-1, func(i int) bool {
		var node yaml.Node
		got := yaml.Unmarshal(r.src[:r.lines[i+1]], &node)
		return got != nil && got.Error() == err.Error()
	})
	return r.start(n)
}

// opened finds the bracket that is not closed: the last one of its line, or
// above, that has no partner.
func opened(bracket byte) func(*yamlReader, error, int) Pos {
	return func(r *yamlReader, err error, n int) Pos {
		// The library counts these lines from 0.
		for at := min(n+1, len(r.lines)); at >= max(n, 1); at-- {
			depth, line := 0, r.line(at)
			for i := len(line) - 1; i >= 0; i-- {
				switch line[i] {
				case bracket + 2: // ] and } stand two behind
					depth++
				case bracket:
					if depth--; depth < 0 {
						return Pos{r.file, at, i + 1}
					}
				}
			}
		}
		return r.noticed(err, n)
	}
}

// colon is the second ": " of a line.
func (r *yamlReader) colon(err error, n int) Pos {
	line := r.line(n)
	first := bytes.Index(line, []byte(": "))
	if first >= 0 {
		rest := line[first+2:]
		if second := bytes.Index(rest, []byte(": ")); second >= 0 {
			return Pos{r.file, n, first + 2 + second + 1}
		}
		if bytes.HasSuffix(rest, []byte(":")) {
			return Pos{r.file, n, len(line)}
		}
	}
	return r.start(n)
}

// quote is the last quote of a line.
func (r *yamlReader) quote(_ error, n int) Pos {
	if i := bytes.LastIndexAny(r.line(n), `"'`); i >= 0 {
		return Pos{r.file, n, i + 1}
	}
	return r.start(n)
}

// escape is the first backslash that YAML does not know.
func (r *yamlReader) escape(_ error, n int) Pos {
	if m := badEscape.FindIndex(r.line(n)); m != nil {
		return Pos{r.file, n, m[0] + 1}
	}
	return r.start(n)
}

// alias is where a name without an anchor is used.
func (r *yamlReader) alias(err error, _ int) Pos {
	if m := aliasName.FindStringSubmatch(err.Error()); m != nil {
		for n := 1; n <= len(r.lines); n++ {
			if i := bytes.Index(r.line(n), []byte("*"+m[1])); i >= 0 {
				return Pos{r.file, n, i + 1}
			}
		}
	}
	return r.start(1)
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
