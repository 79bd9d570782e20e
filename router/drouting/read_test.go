package drouting

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/router/rates"
	"sipedge/schema"
)

var (
	known = []string{"a", "b", "c", "d", "many"}
	decl  = &schema.Drouting{Single: []schema.Single{
		{Set: "a", URI: "sip:10.0.0.1"}, {Set: "b", URI: "sip:gw.example.net:5070"},
		{Set: "c", URI: "sip:10.0.0.3;transport=tcp"}, {Set: "d", URI: "sips:10.0.0.4"},
	}}
	// GW1 to gw4 are a to d, off is disabled, four is d with what is done at GW1.
	peers = rows(`GW1,10.0.0.1:5060,0,,one,0
gw2,sip:GW.example.net:5070,2,00,two,2
gw3,10.0.0.3;transport=TCP,0,,,0
4,sips:10.0.0.4:5061,0,#,,0
off,10.0.0.1,0,,,1
lost,10.9.9.9,0,,,0
four,sips:10.0.0.4,0,,one,0
`)
	groups = rows(`all,"GW1,gw2,gw3",0,N,0
best,"gw2,GW1",1,N,0
mixed,"GW1=70,gw2=30,gw3",0,W,0
first,"GW1=70,gw2=30",1,W,0
one,"off,4",0,N,0
down,GW1,2,N,0
ended,GW1,0,N,1
pair,"GW1,four",0,N,0
behind,"four,GW1=5",0,W,0
quality,"GW1,gw2",0,Q,0
wide,"GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1,GW1",0,N,0
`)
)

// rows reads lines of CSV as rows.
func rows(text string) (list []backends.Row) {
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err)
	}
	for _, cells := range lines {
		var row backends.Row
		for _, cell := range cells {
			row = append(row, cell)
		}
		list = append(list, row)
	}
	return list
}

// found is what a rule table finds for a number: rules and sets, with what the user becomes.
func found(t *rates.Table, number, group string, at time.Time, random func() uint64) string {
	var all []string
	q := rates.Query{Number: []byte(number), Group: []byte(group), Now: at, Random: random}
	for _, w := range t.Find(nil, &q) {
		e := t.Edit(w.Rule)
		all = append(all, fmt.Sprintf("%s-%d+%s", t.Sets()[w.Set], e.Strip, e.Add))
	}
	return strings.Join(all, " ")
}

func first() uint64 { return 0 }

// monday is one, in the morning.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestRead(t *testing.T) {
	table, left, err := Read(&Tables{rows(`1,"1,2",49,,0,,"gw3,gw2",N,
2,1,49,,5,,GW1,,
3,2,,,0,,#all,N,
4,3,49,20260302T080000||10H|WEEKLY|||SA,9,,4,N,
5,3,49,,0,,"#best,#one,off",N,x
6,3,4930,,0,,"#down,#ended,off",N,
7,4,49,,0,,"#one=1,gw3",W,
8,5,49,America/New_York|20260302T080000||10H|DAILY,9,,4,N,
9,5,49,,0,,"4,GW1",N,
`), groups, peers}, decl, known)
	if err != nil || left.Rules > 0 {
		t.Fatal(left, err)
	}
	saturday := monday.AddDate(0, 0, 5)
	for _, tt := range []struct {
		number, group string
		at            time.Time
		want          string
	}{
		{"491", "1", monday, "a-0+ c-0+ b-2+00"}, // the higher priority first
		{"491", "2", monday, "c-0+ b-2+00"},
		{"331", "2", monday, "a-0+ b-2+00 c-0+"},
		{"331", "1", monday, ""},
		{"491", "3", monday, "b-2+00 d-0+#"},
		{"491", "3", saturday, "d-0+# b-2+00"},
		{"49301", "3", monday, "b-2+00 d-0+#"}, // of no gateways: shorter ones
		{"491", "4", monday, "d-0+# c-0+"},
		{"491", "5", monday, "d-0+# a-0+"}, // once, though it is not eight in New York
		{"491", "", monday, ""},
	} {
		if got := found(table, tt.number, tt.group, tt.at, first); got != tt.want {
			t.Errorf("%s of %s: want %q, got %q", tt.number, tt.group, tt.want, got)
		}
	}
	told := table.Tell(&rates.Query{Number: []byte("491"), Group: []byte("3"), Now: monday})
	i := slices.IndexFunc(told, func(one rates.Told) bool { return one.Attributes == "x" })
	if i < 0 || told[i].Line != 5 {
		t.Errorf("of rule 5: %+v", told)
	}
}

// By weight each comes first as often as its weight says, and who has none behind them.
func TestWeights(t *testing.T) {
	for list, want := range map[string][2]string{
		`#mixed,N`:                {"a-0+ b-2+00 c-0+", "b-2+00 a-0+ c-0+"},
		`"GW1=70,gw2=30,gw3",W`:   {"a-0+ b-2+00 c-0+", "b-2+00 a-0+ c-0+"},
		`"#pair=70,gw2=30,gw3",W`: {"a-0+ d-0+ b-2+00 c-0+", "b-2+00 a-0+ d-0+ c-0+"},
		`"#behind=70,gw2=30",W`:   {"a-0+ d-0+ b-2+00", "b-2+00 a-0+ d-0+"},
	} {
		table, _, err := Read(&Tables{rows("1,1,49,,0,," + list + ",\n"), groups, peers}, decl, known)
		if err != nil {
			t.Fatal(err)
		}
		const calls = 20_000
		random, count := rand.New(rand.NewPCG(1, 2)), 0
		for range calls {
			switch got := found(table, "49", "1", monday, random.Uint64); got {
			case want[0]:
				count++
			case want[1]:
			default:
				t.Fatalf("%s: %s", list, got)
			}
		}
		if share := float64(count) / calls; share < 0.685 || share > 0.715 {
			t.Errorf("%s: the first in %v, want 0.7", list, share)
		}
	}
}

