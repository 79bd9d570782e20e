package table

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var pieces = []string{"a", "b", "ab", ".", "[a-c]", "[^a]", "é", "(?i:É)", "\\d", "\\w", "\\s",
	"^", "$", "\\b", "\\B", "(?m:^)", "(?m:$)", "\\A", "\\z", "(?s:.)", "k", "(?i:k)",
	"\\pL", "x*", "[α-ω]", "\ufffd"}

func drawExpr(t *rapid.T) string {
	var b strings.Builder
	for range rapid.IntRange(0, 5).Draw(t, "pieces") {
		p := rapid.SampledFrom(pieces).Draw(t, "piece")
		switch rapid.IntRange(0, 6).Draw(t, "form") {
		case 0:
			p = "(" + p + "|" + rapid.SampledFrom(pieces).Draw(t, "or") + ")"
		case 1:
			p = "(?:" + p + ")*"
		case 2:
			p = "(?:" + p + ")+?"
		case 3:
			p = "(?:" + p + "){1,2}"
		}
		b.WriteString(p)
	}
	return b.String()
}

// The automaton says of every expression what package regexp says, of any bytes.
func TestDFAIsRegexp(t *testing.T) {
	bytes := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "é", "É", "\n", " ", "1",
		"_", "k", "K", "\u212a", "x", "λ", "\xff", "\xc3", "\ufffd", "日"}), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		exprs := rapid.SliceOfN(rapid.Custom(drawExpr), 1, 6).Draw(t, "expressions")
		d, ok := newDFA(exprs)
		if !ok {
			t.Skip("too large")
		}
		for range 10 {
			b := []byte(strings.Join(bytes.Draw(t, "text"), ""))
			var bits [dfaPatterns / 64]uint64
			d.match(b, &bits)
			for i, expr := range exprs {
				want := regexp.MustCompile(expr).Match(b)
				if got := bits[i/64]&(1<<(i%64)) != 0; got != want {
					t.Fatalf("%q in %q: want %v, got %v", expr, b, want, got)
				}
			}
		}
	})
}

func TestDFAIsBounded(t *testing.T) {
	if _, ok := newDFA([]string{"a.{40}b.{40}c", "(a|b)*a(a|b){20}"}); ok {
		t.Error("no bound")
	}
	if _, ok := newDFA(slices.Repeat([]string{"a"}, dfaPatterns+1)); ok {
		t.Error("no bound of expressions")
	}
}
