package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/schema"
)

const hello = `version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes:
  request:
    - do: [{reply: {code: 404}}]
`

// write puts the files of an archive into a fresh folder, where the test then
// is.
func write(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// load fails the test when there is anything to say about the policy.
func load(t *testing.T, path string) *schema.Document {
	t.Helper()
	doc, src, diags, err := schema.Load(path, testVocabulary())
	if err != nil || len(diags) > 0 {
		t.Fatalf("%v\n%s", err, diags.Text(src))
	}
	return doc
}

func TestFolder(t *testing.T) {
	write(t, `
-- edge/10-base.yaml --
version: 1
listen: [{udp: "127.0.0.1:5060"}]
limits: {branches: 3}
-- edge/20-routes.yml --
routes:
  request:
    - do: [{route: out}]
  sub:
    out: [{do: [{relay: {failure: next}}]}]
-- edge/30-failure.cue --
package edge
limits: attempts: _n
routes: failure: next: [{do: [_again]}]
-- edge/31-more.cue --
package edge
_n: 4
_again: {reply: code: 503}
-- edge/edge.test.yaml --
not: [a policy
-- edge/notes.txt --
nor this
`)
	doc := load(t, "edge")
	want := []string{
		"edge/10-base.yaml", "edge/20-routes.yml", "edge/30-failure.cue", "edge/31-more.cue",
	}
	if d := cmp.Diff(want, doc.Files); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if doc.Limits.Branches != 3 || doc.Limits.Attempts != 4 {
		t.Errorf("want limits 3 and 4, got %d and %d", doc.Limits.Branches, doc.Limits.Attempts)
	}
	step := doc.Routes.Failure[0].Rules[0].Do[0]
	if got := step.Pos.String(); got != "edge/31-more.cue:3:10" {
		t.Errorf("want the place of the step in its file, got %s", got)
	}
}

// Files of a CUE package that agree are one policy, even if each has all that a policy must have.
func TestAgreeing(t *testing.T) {
	write(t, `
-- edge/a.cue --
package edge
version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes: request: [{do: [{reply: code: 404}]}]
-- edge/b.cue --
package edge
version: 1
listen: [...{udp: string}]
routes: request: [{name: "all"}]
`)
	doc := load(t, "edge")
	if name := doc.Routes.Request[0].Name; name != "all" {
		t.Errorf("a rule of both files is called %q", name)
	}
}

// What is said of a table in a database is the same wherever it stands, but for places of texts.
func TestPlacesOfSQL(t *testing.T) {
	const policy = `version: 1
listen: [{udp: "127.0.0.1:5060"}]
gateways: {gw: {destinations: [{uri: "sip:192.0.2.1"}]}}
tables:
  rates: {lcr: {sql: {backend: db, table: t, columns: {gateways: gw, cost: price}}}}
routes: {request: [{do: [{reply: {code: 404}}]}]}
`
	var all []schema.SQL
	for _, src := range []string{policy, "# Moved.\n" + policy} {
		doc, _, diags := schema.LoadBytes("p.yaml", []byte(src), testVocabulary())
		if doc == nil {
			t.Fatal(diags)
		}
		sql := *doc.Tables[0].SQL
		sql.Backend.Pos = schema.Pos{}
		all = append(all, sql)
	}
	if d := cmp.Diff(all[0], all[1]); d != "" {
		t.Error(d)
	}
}

// TestModule: a policy in CUE may import packages of its own module.
func TestModule(t *testing.T) {
	write(t, `
-- cue.mod/module.cue --
module: "example.net/edge"
language: version: "v0.15.0"
-- hosts/hosts.cue --
package hosts
gateway: "sip:192.0.2.1"
-- policy/edge.cue --
package edge
import "example.net/edge/hosts"
version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes: request: [{do: [{relay: to: hosts.gateway}]}]
`)
	doc := load(t, "policy")
	if got := doc.Routes.Request[0].Do[0].Args.Get("to").S; got != "sip:192.0.2.1" {
		t.Errorf("got %q", got)
	}
}

func TestUnreadable(t *testing.T) {
	write(t, "-- empty/notes.txt --\n")
	if _, _, _, err := schema.Load("nowhere", testVocabulary()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want a missing file to be an error, got %v", err)
	}
	if _, _, _, err := schema.Load("empty", testVocabulary()); err == nil {
		t.Error("want a folder without policy to be an error")
	}
}

// TestBounds: input that grows without limit is refused by name.
func TestBounds(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		last := fmt.Sprintf("*a%d", i-1)
		fmt.Fprintf(&bomb, "a%d: &a%d [%s%s]\n", i, i, strings.Repeat(last+", ", 9), last)
	}
	rules := strings.TrimSuffix(hello, "    - do: [{reply: {code: 404}}]\n") +
		strings.Repeat("    - {match: {method: ACK}, do: [{drop: {}}]}\n", 20_000) +
		"    - do: [{reply: {code: 404}}]\n"
	for name, src := range map[string]string{
		"aliases expand":      bomb.String(),
		"nested deeper":       strings.Repeat("[", 100) + strings.Repeat("]", 100),
		"nested deeper than":  "a: &a [*a]\n",
		"20001 rules":         rules,
		"larger than 16 MiB":  hello + "#" + strings.Repeat("x", 16<<20),
		"more connections of": hello + "limits: {connections: 5, connections_per_source: 6}\n",
		"64KiB\" is out of":   hello + "limits: {message: 64KiB}\n",
	} {
		doc, _, diags := schema.LoadBytes("policy.yaml", []byte(src), testVocabulary())
		if doc != nil || len(diags) != 1 || !strings.Contains(diags[0].Message, name) {
			t.Errorf("want one %q, got %v", name, diags)
		}
	}
}

