package sip

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time. A word holds them in little-endian order; in a mask
// of a word the top bit of a byte tells something about that byte. Of masks
// only the first marked byte counts: behind it they may be wrong.

const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// word loads b[i:][:8], with zeros for what is behind the end of b.
func word(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return at(b).eight(i)
	}
	return lastWord(b, i)
}

// lastWord loads less than eight bytes: with those before them, or, as there
// is something behind nearly all that is in a message, with those behind.
func lastWord(b []byte, i int) (x uint64) {
	n := len(b) - i
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:]) >> (64 - 8*uint(n))
	}
	if b = b[i:]; cap(b) >= 8 {
		return binary.LittleEndian.Uint64(b[:8]) & (1<<(8*uint(n)&63) - 1)
	}
	for i := n - 1; i >= 0; i-- {
		x = x<<8 | uint64(b[i])
	}
	return x
}

// first returns the index of the first marked byte, 8 if none is.
func first(mask uint64) int { return bits.TrailingZeros64(mask) / 8 }

// through has all bits of the bytes up to the first marked one.
func through(mask uint64) uint64 { return mask ^ (mask - 1) }

// zero marks zero bytes.
func zero(x uint64) uint64 { return (x - ones) &^ x & tops }

// under marks bytes less than limit, which is at most 0x80.
func under(x uint64, limit byte) uint64 { return (x - uint64(limit)*ones) &^ x & tops }

// over marks bytes greater than limit, which is less than 0x80.
func over(x uint64, limit byte) uint64 { return (x + uint64(0x7f-limit)*ones | x) & tops }

// The runs below go by words as long as nothing is marked, which all bytes
// are that are not of the class and some that are; the table decides.

// wordRun is run of the class isWord.
func wordRun(b []byte, i int) int {
	for {
		x := word(b, i)
		if t := under(x, '"'+1) | zero(x^';'*ones); t != 0 {
			return run(b, i+first(t), isWord)
		}
		i += 8
	}
}

// textRun is run of the class isText.
func textRun(b []byte, i int) int {
	for {
		x := word(b, i)
		if t := under(x, ' '+1); t != 0 {
			return run(b, i+first(t), isText)
		}
		i += 8
	}
}

// controlRun returns the index of the first control character at b[i:], or len(b).
func controlRun(b []byte, i int) int {
	for p := at(b); i+8 <= len(b); i += 8 {
		if t := under(p.eight(i), ' '); t != 0 {
			return i + first(t)
		}
	}
	for i < len(b) && b[i] >= ' ' {
		i++
	}
	return i
}
