package load

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// What the masks say of the first marked byte is what a loop over the bytes finds.
func TestMasks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b [8]byte
	for range 200_000 {
		for i := range b {
			b[i] = byte(random.IntN(256))
			if random.IntN(2) == 0 {
				b[i] = "\x00 !:\x7f\x80\xffa"[random.IntN(8)]
			}
		}
		c, limit := b[random.IntN(8)], byte(random.IntN(0x81))
		word := binary.LittleEndian.Uint64(b[:])
		check(t, b, Equal(word, c), func(x byte) bool { return x == c })
		check(t, b, Under(word, limit), func(x byte) bool { return x < limit })
	}
}

func check(t *testing.T, b [8]byte, mask uint64, marked func(byte) bool) {
	t.Helper()
	want := 0
	for want < 8 && !marked(b[want]) {
		want++
	}
	if want == 8 {
		if mask != 0 {
			t.Fatalf("%q: %x, want nothing marked", b, mask)
		}
		return
	}
	if got := First(mask); got != want {
		t.Fatalf("%q: the first marked is %d, want %d", b, got, want)
	}
	if got, want := Through(mask), ^uint64(0)>>(56-8*want); got != want {
		t.Fatalf("%q: through %x, want %x", b, got, want)
	}
}

func TestBytes(t *testing.T) {
	b := []byte("0123456789abcdef")
	p := At(b)
	for i := range len(b) - 7 {
		if p.Byte(i) != b[i] || p.Four(i) != binary.LittleEndian.Uint32(b[i:]) ||
			p.Eight(i) != binary.LittleEndian.Uint64(b[i:]) {
			t.Errorf("at %d: %x %x %x", i, p.Byte(i), p.Four(i), p.Eight(i))
		}
	}
}
