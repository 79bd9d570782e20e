package format

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Order is the order of keys: of the whole document, and of the rules below `routes`. A map with
// a key that is not listed keeps its own.
type Order struct{ Top, Rule []string }

const (
	width  = 100 // columns; a list or map in brackets that goes beyond is written in lines
	rounds = 8
)

var errUnsettled = errors.New("its layout does not settle")

// YAML lays out a document that can be read:
//
//  1. Keys go where they belong.
//  2. Brackets that hold comments, or don't fit in a line, become lines.
//  3. The library writes it, with an indentation of two.
//  4. Blank lines of the author come back, one at most, none at the beginning of a block.
//
// The library moves a comment now and then, so this is done until nothing changes.
func YAML(src []byte, o Order) ([]byte, error) {
	for range rounds {
		out, err := pass(src, o)
		if err != nil || bytes.Equal(out, src) {
			return out, err
		}
		src = out
	}
	return nil, errUnsettled
}

func pass(src []byte, o Order) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	if doc.Kind == 0 || len(doc.Content) == 0 {
		return src, nil
	}
	if !aliased(&doc) { // an alias must stay behind its anchor
		sortTop(doc.Content[0], o.Top)
		sortRules(entry(doc.Content[0], "routes"), o.Rule)
	}
	openCommented(&doc)
	for range rounds {
		out, err := encode(&doc)
		if err != nil {
			return nil, err
		}
		var again yaml.Node
		if err := yaml.Unmarshal(out, &again); err != nil {
			return nil, err
		}
		lines := strings.Split(string(out), "\n")
		if !openLong(&doc, &again, lines) {
			b := blanks{src: strings.Split(string(src), "\n"), out: lines}
			b.walk(&doc, &again)
			return b.text(), nil
		}
	}
	return nil, errUnsettled
}

func encode(doc *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), e.Close()
}

func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}

// entry is what stands under a key of a map, or nil.
func entry(n *yaml.Node, key string) *yaml.Node {
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// sortTop orders the whole document. The comment it begins with stays at the beginning.
func sortTop(n *yaml.Node, order []string) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return
	}
	first := n.Content[0]
	sortKeys(n, order)
	if now := n.Content[0]; now != first && now.HeadComment == "" {
		now.HeadComment, first.HeadComment = first.HeadComment, ""
	}
}

// sortRules orders every map below routes that has steps.
func sortRules(n *yaml.Node, order []string) {
	if n == nil {
		return
	}
	if entry(n, "do") != nil {
		sortKeys(n, order)
		return
	}
	for _, c := range n.Content {
		sortRules(c, order)
	}
}

func sortKeys(n *yaml.Node, order []string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	type pair struct{ rank, at int }
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		rank := slices.Index(order, n.Content[i].Value)
		if rank < 0 {
			return
		}
		pairs = append(pairs, pair{rank, i})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return a.rank - b.rank })
	sorted := make([]*yaml.Node, 0, len(n.Content))
	for _, p := range pairs {
		sorted = append(sorted, n.Content[p.at], n.Content[p.at+1])
	}
	n.Content = sorted
}

// openCommented takes the brackets off maps and lists that have a comment within.
func openCommented(n *yaml.Node) (commented bool) {
	for _, c := range n.Content {
		if openCommented(c) {
			commented = true
		}
	}
	if commented {
		n.Style &^= yaml.FlowStyle
	}
	return commented || n.HeadComment != "" || n.LineComment != "" || n.FootComment != ""
}

// openLong takes the brackets off what does not fit in its line. again is n as it was written.
func openLong(n, again *yaml.Node, lines []string) (opened bool) {
	if n.Style&yaml.FlowStyle != 0 && len(n.Content) > 0 {
		if utf8.RuneCountInString(lines[again.Line-1]) <= width {
			return false
		}
		n.Style &^= yaml.FlowStyle
		return true
	}
	for i, c := range n.Content {
		if openLong(c, again.Content[i], lines) {
			opened = true
		}
	}
	return opened
}

// comments are all comments of a document, line by line, sorted.
func comments(src []byte) []string {
	var doc yaml.Node
	if yaml.Unmarshal(src, &doc) != nil {
		return nil
	}
	var all []string
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for _, c := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			for l := range strings.SplitSeq(c, "\n") {
				if l = strings.TrimSpace(l); l != "" {
					all = append(all, l)
				}
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	slices.Sort(all)
	return all
}

// SameComments reports whether two YAML documents have the same comments.
func SameComments(a, b []byte) bool { return slices.Equal(comments(a), comments(b)) }
