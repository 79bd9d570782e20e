package memory

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sipedge/backends"
)

// A scan comes by every binding that was there all the time, by none twice, and shows it as a
// look-up does, while others come and go.
func TestScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(backends.Names{})
		set := func(aor string, n int) {
			err := s.Update(ctx, []byte(aor), epoch, change(func(set *backends.Set) bool {
				set.Bindings = set.Bindings[:min(n, len(set.Bindings))]
				for len(set.Bindings) < n {
					set.Bindings = append(set.Bindings, backends.Binding{
						Contact: fmt.Appendf(nil, "sip:%d", len(set.Bindings)), Modified: epoch,
						Expires: epoch.Add(time.Hour),
					})
				}
				return true
			}))
			if err != nil {
				t.Fatal(err)
			}
		}
		stay, come := rapid.IntRange(0, 300).Draw(t, "stay"), rapid.IntRange(0, 300).Draw(t, "come")
		for i := range stay {
			set(fmt.Sprint("stays", i), 1+i%3)
		}
		for i := range come {
			set(fmt.Sprint("goes", i), 1+i%2)
		}
		seen := map[uint64]bool{}
		counts := map[string]int{}
		places := rapid.IntRange(1, 100).Draw(t, "places")
		for from, n := uint64(0), 0; n == 0 || from != 0; n++ {
			looked := 0
			from = s.Scan(epoch, from, places, func(aor []byte, b *backends.Binding) {
				looked++
				if seen[b.ID] {
					t.Fatalf("%s: %s twice", aor, b.Contact)
				}
				seen[b.ID] = true
				counts[string(aor)]++
			})
			if looked > places {
				t.Fatalf("%d bindings at %d places", looked, places)
			}
			if come > 0 {
				set(fmt.Sprint("goes", n%come), rapid.IntRange(0, 4).Draw(t, "becomes"))
			}
		}
		for i := range stay {
			if aor := fmt.Sprint("stays", i); counts[aor] != 1+i%3 {
				t.Fatalf("%s: %d bindings were seen, want %d", aor, counts[aor], 1+i%3)
			}
		}
		if s.Scan(epoch.Add(time.Hour), 0, 1<<20, func([]byte, *backends.Binding) {
			t.Fatal("what expired is shown")
		}); s.Scan(epoch, 1<<60, 1, nil) != 0 {
			t.Fatal("there is something behind the last place")
		}
	})
}
