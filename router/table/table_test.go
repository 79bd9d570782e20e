package table

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sipedge/router/job"
	"sipedge/router/table/decoded"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// naive is what a table must answer like: each rule in turn, all its
// conditions, on the job as it is.
type naive []rule

func newNaive(t testing.TB, rules []schema.Rule) naive {
	t.Helper()
	c := &compiler{where: schema.InRequest, env: testEnv(t)}
	n := make(naive, len(rules))
	for i, all := range c.rules(rules) {
		for _, cond := range all {
			n[i] = append(n[i], cond.holds)
		}
	}
	if c.found != nil {
		t.Fatal(c.found)
	}
	return n
}

func (n naive) Match(j *job.Job, from int) int {
	for i := from; i < len(n); i++ {
		if n[i].holds(&facts{Message: decoded.Message{Job: j}}) {
			return i
		}
	}
	return -1
}

// Few of each, so that random rules and messages meet.
var (
	someUsers   = []string{"1", "12", "123", "1234", "49", "4930", "alice", "ALICE", "a%6Cice2", ""}
	someHosts   = []string{"example.net", "Example.NET", "example.org", "192.0.2.1", "[2001:db8::1]"}
	someMethods = []string{"INVITE", "BYE", "MESSAGE", "WIBBLE"}
	someNets    = []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3",
		"192.0.2.0/24", "'2001:db8::/32'", "'2001:db8::1'", "'::/0'"}
	someSources = []string{"10.1.2.3:1", "10.1.9.9:2", "10.9.9.9:3", "192.0.2.1:4", "8.8.8.8:5",
		"[2001:db8::1]:6", "[2001:db8:ffff::1]:7", "[fe80::1]:8"}
)

// drawMatch draws the YAML of a match.
func drawMatch(t *rapid.T, depth int) string {
	list := func(from []string) string {
		some := rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, "list")
		text := "["
		for i, s := range some {
			if i > 0 {
				text += ", "
			}
			text += s
		}
		return text + "]"
	}
	quoted := func(from []string) (out []string) {
		for _, s := range from {
			out = append(out, "'"+s+"'")
		}
		return out
	}
	kinds := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"method", "uri", "uri", "from", "to", "source", "source", "transport", "headers",
		"contact", "body", "any", "not", "all",
	}), 0, 3, rapid.ID).Draw(t, "kinds")
	out := "{"
	for i, kind := range kinds {
		if i > 0 {
			out += ", "
		}
		out += kind + ": "
		switch kind {
		case "method":
			out += list(someMethods)
		case "source":
			if n := rapid.IntRange(0, 7).Draw(t, "table"); n < 3 {
				out += "{in: " + []string{"nets", "seen", "some"}[n] + "}"
				break
			}
			out += list(someNets)
		case "contact":
			out += "{host: " + list(quoted(someHosts)) + ", user: " + list(quoted(someUsers)) + "}"
		case "body":
			out += "{type: text/plain}"
		case "transport":
			out += list([]string{"udp", "tcp"})
		case "headers":
			out += rapid.SampledFrom([]string{
				"{X-Tenant: " + list(quoted([]string{"a", "b", "c"})) + "}",
				"{'X-Tenant[0]': " + list(quoted([]string{"a", "b", "c"})) + "}",
				"{'X-Tenant[-1]': b}", "{'X-Tenant[1]': true}", "{'X-Tenant[1]': false}",
				"{X-Tenant: {regex: '^[ab]$'}}", "{X-Tenant: {regex: b}}", "{'X-Tenant[0]': {regex: b}}",
				"{X-Tenant: {in: some}}", "{X-Tenant: {in: seen}}",
			}).Draw(t, "headers")
		case "uri", "from", "to":
			out += rapid.SampledFrom([]string{
				"{user: " + list(quoted(someUsers)) + "}",
				"{user: {prefix: " + list(quoted(someUsers)) + "}}",
				"{user: ['alice', {prefix: " + list(quoted(someUsers)) + "}]}",
				"{user: {suffix: " + list(quoted(someUsers)) + ", ignore_case: true}}",
				"{user: {exact: " + list(quoted(someUsers)) + ", ignore_case: true}}",
				"{user: {prefix: " + list(quoted(someUsers)) + ", suffix: " + list(quoted(someUsers)) + "}}",
				"{user: {prefix: " + list(quoted(someUsers)) + ", exact: " + list(quoted(someUsers)) + "}}",
				"{user: {exact: " + list(quoted(someUsers)) + ", regex: '^[a-z1]'}}",
				"{user: {regex: '^[a-z]+$'}}", "{user: {regex: '[24]'}}",
				"{user: [{regex: '^1'}, {regex: 'ce2?$', prefix: a}]}",
				"{host: {regex: 'net$'}}", "{user: {regex: 'LICE', ignore_case: true}}",
				"{host: " + list(quoted(someHosts)) + "}",
				"{host: " + list(quoted(someHosts)) + ", user: {prefix: '1'}}",
				"{myself: true}",
				"{user: {in: some}}", "{user: {in: numbers}}", "{user: {in: seen}}",
				"{host: {in: nets}}", "{user: ['bob', {in: numbers}]}",
				"{user: {in: some, prefix: " + list(quoted(someUsers)) + "}}",
			}).Draw(t, kind)
		default:
			if depth == 0 {
				out += map[string]string{"any": "[{}]", "all": "[{}]", "not": "{method: BYE}"}[kind]
				continue
			}
			inner := drawMatch(t, depth-1)
			if kind != "not" {
				inner = "[" + inner + ", " + drawMatch(t, depth-1) + "]"
			}
			out += inner
		}
	}
	return out + "}"
}

