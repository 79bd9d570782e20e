package rates

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sipedge/schema"
)

var known = []string{"cheap", "dear", "spare"}

// monday is one, in the morning.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func read(t testing.TB, text string) *Table {
	t.Helper()
	table, err := ReadCSV(strings.NewReader(text), 0, known)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// found is what Find finds, in words: lines and sets.
func found(t *Table, q Query) string {
	if q.Random == nil {
		q.Random = func() uint64 { return 0 }
	}
	var all []string
	for _, w := range t.Find(nil, &q) {
		all = append(all, fmt.Sprintf("%d:%s", t.rules[w.Rule].line, t.sets[w.Set]))
	}
	return strings.Join(all, " ")
}

func TestFind(t *testing.T) {
	table := read(t, `gateways,prefix,priority,cost,group,hours,strip,add,attributes
spare,,,,,,,,
dear,49,,0.02,,,,,"land, line"
cheap,49,,0.01,gold,,,,
cheap dear,4930,1,,,,2,00,
spare,4930,,,,sat-sun,,,
dear,4940,,,vip;gold,,,,
`)
	for _, tt := range []struct {
		number, group string
		at            time.Time
		shorter       bool
		want          string
	}{
		{"33", "", monday, false, "2:spare"},
		{"", "", monday, false, "2:spare"},
		{"491", "", monday, false, "3:dear"},
		{"491", "gold", monday, false, "4:cheap 3:dear"},
		{"491", "silver", monday, true, "3:dear 2:spare"},
		{"49301", "", monday, false, "5:cheap 5:dear"},
		{"49301", "gold", monday, true, "5:cheap 5:dear 2:spare"},
		{"49301", "", monday.AddDate(0, 0, 5), false, "6:spare 5:cheap 5:dear"},
		{"4940", "", monday, false, "3:dear"},
		{"4940", "vip", monday, false, "7:dear"},
		{"+4940", "vip", monday, false, "2:spare"},
	} {
		got := found(table, Query{
			Number: []byte(tt.number), Group: []byte(tt.group), Now: tt.at, Shorter: tt.shorter,
		})
		if got != tt.want {
			t.Errorf("%s of %q: want %s, got %s", tt.number, tt.group, tt.want, got)
		}
	}
	edits := map[string]Edit{}
	for i := range table.rules {
		edits[fmt.Sprint(table.rules[i].line)] = table.Edit(int32(i))
	}
	if e := edits["5"]; e.Strip != 2 || string(e.Add) != "00" || len(e.Attributes) != 0 {
		t.Errorf("line 5: %+v", e)
	}
	if e := edits["3"]; e.Strip != 0 || string(e.Attributes) != "land, line" {
		t.Errorf("line 3: %+v", e)
	}
	if got := found(read(t, "gateways\n"), Query{Number: []byte("1")}); got != "" {
		t.Errorf("of an empty table: %s", got)
	}
}

// loose is a row of the oracle.
type loose struct {
	row            Row
	line           int
	priority, cost int
}

// when is what the hours of the oracle mean, from the monday on.
var when = map[string]func(t time.Time) bool{
	"":    func(time.Time) bool { return true },
	"mon": func(t time.Time) bool { return t.Weekday() == time.Monday },
	"sun": func(t time.Time) bool { return t.Weekday() == time.Sunday },
	"20260302T080000||10H|DAILY||2": func(t time.Time) bool {
		return t.YearDay()%2 == monday.YearDay()%2 && t.Hour() >= 8 && t.Hour() < 18
	},
	"20260301T220000||4H|WEEKLY|||SU": func(t time.Time) bool {
		return t.Weekday() == time.Sunday && t.Hour() >= 22 || t.Weekday() == time.Monday && t.Hour() < 2
	},
}

// naive is what a loop over all rows finds.
func naive(rows []loose, q *Query) string {
	var all, sets []string
	for n := len(q.Number); n >= 0; n-- {
		fit := slices.DeleteFunc(slices.Clone(rows), func(r loose) bool {
			g := r.row[group]
			return r.row[prefix] != string(q.Number[:n]) ||
				g != "" && !slices.Contains(strings.Fields(g), string(q.Group)) ||
				!when[r.row[times]](q.Now)
		})
		slices.SortStableFunc(fit, func(a, b loose) int {
			return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.cost, b.cost))
		})
		for _, r := range fit {
			for _, set := range strings.Fields(r.row[gateways]) {
				if !slices.Contains(sets, set) {
					sets = append(sets, set)
					all = append(all, fmt.Sprintf("%d:%s", r.line, set))
				}
			}
		}
		if len(all) > 0 && !q.Shorter {
			break
		}
	}
	return strings.Join(all, " ")
}

