package address

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a pattern of fnmatch(3), as OpenSIPS takes it: of * ? [ that begin it none is for a
// dot. A / is like others.
type pattern struct {
	text   string
	re     *regexp.Regexp
	dotted bool // a dot that begins a text may be meant
}

func newPattern(s string) (*pattern, error) {
	re, err := regexp.Compile(translate(s))
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern of a shell", s)
	}
	return &pattern{s, re, strings.HasPrefix(s, ".") || strings.HasPrefix(s, `\.`)}, nil
}

func (p *pattern) match(text []byte) bool {
	return (p.dotted || len(text) == 0 || text[0] != '.') && p.re.Match(text)
}

// translate writes a pattern as a regular expression of RE2.
func translate(s string) string {
	var b strings.Builder
	b.WriteString(`^(?s:`)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '\\':
			i++
			b.WriteString(regexp.QuoteMeta(s[min(i, len(s)):min(i+1, len(s))]))
		case '[':
			n := bracket(s[i:])
			if n < 0 { // it is not closed, and stands for itself
				b.WriteString(`\[`)
				continue
			}
			set := s[i+1 : i+n]
			b.WriteByte('[')
			if set[0] == '!' || set[0] == '^' {
				b.WriteByte('^')
				set = set[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(set))
			b.WriteByte(']')
			i += n
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
	}
	b.WriteString(`)$`)
	return b.String()
}

// bracket is where the bracket that begins s is closed; -1: it is not. One that stands first is
// part of the set.
func bracket(s string) int {
	from := 1
	if from < len(s) && (s[from] == '!' || s[from] == '^') {
		from++
	}
	end := strings.IndexByte(s[min(from+1, len(s)):], ']')
	if end < 0 {
		return -1
	}
	return from + 1 + end
}
