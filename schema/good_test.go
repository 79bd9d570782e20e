package schema_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/schema"
)

// TestGood loads policies written in YAML and in CUE: nothing is said about
// them, and they mean the same.
func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	v := testVocabulary()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var docs []*schema.Document
			for _, f := range ar.Files {
				doc, src, diags := schema.LoadBytes(f.Name, f.Data, v)
				if len(diags) > 0 {
					t.Fatal(diags.Text(src))
				}
				docs = append(docs, doc)
			}
			if d := cmp.Diff(docs[0], docs[1], meaning...); d != "" {
				t.Errorf("-%s +%s\n%s", ar.Files[0].Name, ar.Files[1].Name, d)
			}
		})
	}
}

// meaning compares documents but for places. The order of keys in a map is
// not part of it.
var meaning = []cmp.Option{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreTypes(schema.Pos{}),
	cmpopts.IgnoreFields(schema.Document{}, "Files"),
	cmpopts.IgnoreFields(schema.Value{}, "End", "Flow"),
	cmpopts.IgnoreFields(schema.Key{}, "End"),
	cmpopts.IgnoreUnexported(schema.Rule{}),
	cmpopts.SortSlices(func(a, b schema.Key) bool { return a.Name < b.Name }),
}
