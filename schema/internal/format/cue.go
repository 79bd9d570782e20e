package format

import (
	"bytes"

	"cuelang.org/go/cue/format"
)

// CUE lays out a file that can be parsed, by CUE's own rules.
func CUE(src []byte) ([]byte, error) {
	for range rounds {
		out, err := format.Source(src)
		if err != nil || bytes.Equal(out, src) {
			return out, err
		}
		src = out
	}
	return nil, errUnsettled
}
