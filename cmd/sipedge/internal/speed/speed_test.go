//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sipedge/router"
	"sipedge/router/policytest"
	"sipedge/schema"
)

// Plans are as large as they say, without a finding, the same in YAML and in CUE; and their
// cases pass, which reach the rules they name.
func TestPlans(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{50, 120} {
		p := newPlan(n)
		write := func(name string, f func(io.Writer)) string {
			path := filepath.Join(dir, name)
			if err := create(path, f); err != nil {
				t.Fatal(err)
			}
			return path
		}
		inYAML := names(t, write("p.yaml", p.yaml))
		inCUE := names(t, write("p.cue", p.cue))
		if len(inYAML) != n {
			t.Errorf("%d rules, want %d", len(inYAML), n)
		}
		if diff := cmp.Diff(inYAML, inCUE); diff != "" {
			t.Errorf("CUE says other than YAML (-yaml +cue):\n%s", diff)
		}
		f, src, diags, err := policytest.Load(
			write("p.test.yaml", func(w io.Writer) { p.tests(w, len(p.cases)) }), router.Vocabulary())
		if err != nil || f == nil {
			t.Fatal(err, diags.Text(src))
		}
		for _, r := range f.Run(nil) {
			if !r.OK() {
				t.Errorf("%s: %v %s", r.Case.Name, r.Failed, r.Error)
			}
		}
	}
}

// names are the rules of a policy that has no finding.
func names(t *testing.T, path string) (all []string) {
	t.Helper()
	doc, src, diags, err := schema.Load(path, router.Vocabulary())
	if err != nil || len(diags) > 0 {
		t.Fatal(err, diags.Text(src))
	}
	if _, diags := router.Prove(doc, router.Env{}); len(diags) > 0 {
		t.Fatal(diags.Text(src))
	}
	routes := append(append([]schema.Route{{Rules: doc.Routes.Request}}, doc.Routes.Sub...),
		doc.Routes.Failure...)
	for _, r := range routes {
		for i := range r.Rules {
			all = append(all, r.Name+"/"+r.Rules[i].Name)
		}
	}
	return all
}

func TestRowsPolicy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rows.csv"), []byte("+49301,bob\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := create(filepath.Join(dir, "rows.yaml"), rowsPolicy); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(dir, "rows.yaml")); len(got) != 2 {
		t.Errorf("rules %q", got)
	}
}

func TestTable(t *testing.T) {
	rows := []row{
		known("start", 13.46, "ms"), atMost("validate", 27.7, "ms", 40),
		atMost("÷ a loop", 0.0912, "", 0.08), atLeast("test", 7431.4, "cases/s", 5000),
	}
	want := `
start        13.5 ms
validate     27.7 ms      ≤ 40    ok
÷ a loop   0.0912         ≤ 0.08  MISSED
test         7431 cases/s ≥ 5000  ok
`
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(table(rows))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if fine(rows) || !fine(rows[:2]) || !fine(rows[3:]) {
		t.Error("fine does not tell a missed goal")
	}
}

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks(`goos: linux
BenchmarkRatio-2   	       1	 5290000 ns/op	     3.82 100k/1k	     0 allocs	   595.3 ns/10
BenchmarkOneAnchor-2	       1	 2316790 ns/op	         2 allocs
PASS
`)
	want := map[string]float64{"ns/op": 7606790, "100k/1k": 3.82, "allocs": 2, "ns/10": 595.3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRun(t *testing.T) {
	c, err := run(2, "sh", "-c", "sleep 0.01")
	if err != nil || ms(c.wall) < 10 || c.cpu <= 0 || c.mb() < 0.1 {
		t.Errorf("cost %+v, %v", c, err)
	}
	if _, err := run(2, "sh", "-c", "echo no >&2; exit 1"); err == nil ||
		!strings.Contains(err.Error(), "no") {
		t.Errorf("a program that fails: %v", err)
	}
}
