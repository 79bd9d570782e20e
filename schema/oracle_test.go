package schema_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"sipedge/schema"
)

// small are policies to mutate: together they have every kind of shape.
var small = []string{`
version: 1
listen: [{udp: "127.0.0.1:5060", advertise: "sip.example.net:5060"}]
workers: 4
limits: {message: 16KiB, queue: 4096}
routes: {request: [{do: [{reply: {code: 404, headers: {X-A: b}}}]}]}
`, `
version: 1
listen: [{tcp: "[::1]:5060"}]
timers: {T1: 500ms}
routes:
  request:
    - name: calls
      match: {method: [INVITE, BYE], in_dialog: true}
      do: [{relay: {to: "sip:192.0.2.1", fr_timer: 5s}}]
`, `
version: 1
listen: [{udp: "127.0.0.1:5060"}]
log: {level: debug}
routes:
  request:
    - match:
        any: [{source: 192.0.2.0/24}, {not: {uri: {myself: true, user: {prefix: [a, b]}}}}]
        size: {min: 10, max: 20}
      do: [{append_branch: {q: 0.5}}, {drop: {}}]
`, `
version: 1
listen: [{udp: "127.0.0.1:5060"}]
aliases: [example.net]
routes:
  request: [{do: [{remove_header: [Subject]}, {route: out}]}]
  sub: {out: [{do: [{strip: 2}, {redirect: {code: 302}}]}]}
  reply: {all: [{match: {status: [486, 5xx]}, do: [{exit: {}}]}]}
`}

// TestShapesAgreeWithCUE holds the shapes against CUE's evaluator: both take,
// or both refuse, the policies of testdata and two thousand mutated ones.
func TestShapesAgreeWithCUE(t *testing.T) {
	v := testVocabulary()
	check := func(oracle *schema.Oracle, src string) {
		t.Helper()
		ours, err := schema.ShapeTakes([]byte(src), v)
		if err != nil {
			return // no YAML, or a key twice
		}
		theirs, err := oracle.Takes([]byte(src))
		if err != nil {
			t.Fatalf("CUE cannot read what we can: %v\n%s", err, src)
		}
		if ours != theirs {
			t.Errorf("shapes take it: %t, CUE takes it: %t\n%s", ours, theirs, src)
		}
	}
	oracle := newOracle(t, v)
	for _, dir := range []string{"broken", "good"} {
		files, _ := filepath.Glob("testdata/" + dir + "/*.txtar")
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range ar.Files {
				if strings.HasSuffix(f.Name, ".yaml") {
					check(oracle, string(f.Data))
				}
			}
		}
	}
	rounds := 2000
	if testing.Short() || racing {
		rounds = 100
	}
	random := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for i := range rounds {
		if i%250 == 0 {
			oracle = newOracle(t, v) // a context keeps all it ever saw
		}
		src := mutate(t, random, small[i%len(small)])
		if ok, _ := schema.ShapeTakes([]byte(src), v); ok {
			taken++
		}
		check(oracle, src)
	}
	if taken == 0 || taken == rounds {
		t.Errorf("%d of %d mutated policies were taken: the mutations prove nothing", taken, rounds)
	}
}

func newOracle(t *testing.T, v *schema.Vocabulary) *schema.Oracle {
	t.Helper()
	oracle, err := schema.NewOracle(v)
	if err != nil {
		t.Fatal(err)
	}
	return oracle
}

// mutate changes one node of a policy: it renames, removes, retypes or
// duplicates it.
func mutate(t *testing.T, random *rand.Rand, src string) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(src), &doc); err != nil {
		t.Fatal(err)
	}
	var parents []*yaml.Node
	var collect func(n *yaml.Node)
	collect = func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
			parents = append(parents, n)
		}
		for _, c := range n.Content {
			collect(c)
		}
	}
	collect(doc.Content[0])
	n := parents[random.IntN(len(parents))]
	i := random.IntN(len(n.Content))
	if n.Kind == yaml.MappingNode {
		i &^= 1
		switch random.IntN(3) {
		case 0:
			n.Content[i].Value = names[random.IntN(len(names))]
		case 1:
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
		default:
			n.Content[i+1] = value(t, random)
		}
	} else {
		switch random.IntN(3) {
		case 0:
			n.Content = append(n.Content[:i:i], n.Content[i+1:]...)
		case 1:
			n.Content = append(n.Content, n.Content[i])
		default:
			n.Content[i] = value(t, random)
		}
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var names = []string{
	"name", "match", "do", "code", "reason", "to", "udp", "min", "prefix", "user", "method",
	"relay", "drop", "any", "all", "T2", "sub", "branch", "X_y", "x y", "none", "level",
}

func value(t *testing.T, random *rand.Rand) *yaml.Node {
	t.Helper()
	values := []string{
		"{}", "[]", "null", "true", "0", "1", "200", "70000", "-1", "1.5", "0.25", "text", `""`, "5s",
		"64KiB", "INVITE", "[INVITE]", "[200, 2]", "2xx", "{min: 1}", "{prefix: a}", "{a: b}", "[{}]",
		"example.net", "192.0.2.0/24", `"127.0.0.1:5060"`, "{method: ACK}", "[{method: ACK}]",
		"[{drop: {}}]", "{drop: {}}", "out", `"1"`, "info", "udp", "[[]]", "0x10", "1_0", "yes", "~",
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(values[random.IntN(len(values))]), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}
