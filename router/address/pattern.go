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
			set, n := bracket(s[i:])
			if n < 0 { // it is not closed, and stands for itself
				b.WriteString(`\[`)
				continue
			}
			b.WriteString(set)
			i += n
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
	}
	b.WriteString(`)$`)
	return b.String()
}

// bracket translates the set that begins s, and tells where it is closed; -1: it is not. A bracket
// that stands first is part of the set.
func bracket(s string) (set string, end int) {
	var b strings.Builder
	b.WriteByte('[')
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		b.WriteByte('^')
		i++
	}
	for first := i; i < len(s); i++ {
		class := strings.Index(s[i:], ":]")
		switch c := s[i]; {
		case c == ']' && i > first:
			b.WriteByte(']')
			return b.String(), i
		case strings.HasPrefix(s[i:], "[:") && class > 1:
			b.WriteString(s[i : i+class+2])
			i += class + 1
			continue
		case c == '-':
			b.WriteByte(c)
			continue
		case c == '\\' && i+1 < len(s):
			i++
		}
		b.WriteString(literal(s[i]))
	}
	return "", -1
}

// literal is a byte of a set that stands for itself.
func literal(c byte) string {
	if strings.IndexByte(`\[]^-`, c) >= 0 {
		return `\` + string(c)
	}
	return string([]byte{c})
}
