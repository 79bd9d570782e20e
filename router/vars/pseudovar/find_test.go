package pseudovar

import "testing"

func TestFind(t *testing.T) {
	for _, c := range []struct{ text, word, here string }{
		{"$rU", "$rU", "write {ruri.user}"},
		{"call to $ru from $si", "$ru", "write {ruri}"},
		{"$(ru{uri.params})", "$(ru", "write {ruri}"},
		{"$(hdr(X)[1])", "$(hdr", "write {headers.X}"},
		{"$du", "$du", "there is none in a policy: " + noNextHop},
		{"^0[1-9]$", "", ""},
		{"(foo$|bar)", "", ""},
		{"costs $5, $run", "", ""},
		{"{ruri.user | replace('(.)', '$1')}", "", ""},
	} {
		word, here, found := Find(c.text)
		if word != c.word || here != c.here || found != (c.word != "") {
			t.Errorf("%q: %q %q %v, want %q %q", c.text, word, here, found, c.word, c.here)
		}
	}
}