// Find finds what trying every row does, in its order.
func TestFindIsExhaustive(t *testing.T) {
	number := rapid.StringMatching(`[12]{0,5}`)
	name := rapid.SampledFrom(known)
	hours := rapid.SampledFrom(slices.Sorted(maps.Keys(when)))
	rapid.Check(t, func(t *rapid.T) {
		var rows []loose
		seen := map[[4]string]bool{}
		b := NewBuilder(known, 0)
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			r := loose{
				line:     len(rows) + 1,
				priority: rapid.IntRange(0, 1).Draw(t, "priority"),
				cost:     rapid.IntRange(0, 3).Draw(t, "cost"),
			}
			r.row = Row{
				prefix:   number.Draw(t, "prefix"),
				gateways: strings.Join(rapid.SliceOfN(name, 1, 2).Draw(t, "gateways"), " "),
				priority: fmt.Sprint(r.priority), cost: fmt.Sprintf("0.%02d", r.cost),
				group: rapid.SampledFrom([]string{"", "a", "a b"}).Draw(t, "group"),
				times: hours.Draw(t, "hours"),
			}
			key := [4]string{r.row[prefix], r.row[gateways], r.row[group], r.row[times]}
			if seen[key] {
				continue
			}
			seen[key] = true
			rows = append(rows, r)
			if err := b.Add(r.line, &r.row); err != nil {
				t.Fatal(err)
			}
		}
		table, err := b.Table()
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			q := Query{
				Number:  []byte(number.Draw(t, "number")),
				Now:     monday.Add(time.Duration(rapid.IntRange(0, 14*24).Draw(t, "now")) * time.Hour),
				Group:   []byte(rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "of")),
				Shorter: rapid.Bool().Draw(t, "shorter"),
			}
			if got, want := found(table, q), naive(rows, &q); got != want {
				t.Fatalf("%s of %q at %v: want %q, got %q", q.Number, q.Group, q.Now, want, got)
			}
		}
	})
}

// Of equals each comes first as often as its weight says: within four times the deviation that
// chance has.
func TestWeights(t *testing.T) {
	table := read(t, "prefix,gateways,weight\n1,cheap,70\n1,dear,20\n1,spare,10\n")
	random := rand.New(rand.NewPCG(1, 2))
	const calls = 100_000
	count := map[string]int{}
	for range calls {
		first, _, _ := strings.Cut(found(table, Query{Number: []byte("1"), Random: random.Uint64}), " ")
		count[first]++
	}
	for line, share := range map[string]float64{"2:cheap": 0.7, "3:dear": 0.2, "4:spare": 0.1} {
		if got := float64(count[line]) / calls; got < share-0.006 || got > share+0.006 {
			t.Errorf("%s came first in %v, want %v", line, got, share)
		}
	}
}

// A way is found by its bound at most, whatever a prefix has.
func TestMost(t *testing.T) {
	var sets []string
	var text strings.Builder
	text.WriteString("prefix,gateways\n")
	for i := range 100 {
		sets = append(sets, fmt.Sprint("s", i))
		fmt.Fprintf(&text, "1,s%d\n", i)
	}
	table, err := ReadCSV(strings.NewReader(text.String()), 0, sets)
	if err != nil {
		t.Fatal(err)
	}
	got := table.Find(nil, &Query{Number: []byte("12"), Random: rand.Uint64})
	if len(got) != Most {
		t.Errorf("%d ways, want %d", len(got), Most)
	}
}

func TestMistakes(t *testing.T) {
	const cost = ": like 0.0125, six digits behind the point"
	for text, want := range map[string]string{
		"":                   "the first line names the columns: prefix, gateways, cost …",
		"prefix,gateway|":    `line 1: "gateway" is no column; did you mean gateways?`,
		"prefix,add,prefix|": "line 1: the column prefix stands there twice",
		"prefix,gateways|1,cheap,2|": "line 2: it has more or fewer columns than the first line " +
			"names",
		"prefix,gateways|1,\"cheap|": `line 2: extraneous or missing " in quoted-field`,
		"prefix,gateways||1,chaep|": `line 3: gateways: there is no set of gateways "chaep"; ` +
			"did you mean cheap?",
		"prefix,gateways|1,|":           "line 2: gateways: a row has 1 to 16 sets of gateways",
		"prefix|1|":                     "line 2: gateways: a row has 1 to 16 sets of gateways",
		"prefix,gateways|4x,cheap|":     `line 2: prefix: "4x" is no prefix: digits, +, * and #`,
		"gateways,add|cheap,a|":         `line 2: add: "a" is no prefix: digits, +, * and #`,
		"gateways,strip|cheap,33|":      `line 2: strip: "33" is no number from 0 to 32`,
		"gateways,weight|cheap,0|":      `line 2: weight: "0" is no number from 1 to 1000`,
		"gateways,priority|cheap,-1|":   `line 2: priority: "-1" is no number from 0 to 65535`,
		"gateways,cost|cheap,-1|":       `line 2: cost: "-1" is no cost` + cost,
		"gateways,cost|cheap,+1|":       `line 2: cost: "+1" is no cost` + cost,
		"gateways,cost|cheap,1.|":       `line 2: cost: "1." is no cost` + cost,
		"gateways,cost|cheap,.5|":       `line 2: cost: ".5" is no cost` + cost,
		"gateways,cost|cheap,0.0000001": `line 2: cost: "0.0000001" is no cost` + cost,
		"gateways,cost|cheap,\"1,5\"|":  `line 2: cost: "1,5" is no cost` + cost,
		"gateways,hours|cheap,8-9|": `line 2: hours: "8-9" are no times of day; ` +
			"write them like 08:00-18:30",
		"gateways,prefix|cheap,1|dear,1|cheap,1|": "line 4: prefix, gateways, group and hours are " +
			"those of line 2",
		"gateways,attributes|cheap," + strings.Repeat("a", 1025): "line 2: attributes are at most " +
			"1024 bytes",
		"gateways,group|cheap," + strings.Repeat("a ", 65): "line 2: group: a row has at most " +
			"64 groups",
		"gateways,group|" + manyGroups(): `line 1002: more than 1000 rows have the prefix ""`,

		"gateways,prefix|cheap," + strings.Repeat("1", 33): "line 2: prefix: more than 32 digits",
	} {
		text = strings.ReplaceAll(text, "|", "\n")
		if _, err := ReadCSV(strings.NewReader(text), 0, known); err == nil || err.Error() != want {
			t.Errorf("%.60q: want %s, got %v", text, want, err)
		}
	}
}

