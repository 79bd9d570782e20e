package dfa

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
		set := NewSet(exprs)
		for range 10 {
			b := []byte(strings.Join(bytes.Draw(t, "text"), ""))
			got := matching(set, b, len(exprs))
			for i, expr := range exprs {
				if want := regexp.MustCompile(expr).Match(b); got[i] != want {
					t.Fatalf("%q in %q: want %v, got %v", expr, b, want, got[i])
				}
			}
		}
	})
}

func TestDFAIsBounded(t *testing.T) {
	if _, ok := New([]string{"a.{40}b.{40}c", "(a|b)*a(a|b){20}"}); ok {
		t.Error("no bound")
	}
	if _, ok := New(slices.Repeat([]string{"a"}, Max+1)); ok {
		t.Error("no bound of expressions")
	}
}

func matching(set Set, b []byte, n int) []bool {
	got := make([]bool, n)
	for _, p := range set {
		var bits Bits
		p.Match(b, &bits)
		for i := range p.Len {
			got[p.First+i] = bits[i/64]&(1<<(i%64)) != 0
		}
	}
	return got
}

// What is too large is cut, and answers the same.
func TestSetIsCut(t *testing.T) {
	exprs := []string{"a.{40}b.{40}c", "^x", "(a|b)*a(a|b){20}", "y$"}
	set := NewSet(exprs)
	if len(set) < 3 {
		t.Errorf("%d parts", len(set))
	}
	for _, text := range []string{"x", "y", "xy", "a" + strings.Repeat("ab", 15), ""} {
		for i, got := range matching(set, []byte(text), len(exprs)) {
			if want := regexp.MustCompile(exprs[i]).MatchString(text); got != want {
				t.Errorf("%q in %q: want %v, got %v", exprs[i], text, want, got)
			}
		}
	}
}
