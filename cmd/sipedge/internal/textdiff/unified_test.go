package textdiff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnified(t *testing.T) {
	var long []string
	for n := range 20 {
		long = append(long, fmt.Sprint(n))
	}
	from := strings.Join(long, "\n") + "\n"
	to := strings.NewReplacer("\n3\n", "\nthree\n", "\n17\n", "\n", "\n19\n", "\n19").Replace(from)
	for _, c := range []struct{ from, to, want string }{
		{"a\n", "a\n", ""},
		{"", "a\n", "@@ -1,0 +1,1 @@\n+a\n"},
		{from, to, "@@ -1,7 +1,7 @@\n 0\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n" +
			"@@ -15,6 +15,5 @@\n 14\n 15\n 16\n-17\n 18\n-19\n+19\n\\ No newline at end of file\n"},
	} {
		want := "--- old\n+++ new\n" + c.want
		if d := cmp.Diff(want, Unified("old", "new", c.from, c.to)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	}
}
