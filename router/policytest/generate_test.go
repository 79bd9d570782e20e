package policytest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sipedge/router/scene"
	"sipedge/sip"
	"sipedge/sip/transport"

	"sipedge/router"
)

// generate writes a test file for the policy of f beside it, and loads it.
func generate(t *testing.T, f *File, witnesses ...Witness) (*File, string) {
	t.Helper()
	var b strings.Builder
	if err := Generate(&b, f.Policy, f.doc, witnesses); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(f.Policy), "begin.test.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	g, src, diags, err := Load(path, router.Vocabulary())
	if g == nil {
		t.Fatal(err, diags.Text(src), b.String())
	}
	return g, b.String()
}

func witness(rule, method, user string) Witness {
	text := strings.ReplaceAll(sound, "OPTIONS", method)
	return Witness{
		Rule: rule,
		Flow: transport.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort("203.0.113.9:5060")},
		Text: []byte(scene.Lines(strings.ReplaceAll(text, "user@", user+"@"))),
	}
}

// What is generated passes, and reaches all that requests, answers, flaws and time
// can reach.
func TestGenerate(t *testing.T) {
	f := loadOwn(t, "tests: [{name: a}]\n")
	g, text := generate(t, f, witness("greeted", "INVITE", "early"), witness("call", "INVITE", "bob"))
	results := g.Run(nil)
	for _, r := range results {
		if !r.OK() {
			t.Errorf("%s: %s", r.Case.Name, r.explanation())
		}
	}
	var b strings.Builder
	if err := WriteCover(&b, Cover(results)); err != nil {
		t.Fatal(err)
	}
	// Which state is missing only the author knows: a timer's table, an hour, and
	// an INFO that is malformed.
	for _, want := range []string{"10 of 13 rules", "rule open", "rule unheard", "rule at night"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	for _, want := range []string{
		"  - name: startup\n    run: startup\n" +
			"    expect: {path: [startup, stamp], relayed_to: [ops.example.net]}\n",
		"  - name: timer sweep\n    run: {timer: sweep}\n    expect: {path: [sweep], relayed_to: []}\n",
		"    branches: [{reply: 503}]\n    expect: {path: [call, a branch, a reply, gateway down,",
		"    expect: {path: [hops], reply: 400}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// Cases have names of their own, whatever rules are called.
func TestGenerateNames(t *testing.T) {
	f := loadOwn(t, "tests: [{name: a}]\n")
	g, _ := generate(t, f, witness("call", "INVITE", "bob"), witness("call 2", "INVITE", "bob"),
		witness("call", "INVITE", "bob"))
	for i, want := range []string{"call", "call 2", "call 3"} {
		if got := g.Cases[i].Name; got != want {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

// Every flaw has the class it is called by, and reaches the rule of an error route
// that looks at it.
func TestFlaws(t *testing.T) {
	rules := ""
	for _, f := range flaws {
		rules += fmt.Sprintf("    - {name: %[1]s, match: {vars: {var.class: %[1]s}}, "+
			"do: [{reply: {code: 400}}]}\n", f.class)
	}
	f := loadArchive(t, `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}]
vars: {var.class: string}
routes:
  request: [{do: [{reply: {code: 404}}]}]
  error:
    - {name: any, do: [{set: {var.class: "{error.class}"}}]}
`+rules+"-- policy.test.yaml --\ntests: [{name: a}]\n")
	_, text := generate(t, f)
	for _, x := range flaws {
		want := fmt.Sprintf("expect: {path: [any, %s], ", yamlText(x.class))
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// A case names the listener its request needs, when it would come by another.
func TestGenerateListener(t *testing.T) {
	f := loadArchive(t, `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}, {udp: "192.0.2.10:5070"}]
routes:
  request:
    - {name: second, match: {listener: "udp:192.0.2.10:5070"}, do: [{reply: {code: 403}}]}
    - {name: first, do: [{reply: {code: 404}}]}
-- policy.test.yaml --
tests: [{name: a}]
`)
	x := witness("second", "OPTIONS", "bob")
	x.Flow.Listener = 1
	g, _ := generate(t, f, x, witness("first", "OPTIONS", "bob"))
	for i, want := range []string{"second", "first"} {
		if got := pathText(g.Run(nil)[i].Scene.Path()); got != want {
			t.Errorf("want %s, got %s", want, got)
		}
	}
}
