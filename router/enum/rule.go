package enum

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"sipedge/sip"
	"sipedge/sip/resolve"
)

// offers reports whether a rule is of a service, "sip" or "voice:sip": E2U+sip, or one of several
// as in E2U+voice:sip+video:sip (RFC 6116 §3.4.3); legacy: sip+E2U, too (RFC 2916 §2.4).
func offers(n *resolve.NAPTR, service string, legacy bool) bool {
	parts := strings.Split(strings.ToLower(n.Service), "+")
	last := len(parts) - 1
	switch {
	case last < 1:
		return false
	case parts[0] == "e2u":
		parts = parts[1:]
	case legacy && parts[last] == "e2u":
		parts = parts[:last]
	default:
		return false
	}
	for _, p := range parts {
		if p == service {
			return true
		}
	}
	return false
}

// maxInstructions bounds what a regular expression may compile to: rules of numbers are short.
const maxInstructions = 2000

// rewrite applies the substitution of a rule to a number, RFC 3402 §3.2. ok false: it is none, it
// does not match, or what it makes is no URI that a request can go to.
func rewrite(rule, number string) (uri string, ok bool) {
	pattern, replacement, fold, ok := parts(rule)
	if !ok {
		return "", false
	}
	// Only what POSIX knows is taken: RE2 means the same by it.
	tree, err := syntax.Parse(pattern, syntax.POSIX)
	if err != nil || instructions(tree) > maxInstructions {
		return "", false
	}
	if fold {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", false
	}
	re.Longest() // as POSIX has it; of groups the first alternative that does
	at := re.FindStringSubmatchIndex(number)
	if at == nil {
		return "", false
	}
	b := append([]byte(nil), number[:at[0]]...)
	if b, ok = appendReplacement(b, replacement, number, at); !ok {
		return "", false
	}
	b = append(b, number[at[1]:]...)
	u, err := sip.ParseURI(b)
	return string(b), err == nil && u.Scheme != sip.SchemeOther && u.Headers == nil
}

// parts splits !pattern!replacement!flags, where the first byte delimits. In the pattern an escaped
// delimiter stands for itself.
func parts(rule string) (pattern, replacement string, fold, ok bool) {
	if rule == "" || strings.ContainsRune("\\0123456789iI", rune(rule[0])) {
		return "", "", false, false
	}
	var fields [3]string
	n, from, delimiter := 0, 1, rule[0]
	for i := 1; i < len(rule); i++ {
		switch {
		case rule[i] == '\\' && n < 2:
			i++
		case rule[i] == delimiter && n == 2:
			return "", "", false, false
		case rule[i] == delimiter:
			fields[n], from = rule[from:i], i+1
			n++
		}
	}
	if n != 2 {
		return "", "", false, false
	}
	fields[2] = strings.ToLower(rule[from:])
	d := string(delimiter)
	pattern = strings.ReplaceAll(fields[0], `\`+d, regexp.QuoteMeta(d))
	return pattern, fields[1], fields[2] == "i", fields[2] == "" || fields[2] == "i"
}

// appendReplacement appends a replacement: \1 to \9 are what groups matched, any other \x is x.
func appendReplacement(b []byte, text, number string, at []int) (out []byte, ok bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' || i+1 == len(text) {
			b = append(b, c)
			continue
		}
		i++
		group := int(text[i] - '0')
		switch {
		case text[i] < '1' || text[i] > '9':
			b = append(b, text[i])
		case 2*group >= len(at):
			return nil, false
		case at[2*group] >= 0:
			b = append(b, number[at[2*group]:at[2*group+1]]...)
		}
	}
	return b, true
}

// instructions is about how many a pattern compiles to; it is counted before that is done, since
// repetitions of repetitions multiply.
func instructions(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)
	for _, sub := range tree.Sub {
		n += instructions(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Min, tree.Max, 1)
	}
	return min(n, 1<<30/1000)
}
