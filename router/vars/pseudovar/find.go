package pseudovar

import (
	"regexp"
	"sync"
)

// written is a pseudo-variable as a script has it: $rU, $(ru{uri.user}), $avp(x).
var written = regexp.MustCompile(`\$\(?([A-Za-z][A-Za-z0-9_]*)`)

// byName are the mappings by the name between the dollar and what follows; of two, the first.
var byName = sync.OnceValue(func() map[string]*Mapping {
	all := make(map[string]*Mapping)
	for i := range mappings {
		m := &mappings[i]
		for _, s := range []string{m.OpenSIPS, m.Kamailio} {
			if name := written.FindStringSubmatch(s); name != nil && all[name[1]] == nil {
				all[name[1]] = m
			}
		}
	}
	return all
})

// Find finds the first pseudo-variable in a text, and says what stands for it in a policy.
func Find(text string) (word, here string, found bool) {
	for _, at := range written.FindAllStringSubmatchIndex(text, -1) {
		m := byName()[text[at[2]:at[3]]]
		switch {
		case m == nil:
			continue
		case m.Field == "":
			return text[at[0]:at[1]], "there is none in a policy: " + m.Why, true
		}
		return text[at[0]:at[1]], "write {" + m.Field + "}", true
	}
	return "", "", false
}
