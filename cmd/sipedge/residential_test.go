package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sipedge/router"
	"sipedge/schema"
)

// The residential example means the same in YAML and in CUE, and the tests of the one pass with
// the other and reach all of it.
func TestResidentialInCUE(t *testing.T) {
	const dir = "../../examples/residential"
	var docs []*schema.Document
	for _, path := range []string{dir, dir + "/cue"} {
		doc, src, diags, err := schema.Load(path, router.VocabularyWith(services))
		if err != nil || len(diags) > 0 {
			t.Fatalf("%s: %v\n%s", path, err, diags.Text(src))
		}
		docs = append(docs, doc)
	}
	meaning := []cmp.Option{
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreTypes(schema.Pos{}),
		// A file's path is another.
		cmpopts.IgnoreFields(schema.Document{}, "Files", "Tables", "Backends"),
		cmpopts.IgnoreFields(schema.Value{}, "End", "Flow"),
		cmpopts.IgnoreFields(schema.Key{}, "End"),
		cmpopts.IgnoreUnexported(schema.Rule{}),
		cmpopts.SortSlices(func(a, b schema.Key) bool { return a.Name < b.Name }),
	}
	if diff := cmp.Diff(docs[0], docs[1], meaning...); diff != "" {
		t.Errorf("YAML (-), CUE (+):\n%s", diff)
	}
	tests, err := os.ReadFile(filepath.Join(dir, "policy.test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := filepath.Abs(dir + "/cue")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.test.yaml")
	text := "policy: " + policy + "\n" + string(tests)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sipedge", "test", "--cover", file).CombinedOutput()
	if err != nil || strings.Contains(string(out), "never") {
		t.Errorf("%v\n%s", err, out)
	}
}
