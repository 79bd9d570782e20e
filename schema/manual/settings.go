// Package manual is what the language's own text says of a policy's keys, for people who ask.
// Its one law: nothing is said twice; the comments of the schema are the documentation.
package manual

import (
	"regexp"
	"slices"
	"strings"
)

// Setting is a key at the top of a policy.
type Setting struct {
	Name   string
	Doc    string // the first sentence stands alone
	Schema string // CUE of what is written behind it, with the definitions that are its own
}

var (
	policyField = regexp.MustCompile(`^\t([a-z_]+)[?!]: (.*)$`)
	definition  = regexp.MustCompile(`#[A-Z][A-Za-z]*`)
	attribute   = regexp.MustCompile(` @[a-z]+\(.*\)`)
)

// Settings are the keys at the top of a policy, in their order. cue is the whole schema, as
// schema.Vocabulary.CUE gives it.
func Settings(cue string) (list []Setting) {
	defs := structs(cue)
	var doc []string
	for line := range strings.Lines(defs["#Policy"]) {
		line = strings.TrimSuffix(line, "\n")
		if text, ok := strings.CutPrefix(line, "\t// "); ok {
			doc = append(doc, text)
		}
		if f := policyField.FindStringSubmatch(line); f != nil {
			list = append(list, Setting{f[1], strings.Join(doc, " "), withDefinitions(f[2], defs)})
			doc = nil
		}
	}
	return list
}

// structs are the definitions that are structs, each with the comment above it.
func structs(cue string) map[string]string {
	defs := map[string]string{}
	for block := range strings.SplitSeq(cue, "\n\n") {
		head := strings.Index("\n"+block, "\n#")
		if head < 0 {
			continue
		}
		if name, body, _ := strings.Cut(block[head:], ":"); strings.HasPrefix(body, " {\n") {
			defs[name] = attribute.ReplaceAllString(block, "")
		}
	}
	return defs
}

// withDefinitions is a piece of CUE, or the struct it names, and below it the structs that are
// named in it, and in those.
func withDefinitions(cue string, defs map[string]string) string {
	parts, seen := []string{cue}, []string{"#Policy"}
	if def, ok := defs[cue]; ok {
		parts, seen = []string{def}, append(seen, cue)
	}
	for i := 0; i < len(parts); i++ {
		for _, name := range definition.FindAllString(parts[i], -1) {
			if def, ok := defs[name]; ok && !slices.Contains(seen, name) {
				seen = append(seen, name)
				parts = append(parts, def)
			}
		}
	}
	return strings.Join(parts, "\n\n")
}
