package sip

import (
	"sipedge/sip/load"
)

// The runs go by words up to the first byte that may not be of their class.

// textRun is run of the class isText.
func textRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if t := load.Under(p.Eight(i), ' '+1); t != 0 {
			i += load.First(t)
			break
		}
	}
	return run(b, i, isText)
}

// wordRun is run of the class isWord.
func wordRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		x := p.Eight(i)
		if t := load.Under(x, '"'+1) | load.Equal(x, ';'); t != 0 {
			i += load.First(t)
			break
		}
	}
	return run(b, i, isWord)
}

// controlRun returns the index of the first control character at b[i:], but
// for DEL, or len(b).
func controlRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if t := load.Under(p.Eight(i), ' '); t != 0 {
			return i + load.First(t)
		}
	}
	for i < len(b) && b[i] >= ' ' {
		i++
	}
	return i
}
