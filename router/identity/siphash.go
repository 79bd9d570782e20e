package identity

import (
	"encoding/binary"
	"math/bits"
)

// hash is a running SipHash-2-4 (Aumasson and Bernstein, 2012) over fields.
// A field is fed as its length and its bytes, each padded to words of eight
// bytes, so that no two lists of fields are fed alike.
type hash struct {
	v0, v1, v2, v3 uint64
	n              int // bytes fed
}

// key is the key of one use of the hash.
type key struct{ k0, k1 uint64 }

func newKey(b []byte) key {
	return key{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (k key) start() hash {
	return hash{
		v0: k.k0 ^ 0x736f6d6570736575,
		v1: k.k1 ^ 0x646f72616e646f6d,
		v2: k.k0 ^ 0x6c7967656e657261,
		v3: k.k1 ^ 0x7465646279746573,
	}
}

func (h *hash) round() {
	h.v0 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
	h.v0 = bits.RotateLeft64(h.v0, 32)
	h.v2 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
	h.v0 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
	h.v2 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
	h.v2 = bits.RotateLeft64(h.v2, 32)
}

func (h *hash) word(w uint64) {
	h.v3 ^= w
	h.round()
	h.round()
	h.v0 ^= w
	h.n += 8
}

func (h *hash) field(b []byte) {
	h.word(uint64(len(b)))
	for len(b) >= 8 {
		h.word(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	if len(b) > 0 {
		h.word(partial(b))
	}
}

// folded is field with ASCII letters taken as lower case, for hosts.
func (h *hash) folded(b []byte) {
	h.word(uint64(len(b)))
	var w uint64
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		w |= uint64(c) << (8 * (i & 7))
		if i&7 == 7 {
			h.word(w)
			w = 0
		}
	}
	if len(b)&7 != 0 {
		h.word(w)
	}
}

func partial(b []byte) (w uint64) {
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}

func (h *hash) sum() uint64 {
	h.word(uint64(h.n) << 56)
	h.v2 ^= 0xff
	h.round()
	h.round()
	h.round()
	h.round()
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}