// The zone of the table is that of a time without one.
func TestZone(t *testing.T) {
	there := *decl
	there.Zone.S = "America/New_York"
	rules := rows("1,1,,20260302T080000||10H|DAILY,0,,GW1,N,\n")
	for _, tt := range []struct {
		decl *schema.Drouting
		want string
	}{{decl, "a-0+"}, {&there, ""}} {
		table, _, err := Read(&Tables{rules, groups, peers}, tt.decl, known)
		if err != nil {
			t.Fatal(err)
		}
		if got := found(table, "1", "1", monday, first); got != tt.want {
			t.Errorf("zone %q: want %q, got %q", tt.decl.Zone.S, tt.want, got)
		}
	}
}

// What is refused, with its rule.
func TestRefused(t *testing.T) {
	for row, want := range map[string]string{
		`7,1,49,,0,,lost,N,`:             `gateway lost: no set of gateways has "10.9.9.9" alone`,
		`7,1,49,,0,,gw9,N,`:              `rule 7: gwlist: gw9: gw9: there is none of this name`,
		`7,1,49,,0,,#nobody,N,`:          `rule 7: gwlist: #nobody: there is none of this name`,
		`7,1,49,,0,,GW1,X,`:              `rule 7: gwlist: sort_alg: "X" is none of N, W and Q`,
		`7,1,49,,0,,GW1=x,N,`:            `rule 7: gwlist: "GW1=x" has no weight`,
		`7,1,49,,high,,GW1,N,`:           `priority: "high" is no number`,
		`7,1,49,20260302X080000,0,,GW1,`: `is no time`,
		`7,1,4x,,0,,GW1,N,`:              `rule 7: prefix: `,
	} {
		_, _, err := Read(&Tables{oneRule(row), groups, peers}, decl, known)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", row, err, want)
		}
	}
}

// oneRule is a row of rules, whose last cells may be missing.
func oneRule(row string) []backends.Row {
	list := rows(row + ",\n")
	for len(list[0]) < len(RuleColumns) {
		list[0] = append(list[0], nil)
	}
	return list
}

// What is well-formed but can't be meant here is left out, and the other rules count.
func TestLeft(t *testing.T) {
	for row, want := range map[string]string{
		`7,1,49,,0,prepare,GW1,N,`:           `routeid: "prepare" is a route of a script`,
		`7,1,49,,0,,GW1,Q,`:                  `gwlist: sort_alg: quality`,
		`7,1,49,,0,,"gw2,#quality",N,`:       `gwlist: #quality: sort_alg: quality`,
		`7,1,49,,0,,#first,N,`:               `gwlist: #first: only the first of a carrier by weight`,
		`7,1,49,,0,,"#mixed=5,gw3",W,`:       `gwlist: #mixed: a carrier by weight`,
		`7,1,49,,0,,#all=5,W,`:               `gwlist: #all: a carrier in a list by weight has one strip`,
		`7,1,49,,0,,#wide=5,W,`:              `gwlist: #wide: more than 16 gateways`,
		`7,1,49,(20260302T080000),0,,GW1,`:   `timerec: "(20260302T080000)" is an expression`,
		`7,1,49,UTC|20260302T080000&,0,,lo,`: `is an expression`,
		`7,1,49,!|||DAILY,0,,GW1,`:           `is an expression`,
	} {
		others := rows(`3,1,4,,0,,gw3,N,
8,1,49,,0,,GW1,N,
9,1,49,,9,,gw2,N,
9,1,5,,9,x,gw2,N,
`)
		table, left, err := Read(&Tables{append(oneRule(row), others...), groups, peers}, decl, known)
		if err != nil {
			t.Errorf("%s: %v", row, err)
			continue
		}
		if left.Rules != 2 || !strings.HasPrefix(left.First, "rule 7: "+want) &&
			!strings.Contains(left.First, want) {
			t.Errorf("%s: got %+v, want %s", row, left, want)
		}
		if got := found(table, "49", "1", monday, first); got != "b-2+00 a-0+" || table.Len() != 3 {
			t.Errorf("%s: of the others: %s, %d rows", row, got, table.Len())
		}
	}
}

// A prefix has so many rows, of however many rules; those without a gateway count for none.
func TestMostOfPrefix(t *testing.T) {
	var rules []backends.Row
	rule := func(gateway string) {
		group := fmt.Sprint(len(rules) % 100)
		begin := fmt.Sprintf("UTC|2026%02d01T080000", 1+len(rules)/100%12)
		rules = append(rules, backends.Row{int64(len(rules)), group, "49", begin, int64(0), nil,
			gateway, "N", nil})
	}
	for range rates.MostOfPrefix / 2 {
		rule("GW1,gw2")
	}
	for range 70_000 {
		rule("off")
	}
	table, _, err := Read(&Tables{rules, groups, peers}, decl, known)
	if err != nil || table.Len() != rates.MostOfPrefix {
		t.Fatal(err)
	}
	rule("gw3")
	_, _, err = Read(&Tables{rules, groups, peers}, decl, known)
	want := `rule 70500: prefix "49" has more than 1000 rows of rates: a rule has one for each gateway`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