func TestDefaults(t *testing.T) {
	doc, _, _ := schema.LoadBytes("policy.yaml", []byte(hello+"limits: {connections: 10}\n"),
		testVocabulary())
	l := doc.Limits
	if l.Message != 65535 || l.Branches != 12 || l.MaxForwards != 70 || l.PerSource != 10 {
		t.Errorf("got limits %+v", l)
	}
	if doc.Timers.FinalWait.Seconds() != 32 || doc.Timers.InviteWait.Seconds() != 185 {
		t.Errorf("got timers %+v", doc.Timers)
	}
	if doc.Admin.Addr != "127.0.0.1:8060" || doc.Log != (schema.Log{Level: "info", Format: "text"}) {
		t.Errorf("got admin %+v, log %+v", doc.Admin, doc.Log)
	}
}

// TestPlaces: a sub-route runs where its callers run.
func TestPlaces(t *testing.T) {
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(`
version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes:
  request:
    - do: [{route: out}, {relay: {failure: next, on_error: sorry}}]
  sub:
    out: [{match: {in_dialog: true}, do: [{route: mark}]}]
    mark: [{do: [{set_header: {X-A: b}}]}]
    sorry: [{do: [{reply: {code: 503}}]}]
    alone: [{do: [{drop: {}}]}]
  failure:
    next: [{do: [{route: mark}, {reply: {code: 500}}]}]
`), testVocabulary())
	if len(diags) != 1 || diags[0].Severity != schema.Warning || diags.HasErrors() {
		t.Errorf("want one warning of an unused route, got\n%s", diags.Text(src))
	}
	for sub, want := range map[string]schema.Place{
		"out": schema.InRequest, "mark": schema.InRequest | schema.InFailure,
		"sorry": schema.InRequest, "alone": 0, "nothing": 0,
	} {
		if got := doc.Places(sub); got != want {
			t.Errorf("%s: want %v, got %v", sub, want, got)
		}
	}
	if got := doc.Routes.Failure[0].Places; got != schema.InFailure {
		t.Errorf("got %v for a failure route", got)
	}
}

