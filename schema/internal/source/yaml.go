package source

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds of what is read.
const (
	MaxFile    = 16 << 20 // bytes of one file
	maxDepth   = 64       // nested maps and lists
	maxAliased = 50_000   // values that come out of YAML aliases
)

// yamlReader turns a YAML document into a Value.
type yamlReader struct {
	file    string
	src     []byte
	lines   []int // offsets
	aliased int
	inAlias int
	failed  bool
	diags   Diagnostics
}

// ReadYAML reads the one document of a file. The Value is of Kind None when
// there is none.
func ReadYAML(file string, src []byte) (Value, Diagnostics) {
	r := &yamlReader{file: file, src: src, lines: lineOffsets(src)}
	if i := oddBreak(src); i >= 0 {
		n, _ := slices.BinarySearch(r.lines, i+1)
		return Value{}, Diagnostics{{Pos: Pos{file, n, i - r.lines[n-1] + 1}, Code: SyntaxYAML,
			Message: "YAML takes this character for the end of a line, editors do not"}}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if err == io.EOF {
		return Value{Pos: Pos{file, 1, 1}}, nil
	}
	if err != nil {
		return Value{}, Diagnostics{r.syntax(err)}
	}
	v := r.value(&doc, 0)
	if r.failed {
		return Value{}, r.diags
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		d := r.at(&second)
		d.Code, d.Message = SyntaxYAML, "a second document begins here; a file holds one"
		r.diags = append(r.diags, d)
	case err != io.EOF:
		r.diags = append(r.diags, r.syntax(err))
	}
	return v, r.diags
}

// oddBreak finds what YAML takes for a line end beside \n and \r\n.
func oddBreak(src []byte) int {
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\r' && (i+1 == len(src) || src[i+1] != '\n'),
			c == 0xC2 && bytes.HasPrefix(src[i:], []byte("\u0085")),
			c == 0xE2 && bytes.HasPrefix(src[i:], []byte("\u2028")),
			c == 0xE2 && bytes.HasPrefix(src[i:], []byte("\u2029")):
			return i
		}
	}
	return -1
}

