package digits

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Longest finds what a loop over all prefixes finds.
func TestLongest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digit := rapid.SampledFrom([]byte("01+#"))
		text := rapid.SliceOfN(digit, 0, 7)
		keys := rapid.SliceOfDistinct(text, func(b []byte) string { return string(b) }).Draw(t, "keys")
		trie := New(func(i int) []byte { return keys[i] })
		for i := range keys {
			if err := trie.Insert(i); err != nil {
				t.Fatal(err)
			}
		}
		end := rapid.SampledFrom([]string{"", "x", ";a"}).Draw(t, "end")
		number := append(text.Draw(t, "number"), end...)
		want := -1
		for i, k := range keys {
			if bytes.HasPrefix(number, k) && (want < 0 || len(k) > len(keys[want])) {
				want = i
			}
		}
		if got := trie.Longest(number); got != want {
			t.Errorf("%q of %q: want %d, got %d", number, keys, want, got)
		}
	})
}

func TestCheck(t *testing.T) {
	for text, good := range map[string]bool{"": true, "+49*#": true, "49 ": false, "4a": false} {
		if err := Check(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	trie := New(func(int) []byte { return []byte("4x") })
	if trie.Insert(0) == nil {
		t.Error("4x is a prefix")
	}
}
