package vars

import (
	"strconv"
	"strings"

	"sipedge/schema"
	"sipedge/sip"
)

// index takes the number off a name: "headers.Via[1]". Without one it is 0; ok
// false: what stands in the brackets is none.
func index(name string) (base string, n int, ok bool) {
	base, text, open := strings.Cut(name, "[")
	if !open {
		return name, 0, true
	}
	text, closed := strings.CutSuffix(text, "]")
	n, err := strconv.Atoi(text)
	return base, n, closed && err == nil && n < 1000 && n > -1000
}

// Token reports whether s has only characters of a token, RFC 3261 §25.1.
func Token(s string) bool {
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