func lineOffsets(src []byte) []int {
	lines := []int{0}
	for i, c := range src {
		if c == '\n' {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// line is the text of a line, without its end. Lines count from 1.
func (r *yamlReader) line(n int) []byte {
	if n < 1 || n > len(r.lines) {
		return nil
	}
	line := r.src[r.lines[n-1]:]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	return bytes.TrimSuffix(line, []byte("\r"))
}

// pos is the place of a node: the library counts columns in characters.
func (r *yamlReader) pos(n *yaml.Node) Pos {
	line, col := r.line(n.Line), 0
	for i := 1; i < n.Column && col < len(line); i++ {
		if line[col] < utf8.RuneSelf {
			col++
			continue
		}
		_, size := utf8.DecodeRune(line[col:])
		col += size
	}
	return Pos{r.file, max(min(n.Line, len(r.lines)), 1), col + 1}
}

func (r *yamlReader) at(n *yaml.Node) Diagnostic { return Diagnostic{Pos: r.pos(n)} }

func (r *yamlReader) fail(n *yaml.Node, code Code, message string) {
	if !r.failed {
		d := r.at(n)
		d.Code, d.Message = code, message
		r.diags = append(r.diags, d)
	}
	r.failed = true
}

func (r *yamlReader) value(n *yaml.Node, depth int) Value {
	if r.inAlias > 0 {
		if r.aliased++; r.aliased > maxAliased {
			r.fail(n, TooLarge, "aliases expand to more than "+strconv.Itoa(maxAliased)+" values")
		}
	}
	if depth > maxDepth {
		r.fail(n, TooLarge, "nested deeper than "+strconv.Itoa(maxDepth)+" levels")
	}
	if r.failed {
		return Value{}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0], depth)
	case yaml.AliasNode:
		r.inAlias++
		v := r.value(n.Alias, depth+1)
		r.inAlias--
		return v
	case yaml.SequenceNode:
		v := Value{Kind: List, Pos: r.pos(n), Items: make([]Value, 0, len(n.Content))}
		for _, item := range n.Content {
			v.Items = append(v.Items, r.value(item, depth+1))
		}
		return v
	case yaml.MappingNode:
		v := Value{Kind: Map, Pos: r.pos(n), Flow: n.Style&yaml.FlowStyle != 0}
		v.Keys = make([]Key, 0, len(n.Content)/2)
		r.entries(n, &v, depth)
		return v
	}
	return r.scalar(n)
}

// entries adds the entries of a map. Those merged with `<<` give way to the
// map's own.
func (r *yamlReader) entries(n *yaml.Node, v *Value, depth int) {
	var merged []*yaml.Node
	var seen map[string]int
	if len(n.Content) > 16 {
		seen = make(map[string]int, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content) && !r.failed; i += 2 {
		kn := n.Content[i]
		if kn.Kind == yaml.AliasNode {
			kn = kn.Alias
		}
		if kn.Kind != yaml.ScalarNode {
			d := r.at(kn)
			d.Code, d.Message = SyntaxYAML, "a key is a text, not a map or a list"
			d.Hint = `put templates in quotes: "{ruri.user}"`
			r.diags, r.failed = append(r.diags, d), true
			return
		}
		if kn.Tag == "!!merge" {
			merged = append(merged, n.Content[i+1])
			continue
		}
		k := Key{Name: kn.Value, Pos: r.pos(kn)}
		k.End = r.quotedEnd(&k.Pos, kn)
		if at, dup := find(v, seen, k.Name); dup {
			r.diags = append(r.diags, duplicate(&k, v.Keys[at].Pos))
			continue
		}
		k.Value = r.value(n.Content[i+1], depth+1)
		if k.Kind == None {
			k.Value.Pos, k.Value.End = k.Pos, k.End
		}
		if seen != nil {
			seen[k.Name] = len(v.Keys)
		}
		v.Keys = append(v.Keys, k)
	}
	for _, m := range merged {
		r.merge(m, v, depth+1)
	}
}

func (r *yamlReader) merge(n *yaml.Node, v *Value, depth int) {
	list := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		list = n.Content
	}
	for _, item := range list {
		from := r.value(item, depth)
		if r.failed {
			return
		}
		if from.Kind != Map {
			r.fail(item, SyntaxYAML, "<< merges maps")
			return
		}
		for _, k := range from.Keys {
			if !v.Has(k.Name) {
				v.Keys = append(v.Keys, k)
			}
		}
	}
}

func (r *yamlReader) scalar(n *yaml.Node) Value {
	v := Value{Pos: r.pos(n)}
	v.End = r.quotedEnd(&v.Pos, n)
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		v.Kind, v.S = String, n.Value
	case "!!null":
		v.Kind = None
	case "!!bool":
		v.Kind, v.B = Bool, n.Value[0] == 't' || n.Value[0] == 'T'
	case "!!int":
		i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64)
		if v.Kind, v.N = Int, i; err != nil {
			v.Kind, v.S = Number, n.Value
		}
	case "!!float":
		v.Kind, v.S = Number, n.Value
		if n.Style&yaml.TaggedStyle == 0 && leadingZero.MatchString(n.Value) {
			v.Kind = String // 0189 is no octal number, but a text
		}
	default:
		r.fail(n, SyntaxYAML, "the tag "+n.Tag+" means nothing here")
	}
	return v
}

var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// quotedEnd moves p to the first byte of a scalar's content and returns the
// column behind the content, 0 when that is not on the same line.
func (r *yamlReader) quotedEnd(p *Pos, n *yaml.Node) int {
	line := r.line(p.Line)
	i := p.Col - 1
	for i < len(line) && (line[i] == '&' || line[i] == '!') { // anchor, tag
		for i < len(line) && line[i] != ' ' {
			i++
		}
		for i < len(line) && line[i] == ' ' {
			i++
		}
	}
	if i >= len(line) {
		return 0
	}
	switch quote := line[i]; {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && strings.TrimSpace(n.Value) != "":
		for n := p.Line + 1; n <= len(r.lines); n++ {
			text := r.line(n)
			if rest := bytes.TrimLeft(text, " \t"); len(rest) > 0 {
				p.Line, p.Col = n, len(text)-len(rest)+1
				return len(text) + 1
			}
		}
		return 0
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		p.Col = i + 2
		for j := i + 1; j < len(line); j++ {
			switch {
			case line[j] == '\\' && quote == '"':
				j++
			case line[j] == quote && quote == '\'' && j+1 < len(line) && line[j+1] == quote:
				j++
			case line[j] == quote:
				return j + 1
			}
		}
		return 0
	}
	p.Col = i + 1
	if bytes.HasPrefix(line[i:], []byte(n.Value)) {
		return i + 1 + len(n.Value)
	}
	return 0
}
