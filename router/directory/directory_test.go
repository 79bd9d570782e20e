package directory

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A directory is a map.
func TestDirectory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab0-9]{0,3}`)
		texts := rapid.SliceOfNDistinct(text, 0, 300, rapid.ID[string]).Draw(t, "texts")
		want := map[string]int{}
		d := Make(texts, func(s string) int {
			want[s] = len(want)
			return want[s]
		})
		for _, asked := range append(texts, rapid.SliceOfN(text, 20, 20).Draw(t, "others")...) {
			at, there := want[asked]
			if got := d.Find([]byte(asked)); (got != nil) != there || there && *got != at {
				t.Fatalf("%q: got %v, want %d, %v", asked, got, at, there)
			}
		}
		var all []string
		for s := range d.All {
			all = append(all, s)
		}
		if !slices.Equal(all, texts) {
			t.Fatalf("all are %q, want %q", all, texts)
		}
	})
}

func TestEmpty(t *testing.T) {
	var d Of[int]
	if d.Find([]byte("a")) != nil || d.Find(nil) != nil {
		t.Error("there is something in an empty directory")
	}
}

func TestFindAllocates(t *testing.T) {
	d := Make([]string{"a", "b"}, func(string) int { return 0 })
	key := []byte("b")
	if n := testing.AllocsPerRun(100, func() { d.Find(key) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
