package schema

import (
	"fmt"
	"strings"
)

// Resolve replaces ${env.NAME} and ${file:/path} by what they stand for. The
// line end of a file is dropped. An error names the reference, never a value.
func (s Secrets) Resolve(env func(string) (string, bool),
	file func(string) ([]byte, error)) (Secrets, error) {
	for _, key := range []*string{&s.RouteKey, &s.TagKey} {
		ref, ok := strings.CutPrefix(*key, "${")
		if !ok {
			continue
		}
		ref = strings.TrimSuffix(ref, "}")
		if name, ok := strings.CutPrefix(ref, "env."); ok {
			value, set := env(name)
			if !set || value == "" {
				return Secrets{}, fmt.Errorf("secret ${env.%s}: not set", name)
			}
			*key = value
			continue
		}
		path := strings.TrimPrefix(ref, "file:")
		value, err := file(path)
		if err != nil {
			return Secrets{}, fmt.Errorf("secret ${file:%s}: %w", path, err)
		}
		if *key = strings.TrimRight(string(value), "\r\n"); *key == "" {
			return Secrets{}, fmt.Errorf("secret ${file:%s}: empty", path)
		}
	}
	return s, nil
}