// TestTexts: a place is the first byte of a text, in every way to write one.
func TestTexts(t *testing.T) {
	src := hello[:strings.Index(hello, "    - do")] + `    - do:
        - set_user: plain
        - set_user: "double"
        - set_user: 'single'
        - set_user: !!str tagged
        - set_user: &a "anchored"
        - set_user: |-
            block
        - {set_user: "häß", set_header: {"Xß": "behind ß"}}
        - relay: {}
`
	src = strings.Replace(src, `, set_header: {"Xß": "behind ß"}`, "", 1)
	src = strings.Replace(src, "- relay", `- {set_header: {Xä: "b"}}`+"\n        - relay", 1)
	src = strings.Replace(src, "Xä", `"X-A": "ä", "X-B"`, 1)
	doc, source, diags := schema.LoadBytes("policy.yaml", []byte(src), testVocabulary())
	if len(diags) > 0 {
		t.Fatal(diags.Text(source))
	}
	var texts []schema.Text
	for _, s := range doc.Routes.Request[0].Do {
		if s.Kind == "set_user" {
			texts = append(texts, s.Args.Text())
		}
		for i := range s.Args.Keys {
			texts = append(texts, s.Args.Keys[i].Text())
		}
	}
	if len(texts) != 9 {
		t.Fatalf("want 9 texts, got %d", len(texts))
	}
	lines := strings.Split(src, "\n")
	for _, text := range texts {
		if at := lines[text.Pos.Line-1][text.Pos.Col-1:]; !strings.HasPrefix(at, text.S) {
			t.Errorf("%q: its place begins with %q", text.S, at)
		}
	}
}

func TestJSON(t *testing.T) {
	src := strings.Replace(hello, "reply", "replay", 1)
	_, _, diags := schema.LoadBytes("a.yaml", []byte(src), testVocabulary())
	got, err := json.Marshal(diags)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"file":"a.yaml","line":5,"column":13,"end_column":19,"severity":"error",` +
		`"code":"SE1012","message":"\"replay\" is not a known action; did you mean relay?"}]`
	if string(got) != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}
}

// TestQuotedLine: long lines are cut around the marked text.
func TestQuotedLine(t *testing.T) {
	src := []byte(strings.Repeat("ä", 300) + "HERE" + strings.Repeat("x", 300) + "\n\tHERE\n")
	at := bytes.Index(src, []byte("HERE"))
	d := schema.Diagnostics{
		{Pos: schema.Pos{File: "a", Line: 1, Col: at + 1}, End: at + 5, Code: 1003, Message: "m"},
		{Pos: schema.Pos{File: "a", Line: 2, Col: 2}, End: 6, Code: 1003, Message: "m"},
		{Pos: schema.Pos{File: "a", Line: 9, Col: 2}, Code: 1003, Message: "m", Hint: "h"},
		{Pos: schema.Pos{File: "b", Line: 1, Col: 2}, Code: 1003, Message: "m"},
	}
	lines := strings.Split(d.Text(schema.Source{"a": src}), "\n")
	if !utf8.ValidString(lines[1]) || len(lines[1]) > 200 {
		t.Errorf("got line %q", lines[1])
	}
	for i := 1; i < 6; i += 3 {
		runes, marks := []rune(lines[i]), []rune(lines[i+1])
		from := strings.IndexRune(string(marks), '^')
		if from = utf8.RuneCountInString(string(marks[:0]) + lines[i+1][:from]); from < 0 ||
			string(runes[from:from+4]) != "HERE" || strings.Count(lines[i+1], "^") != 4 {
			t.Errorf("marked wrongly:\n%s\n%s", lines[i], lines[i+1])
		}
	}
	if want := []string{"a:9:2: error SE1003: m", "   h", "b:1:2: error SE1003: m", ""}; !cmp.Equal(
		lines[6:], want) {
		t.Errorf("want %q, got %q", want, lines[6:])
	}
}

func TestSecrets(t *testing.T) {
	s := schema.Secrets{RouteKey: "${env.KEY}", TagKey: "${file:/run/key}"}
	env := func(name string) (string, bool) { return "from-" + name, name == "KEY" }
	file := func(path string) ([]byte, error) { return []byte("in " + path + "\n"), nil }
	got, err := s.Resolve(env, file)
	want := schema.Secrets{RouteKey: "from-KEY", TagKey: "in /run/key"}
	if err != nil || got != want {
		t.Errorf("want %v, got %v, %v", want, got, err)
	}
	s.RouteKey = "${env.OTHER}"
	if _, err := s.Resolve(env, file); err == nil || !strings.Contains(err.Error(), "OTHER") {
		t.Errorf("want an error that names the variable, got %v", err)
	}
	s.RouteKey = "0123456789abcdef"
	if got, _ := s.Resolve(env, file); got.RouteKey != s.RouteKey {
		t.Errorf("want a literal key as it is, got %q", got.RouteKey)
	}
}
