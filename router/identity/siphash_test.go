package identity

import (
	"encoding/binary"
	"testing"
)

// The vectors of the reference implementation for whole words: the key is
// 00 01 … 0f, the message 00 01 … of that length.
func TestSipHashVectors(t *testing.T) {
	var b [16]byte
	for i := range b {
		b[i] = byte(i)
	}
	want := map[int]string{
		0:  "\x31\x0e\x0e\xdd\x47\xdb\x6f\x72",
		8:  "\x62\x24\x93\x9a\x79\xf5\xf5\x93",
		16: "\xdb\x9b\xc2\x57\x7f\xcc\x2a\x3f",
	}
	for n, w := range want {
		h := newKey(b[:]).start()
		for i := 0; i < n; i += 8 {
			h.word(binary.LittleEndian.Uint64(b[i:]))
		}
		if got := h.sum(); got != binary.LittleEndian.Uint64([]byte(w)) {
			t.Errorf("%d bytes: want %x, got %x", n, w, got)
		}
	}
}

// No two lists of fields are fed alike.
func TestHashFields(t *testing.T) {
	lists := [][]string{
		{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a\x00"}, {"ab"}, {"a", "b"},
		{"12345678"}, {"1234567", "8"}, {"12345678", ""}, {"123456789"}, {"12345678", "9"},
	}
	seen := map[uint64][]string{}
	for _, l := range lists {
		h := key{1, 2}.start()
		for _, f := range l {
			h.field([]byte(f))
		}
		sum := h.sum()
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q are the same", l, other)
		}
		seen[sum] = l
	}
}

func TestHashFolded(t *testing.T) {
	sum := func(s string) uint64 {
		h := key{1, 2}.start()
		h.folded([]byte(s))
		return h.sum()
	}
	if sum("Edge.Example.NET") != sum("edge.example.net") {
		t.Error("case matters")
	}
	if sum("edge.example.net") == sum("edge.example.org") {
		t.Error("the last byte does not matter")
	}
	h := key{1, 2}.start()
	h.field([]byte("edge.example.net"))
	if h.sum() != sum("EDGE.example.net") {
		t.Error("folded differs from field of the folded text")
	}
}

func TestMAC(t *testing.T) {
	const v = 0x00ab_cdef_0123_4567
	got := appendMAC(nil, v)
	if string(got) != "00abcdef01234567" {
		t.Fatalf("got %s", got)
	}
	if !isMAC(got, v) || isMAC(got[1:], v) || isMAC(got, v+1) || isMAC(nil, v) {
		t.Error("isMAC")
	}
	for _, n := range []uint64{0, 9, 10, 255, 1 << 63, 1<<64 - 1} {
		if back, ok := parseHex(appendHex(nil, n)); !ok || back != n {
			t.Errorf("%x: got %x", n, back)
		}
	}
	for _, s := range []string{"", "g", "1F", "12345678123456781"} {
		if _, ok := parseHex([]byte(s)); ok {
			t.Errorf("%q was read", s)
		}
	}
}