func manyGroups() string {
	var b strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&b, "cheap,g%d\n", i)
	}
	return b.String()
}

// Rows in YAML are those of a CSV file, and mistakes have their place.
func TestReadValues(t *testing.T) {
	values := func(text string) *schema.Value {
		v, diags := schema.ReadData("rates.yaml", []byte(text))
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		return &v
	}
	table, diags := ReadValues(values(
		"- {prefix: \"1\", gateways: [cheap, dear], cost: 0.5, group: [a, b]}\n"+
			"- {gateways: spare, priority: 1, hours: mon}\n"), known)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	want := read(t, "prefix,gateways,cost,group,priority,hours\n1,cheap dear,0.5,a b,,\n"+
		",spare,,,1,mon\n")
	for i := range want.rules {
		want.rules[i].line-- // a file has a header
	}
	if !table.Equal(want) {
		t.Errorf("want %+v, got %+v", want, table)
	}
	for text, want := range map[string]string{
		"{a: b}": "rates.yaml:1:1: a list of rows is expected here",
		"- 1":    "rates.yaml:1:3: a row is a map of its columns",
		"- {gateway: cheap}": `rates.yaml:1:4: "gateway" is no column; ` +
			"did you mean gateways?",
		"- {gateways: cheap, prefix: 1}":  "rates.yaml:1:29: a text is expected here: put it in quotes",
		"- {gateways: cheap, cost: true}": "rates.yaml:1:27: a text or a number is expected here",
		"- {gateways: cheap}\n- {gateways: [cheap]}": "rates.yaml:1:1: line 2: prefix, gateways, group " +
			"and hours are those of line 1",
		"- {gateways: dead}": `rates.yaml:1:3: gateways: there is no set of gateways "dead"; ` +
			"did you mean dear?",
	} {
		_, diags := ReadValues(values(text), known)
		if len(diags) != 1 || fmt.Sprintf("%v: %s", diags[0].Pos, diags[0].Message) != want {
			t.Errorf("%s: want %s, got %v", text, want, diags)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("prefix,gateways,priority,cost,weight,group,hours,strip,add,attributes\n" +
		"49,cheap dear,1,0.01,3,\"a,b\",mon-fri 08:00-18:00 Europe/Berlin,2,00,x\n,spare,,,,,,,,\n")
	f.Add("\ufeffgateways;prefix\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ReadCSV(strings.NewReader(text), 0, known)
		if err != nil {
			return
		}
		for i := range table.rules {
			number := append(table.prefix(&table.rules[i]), "12"...)
			for _, w := range table.Find(nil, &Query{
				Number: slices.Clone(number), Now: monday, Shorter: true, Random: func() uint64 { return 7 },
			}) {
				if e := table.Edit(w.Rule); len(e.Add) > mostDigits || int(w.Set) >= len(known) {
					t.Fatalf("%+v of %d: %+v", w, i, e)
				}
			}
		}
	})
}

// People are told of every row that a number meets, and why it does not count.
func TestTell(t *testing.T) {
	table := read(t, `prefix,gateways,cost,group,hours,add
49,dear,0.0125,,,
4930,cheap spare,3,gold,,00
4930,spare,,,sun,
5,dear,,,,
,spare,10,,,
`)
	var got []string
	for _, r := range table.Tell(&Query{Number: []byte("49301"), Now: monday}) {
		got = append(got, fmt.Sprint(r.Line, " ", r.Prefix, " ", r.Cost, r.Sets, r.Add, " ", r.Why))
	}
	want := []string{
		"4 4930 0[spare] 2", "3 4930 3[cheap spare]00 1", "2 49 0.0125[dear] 0", "6  10[spare] 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %q, got %q", want, got)
	}
}
