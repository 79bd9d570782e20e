package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/schema"
)

// TestFormatGolden lays out what is in testdata/format: `in.*` becomes `want`, which stays.
func TestFormatGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/format/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := ar.Files[0]
			golden(t, file, ar, laidOut(t, in.Name, in.Data))
		})
	}
}

// laidOut formats twice: the second time nothing changes.
func laidOut(t *testing.T, name string, src []byte) string {
	t.Helper()
	out, diags, err := schema.Format(name, src)
	if len(diags) > 0 || err != nil {
		t.Fatalf("%v %s", err, diags.Text(schema.Source{name: src}))
	}
	again, _, err := schema.Format(name, out)
	if d := cmp.Diff(string(out), string(again)); d != "" || err != nil {
		t.Errorf("formatted again it differs (%v):\n%s", err, d)
	}
	return string(out)
}

// TestFormatKeepsMeaning: every good policy and example means the same when it is laid out, and
// the examples are.
func TestFormatKeepsMeaning(t *testing.T) {
	v := testVocabulary()
	check := func(t *testing.T, name string, src []byte) {
		t.Helper()
		out := laidOut(t, name, src)
		before, _, _ := schema.LoadBytes(name, src, v)
		after, _, diags := schema.LoadBytes(name, []byte(out), v)
		if d := cmp.Diff(before, after, meaning...); d != "" {
			t.Errorf("%s: %v\n%s", name, diags, d)
		}
	}
	archives, _ := filepath.Glob("testdata/good/*.txtar")
	for _, file := range archives {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			t.Run(filepath.Base(file)+"/"+f.Name, func(t *testing.T) { check(t, f.Name, f.Data) })
		}
	}
	for _, ext := range []string{"yaml", "cue"} {
		for _, root := range []string{"../examples/*/*.", "../policies/*/*."} {
			files, _ := filepath.Glob(root + ext)
			for _, file := range files {
				if strings.Contains(file, "/bench/") { // a template, not YAML
					continue
				}
				t.Run(file, func(t *testing.T) {
					src, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					check(t, file, src)
					if d := cmp.Diff(string(src), laidOut(t, file, src)); d != "" {
						t.Errorf("not laid out:\n%s", d)
					}
				})
			}
		}
	}
}

// FuzzFormat lays out whatever can be read: it stays the same policy, and stays as it is.
func FuzzFormat(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, in := range ar.Files {
			if in.Name != "want" {
				f.Add(strings.HasSuffix(in.Name, ".cue"), in.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, isCUE bool, src []byte) {
		name := "policy.yaml"
		if isCUE {
			name = "policy.cue"
		}
		out, diags, err := schema.Format(name, src)
		if len(diags) > 0 || err != nil {
			return
		}
		again, diags, err := schema.Format(name, out)
		if len(diags) > 0 || err != nil || string(again) != string(out) {
			t.Errorf("%v %v\n%q\n%q\n%q", diags, err, src, out, again)
		}
	})
}
