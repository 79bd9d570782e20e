package format

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// blanks brings back the blank lines an author had between keys, items and comments.
type blanks struct {
	src, out []string
	before   []int // indices of out a blank line belongs above
}

// walk compares a node as the author wrote it with the node as it is written now.
func (b *blanks) walk(n, again *yaml.Node) {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step-1 < len(n.Content); i += step {
		was, is := n.Content[i], again.Content[i]
		if n.Style&yaml.FlowStyle == 0 && n.Kind != yaml.DocumentNode {
			if i > 0 {
				b.keep(head(was), head(is))
			}
			if was.FootComment != "" && is.FootComment != "" {
				b.keep(foot(was, n.Content[i+step-1], b.src), foot(is, again.Content[i+step-1], b.out))
			}
		}
		for j := i; j < i+step; j++ {
			b.walk(n.Content[j], again.Content[j])
		}
	}
}

// head is the index of the line a node begins with, its comment included.
func head(n *yaml.Node) int {
	at := n.Line - 1
	if n.HeadComment != "" {
		at -= 1 + strings.Count(n.HeadComment, "\n")
	}
	return at
}

// foot is the index of the line the comment behind a key or an item begins with; 0 unknown.
func foot(n, value *yaml.Node, lines []string) int {
	first, _, _ := strings.Cut(n.FootComment, "\n")
	for i := max(last(n), last(value)); i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == first {
			return i
		}
	}
	return 0
}

// last is the line the last node within n begins on.
func last(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, last(c))
	}
	return line
}

func (b *blanks) keep(was, is int) {
	blank := func(lines []string, i int) bool { return strings.TrimSpace(lines[i-1]) == "" }
	if was > 0 && was <= len(b.src) && blank(b.src, was) &&
		is > 0 && is <= len(b.out) && !blank(b.out, is) {
		b.before = append(b.before, is)
	}
}

func (b *blanks) text() []byte {
	slices.Sort(b.before)
	lines := b.out
	for i, at := range slices.Compact(b.before) {
		lines = slices.Insert(lines, at+i, "")
	}
	return []byte(strings.Join(lines, "\n"))
}
