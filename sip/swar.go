package sip

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time: a word holds them in little-endian order, and the
// top bit of each byte of a mask tells something about that byte.

const (
	ones   = 0x0101010101010101
	tops   = 0x80 * ones
	colons = ':' * ones
)

// zeros marks the first byte of x that is zero, and perhaps some behind it.
func zeros(x uint64) uint64 { return (x - ones) &^ x & tops }

// first returns the index of the first byte that is marked.
func first(mask uint64) int { return bits.TrailingZeros64(mask) / 8 }

// through has all bits of the bytes up to the first that is marked.
func through(mask uint64) uint64 { return mask ^ (mask - 1) }

// below returns the index of the first byte at b[i:] that is less than
// limit, which is at most 0x80, or len(b).
func below(b []byte, i int, limit byte) int {
	limits, last := uint64(limit)*ones, len(b)-16
	for i <= last {
		p := (*[16]byte)(b[i : i+16])
		x, y := binary.LittleEndian.Uint64(p[:]), binary.LittleEndian.Uint64(p[8:])
		x, y = (x-limits)&^x, (y-limits)&^y
		if (x|y)&tops != 0 {
			if x &= tops; x == 0 {
				x, i = y&tops, i+8
			}
			return i + first(x)
		}
		i += 16
	}
	for i < len(b) && b[i] >= limit {
		i++
	}
	return i
}
