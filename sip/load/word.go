package load

import "math/bits"

// Eight bytes at a time. A word holds them in little-endian order; in a mask
// of a word the top bit of a byte tells something about that byte. Of masks
// only the first marked byte counts: behind it they may be wrong.

// Ones times a byte is a word of that byte.
const Ones = 0x0101010101010101

const tops = 0x80 * Ones

// First returns the index of the first marked byte.
func First(mask uint64) int { return bits.TrailingZeros64(mask) / 8 }

// Through has all bits of the bytes up to the first marked one.
func Through(mask uint64) uint64 { return mask ^ (mask - 1) }

// Equal marks the bytes that are c.
func Equal(word uint64, c byte) uint64 {
	x := word ^ uint64(c)*Ones
	return (x - Ones) &^ x & tops
}

// Under marks the bytes less than limit, which is at most 0x80.
func Under(word uint64, limit byte) uint64 {
	return (word - uint64(limit)*Ones) &^ word & tops
}