// drawMessage draws a request in text form.
func drawMessage(t *rapid.T) string {
	uri := func(label string) string {
		user := rapid.SampledFrom(someUsers).Draw(t, label+" user")
		if user != "" {
			user += "@"
		}
		return "sip:" + user + rapid.SampledFrom(someHosts).Draw(t, label+" host")
	}
	method := rapid.SampledFrom(someMethods).Draw(t, "method")
	tenant := rapid.SampledFrom([]string{
		"", "X-Tenant: a\n", "X-Tenant: b\n", "X-Tenant: b\nX-Tenant: a\nX-Tenant: b\n",
		"Contact: <sip:alice@example.net>, <sip:1@192.0.2.1>\nContent-Type: text/plain; a=b\n",
	}).Draw(t, "tenant")
	return fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\nFrom: <%s>;tag=f\n"+
		"To: <%s>\nCall-ID: c\nCSeq: 1 %s\n%sContent-Length: 0\n\n",
		method, uri("ruri"), uri("from"), uri("to"), method, tenant)
}

// drawEdit draws what the steps of a rule change, which later rules read.
func drawEdit(t *rapid.T) func(j *job.Job) {
	user := rapid.SampledFrom(someUsers[:8]).Draw(t, "new user")
	host := rapid.SampledFrom(someHosts).Draw(t, "new host")
	switch rapid.IntRange(0, 4).Draw(t, "edit") {
	case 0:
		return func(j *job.Job) { j.Msg.SetRURI([]byte("sip:" + user + "@" + host)) }
	case 1:
		return func(j *job.Job) {
			j.Msg.SetValue(j.Msg.First(sip.From), []byte("<sip:"+user+"@"+host+">;tag=g"))
		}
	case 2:
		return func(j *job.Job) {
			j.Msg.RemoveAll("X-Tenant")
			j.Msg.InsertNamed(j.Msg.Len(), "X-Tenant", []byte(user))
		}
	case 3:
		return func(j *job.Job) { j.Msg.RemoveAll("X-Tenant") }
	}
	return func(*job.Job) {}
}

func drawJob(t *rapid.T, tb testing.TB, text string) *job.Job {
	j := newJob(tb, text)
	source := rapid.SampledFrom(someSources).Draw(t, "source")
	j.Flow = transport.Flow{
		Transport: rapid.SampledFrom([]sip.Transport{sip.UDP, sip.TCP}).Draw(t, "transport"),
		Remote:    netip.MustParseAddrPort(source),
	}
	return j
}

// For any rules, messages and edits between two look-ups the table answers
// what the loop does.
func TestTableIsTheLoop(tt *testing.T) {
	rapid.Check(tt, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 5, 17, 40, 120, 400}).Draw(t, "rules")
		texts := make([]string, n)
		edits := make([]func(*job.Job), n)
		var parts []string // of many rules, so that many share a key
		for range min(n, 40) {
			parts = append(parts, drawMatch(t, 1))
		}
		for i := range texts {
			edits[i] = drawEdit(t)
			if texts[i] = parts[i%len(parts)]; i >= len(parts) {
				other := rapid.SampledFrom(parts).Draw(t, "other")
				texts[i] = "{all: [" + texts[i] + ", " + other + "]}"
			}
		}
		table, loop := compile(tt, schema.InRequest, texts...), newNaive(tt, parse(tt, texts...))
		for range 3 {
			text := drawMessage(t)
			j := drawJob(t, tt, text)
			for from := 0; ; {
				want, got := loop.Match(j, from), table.Match(j, from)
				if want != got {
					t.Fatalf("from %d: want %d, got %d\n%s\n%q", from, want, got, text, texts)
				}
				if got < 0 {
					break
				}
				edits[got](j)
				from = got + 1
			}
		}
	})
}

