package sip

import (
	"math/bits"

	"sipedge/sip/load"
)

// Eight bytes at a time. A word holds them in little-endian order; in a mask
// of a word the top bit of a byte tells something about that byte. Of masks
// only the first marked byte counts: behind it they may be wrong.

const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// first returns the index of the first marked byte.
func first(mask uint64) int { return bits.TrailingZeros64(mask) / 8 }

// through has all bits of the bytes up to the first marked one.
func through(mask uint64) uint64 { return mask ^ (mask - 1) }

// equal marks the bytes that are c.
func equal(x uint64, c byte) uint64 { return zero(x ^ uint64(c)*ones) }

// zero marks zero bytes.
func zero(x uint64) uint64 { return (x - ones) &^ x & tops }

// under marks bytes less than limit, which is at most 0x80.
func under(x uint64, limit byte) uint64 { return (x - uint64(limit)*ones) &^ x & tops }

// The runs go by words up to the first byte that may not be of their class.

// textRun is run of the class isText.
func textRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if t := under(p.Eight(i), ' '+1); t != 0 {
			i += first(t)
			break
		}
	}
	return run(b, i, isText)
}

// wordRun is run of the class isWord.
func wordRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		x := p.Eight(i)
		if t := under(x, '"'+1) | equal(x, ';'); t != 0 {
			i += first(t)
			break
		}
	}
	return run(b, i, isWord)
}

// controlRun returns the index of the first control character at b[i:], but
// for DEL, or len(b).
func controlRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if t := under(p.Eight(i), ' '); t != 0 {
			return i + first(t)
		}
	}
	for i < len(b) && b[i] >= ' ' {
		i++
	}
	return i
}
