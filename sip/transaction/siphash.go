package transaction

import (
	"encoding/binary"
	"math/bits"
)

// sum128 is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein).
// What peers send is hashed with it under a secret, so nobody outside can
// make two transactions meet in a bucket or guess a branch.
func sum128(secret *[16]byte, b []byte) (lo, hi uint64) {
	k0 := binary.LittleEndian.Uint64(secret[:8])
	k1 := binary.LittleEndian.Uint64(secret[8:])
	v := sipState{
		k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
	}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		v.add(binary.LittleEndian.Uint64(b))
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	v.add(last)
	v.c ^= 0xee
	lo = v.finish()
	v.b ^= 0xdd
	return lo, v.finish()
}

type sipState struct{ a, b, c, d uint64 }

func (v *sipState) add(m uint64) {
	v.d ^= m
	v.round()
	v.round()
	v.a ^= m
}

func (v *sipState) finish() uint64 {
	for range 4 {
		v.round()
	}
	return v.a ^ v.b ^ v.c ^ v.d
}

func (v *sipState) round() {
	v.a += v.b
	v.b = bits.RotateLeft64(v.b, 13) ^ v.a
	v.a = bits.RotateLeft64(v.a, 32)
	v.c += v.d
	v.d = bits.RotateLeft64(v.d, 16) ^ v.c
	v.a += v.d
	v.d = bits.RotateLeft64(v.d, 21) ^ v.a
	v.c += v.b
	v.b = bits.RotateLeft64(v.b, 17) ^ v.c
	v.c = bits.RotateLeft64(v.c, 32)
}