// Beyond a short list rules are filed, whatever tells them apart, and are not
// scanned.
func TestRulesAreFiled(t *testing.T) {
	tests := []struct {
		name string
		rule func(i int) string
	}{
		{"user", func(i int) string { return fmt.Sprintf("uri: {user: 'u%d'}", i) }},
		{"prefix", func(i int) string { return fmt.Sprintf("uri: {user: {prefix: '%d'}}", i) }},
		{"network", func(i int) string { return fmt.Sprintf("source: 10.%d.%d.0/24", i/250, i%250) }},
		{"caller", func(i int) string { return fmt.Sprintf("method: INVITE, from: {user: 'u%d'}", i) }},
		{"domain", func(i int) string { return fmt.Sprintf("to: {host: h%d.example.net}", i) }},
		{"one user, many domains", func(i int) string {
			return fmt.Sprintf("uri: {user: '100', host: h%d.example.net}", i)
		}},
		{"tens of users and domains", func(i int) string {
			return fmt.Sprintf("uri: {user: 'u%d', host: h%d.example.net}", i/30, i%30)
		}},
		{"in all", func(i int) string {
			return fmt.Sprintf("all: [{method: BYE}, {uri: {user: 'u%d'}}]", i)
		}},
		{"lists", func(i int) string { return fmt.Sprintf("uri: {user: ['u%d', 'v%d']}", i, i) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			texts := make([]string, 900)
			for i := range texts {
				texts[i] = tt.rule(i)
			}
			if n := compile(t, schema.InRequest, texts...).root.longest(); n > scanned {
				t.Errorf("%d rules are scanned together", n)
			}
		})
	}
}

// longest is how many rules are scanned together at worst.
func (n node) longest() int {
	most := max(len(n.scan), 1)
	if n.split == nil {
		return most
	}
	for _, g := range n.split.groups {
		for _, below := range g.nodes.All {
			most = max(most, below.longest())
		}
	}
	if n.split.nets != nil {
		for _, below := range n.split.nets.All() {
			most = max(most, below.longest())
		}
	}
	return most
}

// Rules that share long lists, with no two alike, do not make the index grow
// without bound.
func TestIndexIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	half := func() string { // of twelve
		keys := make([]string, 6)
		for i, k := range r.Perm(12)[:6] {
			keys[i] = fmt.Sprintf("k%d", k)
		}
		return "[" + strings.Join(keys, ", ") + "]"
	}
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = fmt.Sprintf("uri: {user: %s, host: %s}, from: {user: %s, host: %s}, to: {user: %s}",
			half(), half(), half(), half(), half())
	}
	if n := compile(t, schema.InRequest, texts...).root.entries(); n > len(texts)*16 {
		t.Errorf("%d rules have %d entries", len(texts), n)
	}
}

func (n node) entries() int {
	if n.split == nil {
		return max(len(n.scan), 1)
	}
	sum := len(n.scan)
	for _, g := range n.split.groups {
		for _, below := range g.nodes.All {
			sum += below.entries()
		}
	}
	return sum
}

func TestMatchIsConcurrent(t *testing.T) {
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = fmt.Sprintf("from: {user: {prefix: al, ignore_case: true}}, uri: {user: 'u%d'}", i)
	}
	table := compile(t, schema.InRequest, texts...)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			j := newJob(t, invite)
			for i := range 100 {
				want := (i*7 + g) % 100
				j.Msg.SetRURI(fmt.Appendf(nil, "sip:u%d@example.net", want))
				if got := table.Match(j, 0); got != want {
					t.Errorf("want %d, got %d", want, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestLookupAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget")
	}
	r := rand.New(rand.NewPCG(3, 4))
	rules := benchRules(r, 1000)
	table, found := Compile(rules, schema.InRequest, Env{})
	if found != nil {
		t.Fatal(found)
	}
	for i, j := range benchJobs(t, r, rules, 64) {
		if n := testing.AllocsPerRun(20, func() { table.Match(j, 0) }); n != 0 {
			t.Errorf("job %d: want 0 allocations, got %v", i, n)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget")
	}
	for _, tt := range matches {
		j := newJob(t, tt.message)
		for match := range lines(tt.lines) {
			table := compile(t, tt.where, match)
			if n := testing.AllocsPerRun(20, func() { table.Match(j, 0) }); n != 0 {
				t.Errorf("%s: want 0 allocations, got %v", match, n)
			}
		}
	}
}
