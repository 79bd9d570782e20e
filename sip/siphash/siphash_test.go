package siphash

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// The vectors of the reference implementation for whole words: the key is
// 00 01 … 0f, the message 00 01 … of that length.
func TestVectors(t *testing.T) {
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
		h := NewKey(b[:]).Start()
		for i := 0; i < n; i += 8 {
			h.Word(binary.LittleEndian.Uint64(b[i:]))
		}
		if got := h.Sum(); got != binary.LittleEndian.Uint64([]byte(w)) {
			t.Errorf("%d bytes: want %x, got %x", n, w, got)
		}
	}
}

func TestWideVectors(t *testing.T) {
	var b [16]byte
	for i := range b {
		b[i] = byte(i)
	}
	for n, want := range map[int]string{
		0: "a3817f04ba25a8e66df67214c7550293",
		8: "3b62a9ba6258f5610f83e264f31497b4",
	} {
		h := NewKey(b[:]).StartWide()
		for i := 0; i < n; i += 8 {
			h.Word(binary.LittleEndian.Uint64(b[i:]))
		}
		lo, hi := h.SumWide()
		got := binary.LittleEndian.AppendUint64(nil, lo)
		got = binary.LittleEndian.AppendUint64(got, hi)
		if hex.EncodeToString(got) != want {
			t.Errorf("%d bytes: want %s, got %x", n, want, got)
		}
	}
}

// No two lists of fields are fed alike.
func TestFields(t *testing.T) {
	lists := [][]string{
		{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a\x00"}, {"ab"}, {"a", "b"},
		{"12345678"}, {"1234567", "8"}, {"12345678", ""}, {"123456789"}, {"12345678", "9"},
	}
	seen := map[uint64][]string{}
	for _, l := range lists {
		h := Key{1, 2}.Start()
		for _, f := range l {
			h.Field([]byte(f))
		}
		sum := h.Sum()
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q are the same", l, other)
		}
		seen[sum] = l
	}
}

func TestFolded(t *testing.T) {
	sum := func(s string) uint64 {
		h := Key{1, 2}.Start()
		h.Folded([]byte(s))
		return h.Sum()
	}
	if sum("Edge.Example.NET") != sum("edge.example.net") {
		t.Error("case matters")
	}
	if sum("edge.example.net") == sum("edge.example.org") {
		t.Error("the last byte does not matter")
	}
	h := Key{1, 2}.Start()
	h.Field([]byte("edge.example.net"))
	if h.Sum() != sum("EDGE.example.net") {
		t.Error("folded differs from field of the folded text")
	}
}
