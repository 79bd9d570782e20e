// Package siphash is SipHash-2-4 (Aumasson and Bernstein, 2012) over fields, with 64 or 128 bits
// of output. Its one law: no two lists of fields are fed alike.
package siphash

import (
	"encoding/binary"
	"math/bits"
)

// Key is the secret of one use of the hash.
type Key struct{ k0, k1 uint64 }

// NewKey reads a key from the first 16 bytes of b.
func NewKey(b []byte) Key {
	return Key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// Hash is a running hash. A field is fed as its length and its bytes, padded to words of
// eight.
type Hash struct {
	v0, v1, v2, v3 uint64
	n              int // bytes fed
}

// Start begins a hash of 64 bits: Sum.
func (k Key) Start() Hash {
	return Hash{
		v0: k.k0 ^ 0x736f6d6570736575,
		v1: k.k1 ^ 0x646f72616e646f6d,
		v2: k.k0 ^ 0x6c7967656e657261,
		v3: k.k1 ^ 0x7465646279746573,
	}
}

// StartWide begins a hash of 128 bits: SumWide.
func (k Key) StartWide() Hash {
	h := k.Start()
	h.v1 ^= 0xee
	return h
}

// round is SipRound; the state goes in and out in registers.
func round(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// Word feeds a number, which is a field by itself.
func (h *Hash) Word(w uint64) {
	v0, v1, v2, v3 := round(h.v0, h.v1, h.v2, h.v3^w)
	v0, h.v1, h.v2, h.v3 = round(v0, v1, v2, v3)
	h.v0 = v0 ^ w
	h.n += 8
}

// Field feeds b.
func (h *Hash) Field(b []byte) {
	h.Word(uint64(len(b)))
	v0, v1, v2, v3 := h.v0, h.v1, h.v2, h.v3
	h.n += len(b) &^ 7
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		v0, v1, v2, v3 = round(v0, v1, v2, v3^w)
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0 ^= w
	}
	h.v0, h.v1, h.v2, h.v3 = v0, v1, v2, v3
	if len(b) > 0 {
		h.Word(partial(b))
	}
}

// Folded is Field with ASCII letters taken as lower case, for hosts.
func (h *Hash) Folded(b []byte) {
	h.Word(uint64(len(b)))
	var w uint64
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		w |= uint64(c) << (8 * (i & 7))
		if i&7 == 7 {
			h.Word(w)
			w = 0
		}
	}
	if len(b)&7 != 0 {
		h.Word(w)
	}
}

func partial(b []byte) (w uint64) {
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

// Sum ends a hash of 64 bits.
func (h *Hash) Sum() uint64 {
	h.Word(uint64(h.n) << 56)
	h.v2 ^= 0xff
	return h.finish()
}

// SumWide ends a hash of 128 bits.
func (h *Hash) SumWide() (lo, hi uint64) {
	h.Word(uint64(h.n) << 56)
	h.v2 ^= 0xee
	lo = h.finish()
	h.v1 ^= 0xdd
	return lo, h.finish()
}

func (h *Hash) finish() uint64 {
	v0, v1, v2, v3 := round(h.v0, h.v1, h.v2, h.v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	h.v0, h.v1, h.v2, h.v3 = round(v0, v1, v2, v3)
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}
