package schema

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// Resolve replaces ${env.NAME} and ${file:/path} by what they stand for. The
// line end of a file is dropped. An error names the reference, never a value.
func (s Secrets) Resolve(env func(string) (string, bool),
	file func(string) ([]byte, error)) (Secrets, error) {
	for _, key := range []*string{&s.RouteKey, &s.TagKey} {
		value, err := Reveal(*key, env, file)
		if err != nil {
			return Secrets{}, err
		}
		*key = value
	}
	return s, nil
}

var reference = regexp.MustCompile(`\$\{(env\.[A-Za-z_][A-Za-z0-9_]*|file:[^}]+)\}`)

// Reveal replaces each ${env.NAME} and ${file:/path} in a text, as Resolve does.
func Reveal(text string, env func(string) (string, bool),
	file func(string) ([]byte, error)) (string, error) {
	var failed error
	text = reference.ReplaceAllStringFunc(text, func(whole string) string {
		ref := whole[len("${") : len(whole)-len("}")]
		if name, ok := strings.CutPrefix(ref, "env."); ok {
			value, set := env(name)
			if !set || value == "" {
				failed = cmp.Or(failed, fmt.Errorf("secret %s: not set", whole))
			}
			return value
		}
		b, err := file(strings.TrimPrefix(ref, "file:"))
		value := strings.TrimRight(string(b), "\r\n")
		switch {
		case err != nil:
			failed = cmp.Or(failed, fmt.Errorf("secret %s: %w", whole, err))
		case value == "":
			failed = cmp.Or(failed, fmt.Errorf("secret %s: empty", whole))
		}
		return value
	})
	if failed != nil {
		return "", failed
	}
	return text, nil
}
