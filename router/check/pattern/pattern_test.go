package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"sipedge/router/check/pattern"
	"sipedge/schema"
)

// letters are those of all short texts; with %41 and the like there are escapes among them.
const letters = "aAb1%4"

// shortTexts are all texts of up to n letters.
func shortTexts(n int) []string {
	list := []string{""}
	for from := 0; n > 0; n-- {
		to := len(list)
		for _, s := range list[from:to] {
			for _, r := range letters {
				list = append(list, s+string(r))
			}
		}
		from = to
	}
	return list
}

// author writes random patterns.
type author struct{ *rand.Rand }

func (a author) word(most int) string {
	b := make([]byte, 1+a.IntN(most))
	for i := range b {
		b[i] = letters[a.IntN(4)]
	}
	return string(b)
}

func text(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }

// value is a random #Str.
func (a author) value() *schema.Value {
	v := &schema.Value{Kind: schema.Map}
	put := func(name string, value schema.Value) {
		v.Keys = append(v.Keys, schema.Key{Name: name, Value: value})
	}
	for range 1 + a.IntN(2) {
		switch a.IntN(7) {
		case 0:
			put("exact", schema.Value{
				Kind: schema.List, Items: []schema.Value{text(a.word(3)), text(a.word(3))},
			})
		case 1:
			put("prefix", text(a.word(2)))
		case 2:
			put("suffix", text(a.word(2)))
		case 3:
			put("contains", text(a.word(2)))
		case 4:
			put("regex", text([]string{"^a*$", "b$", "^[^b]+$", "a.b|1", `\ba`, "(?i)AB", "^$"}[a.IntN(7)]))
		case 5:
			put("empty", schema.Value{Kind: schema.Bool, B: a.IntN(3) == 0})
		default:
			put("in", text([]string{"words", "starts"}[a.IntN(2)]))
		}
	}
	if a.IntN(3) == 0 {
		put("ignore_case", schema.Value{Kind: schema.Bool, B: true})
	}
	return v
}

func rows(table string) (keys []string, prefixes, ok bool) {
	return []string{"a", "ab", "1b"}, table == "starts", true
}

// lit is a random literal.
func (a author) lit(t *testing.T) pattern.Lit {
	list, ok := pattern.Read(a.value(), false, nil, rows)
	if !ok || len(list) != 1 {
		t.Fatal("a pattern can't be read")
	}
	p := list[0]
	if a.IntN(4) == 0 {
		p = p.Unescaped()
	}
	if a.IntN(3) == 0 {
		in := pattern.Affix{Skip: a.IntN(2), Cut: a.IntN(2)}
		if a.IntN(2) == 0 {
			in.Pre = a.word(1)
		}
		if a.IntN(2) == 0 {
			in.Post = a.word(1)
		}
		if q, ok := p.Within(in); ok {
			p = q
		}
	}
	return pattern.Lit{Pattern: p, Neg: a.IntN(3) == 0}
}

// TestPick holds what Pick says of random literals against all short texts.
func TestPick(t *testing.T) {
	texts := shortTexts(5)
	domain := pattern.NewDomain(`^([aAb14]|%[4A][14A])*$`)
	effort := pattern.NewEffort()
	count := map[pattern.Answer]int{}
	for seed := range uint64(600) {
		a := author{rand.New(rand.NewPCG(seed, 0))}
		lits := make([]pattern.Lit, 1+a.IntN(4))
		for i := range lits {
			lits[i] = a.lit(t)
		}
		s, answer := pattern.Pick(effort, domain, lits)
		count[answer]++
		if answer == pattern.Found && (!pattern.HoldAll(lits, s) || !domain.Has(s)) {
			t.Errorf("seed %d: %q is none", seed, s)
		}
		if answer == pattern.Nothing {
			for _, s := range texts {
				if domain.Has(s) && pattern.HoldAll(lits, s) {
					t.Errorf("seed %d: nothing, but there is %q", seed, s)
					break
				}
			}
		}
	}
	if count[pattern.Found] < 100 || count[pattern.Nothing] < 100 || count[pattern.Unsure] > 0 {
		t.Errorf("got %v", count)
	}
}

// TestWithin holds patterns within others against what they say.
func TestWithin(t *testing.T) {
	for _, in := range [][2]pattern.Affix{
		{{Pre: "1"}, {Skip: 1}},
		{{Skip: 2}, {Pre: "a", Post: "b"}},
		{{Cut: 1}, {Post: "b"}},
		{{Skip: 1, Post: "1"}, {Pre: "ab"}},
		{{Pre: "a", Cut: 2}, {Skip: 1, Post: "4"}},
	} {
		inner, ok := pattern.Contains("a").Within(in[0])
		if !ok {
			t.Fatal(in)
		}
		both, ok := inner.Within(in[1])
		if !ok {
			continue // it says that it can't be said
		}
		for _, s := range shortTexts(4) {
			if len(s) < in[1].Skip+in[1].Cut {
				if both.Holds(s) {
					t.Errorf("%+v holds for %q", in, s)
				}
				continue
			}
			middle := in[1].Pre + s[in[1].Skip:len(s)-in[1].Cut] + in[1].Post
			if both.Holds(s) != inner.Holds(middle) {
				t.Errorf("%+v of %q is not that of %q", in, s, middle)
			}
		}
	}
}

// TestEffort: a search that is too long says so.
func TestEffort(t *testing.T) {
	hard := &schema.Value{Kind: schema.Map, Keys: []schema.Key{
		{Name: "regex", Value: text("(a|b)*a(a|b){16}c(a|b){16}$")},
	}}
	list, _ := pattern.Read(hard, false, nil, rows)
	lits := []pattern.Lit{{Pattern: list[0]}}
	for i := range 9 {
		lits = append(lits, pattern.Lit{Pattern: pattern.Contains(fmt.Sprintf("aab%d", i))})
	}
	d := pattern.NewDomain("^[a-c0-9]*$")
	if s, a := pattern.Pick(pattern.NewEffort(), d, lits); a != pattern.Unsure {
		t.Errorf("a search that can't end in time says %d, %q", a, s)
	}
	spent := pattern.NewEffort()
	for spent.Spend(1000) {
	}
	if s, a := pattern.Pick(spent, d, lits[:1]); a != pattern.Unsure {
		t.Errorf("a search without effort says %d, %q", a, s)
	}
	if s, a := pattern.Pick(spent, d, lits[8:9]); a != pattern.Found {
		t.Errorf("a text that is easy to find: %d, %q", a, s)
	}
}
