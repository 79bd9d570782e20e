package schema_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/schema"
)

var update = flag.Bool("update", false, "write goldens anew")

// TestBroken loads policies with one mistake each. An archive holds one file,
// or those of a folder, and what is said about them.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	v := testVocabulary()
	for _, file := range files {
		name, _ := filepath.Abs(file)
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			doc, src, diags, err := loadArchive(t, ar, v)
			if err != nil {
				t.Fatal(err)
			}
			if doc != nil || len(diags) != 1 {
				t.Errorf("want one diagnostic and no document, got %d and %v", len(diags), doc)
			}
			for _, d := range diags {
				_, own := src[d.Pos.File]
				if !own || strings.Contains(d.Message, "\n") || strings.Contains(d.Hint, "\n") {
					t.Errorf("want a line, a hint and a place in the author's files, got %v", d)
				}
			}
			golden(t, name, ar, diags.Text(src))
		})
	}
}

// TestDoubtful loads policies that are taken, with warnings.
func TestDoubtful(t *testing.T) {
	files, _ := filepath.Glob("testdata/doubtful/*.txtar")
	if len(files) == 0 {
		t.Fatal("no archives")
	}
	for _, file := range files {
		name, _ := filepath.Abs(file)
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			doc, src, diags, err := loadArchive(t, ar, testVocabulary())
			if err != nil || doc == nil || len(diags) == 0 || diags.HasErrors() {
				t.Errorf("want a document and warnings, got %v, %v, %v", doc, diags, err)
			}
			golden(t, name, ar, diags.Text(src))
		})
	}
}

// loadArchive loads the files of an archive as an author would: by name when
// it is one, as the folder they lie in when they are several.
func loadArchive(t *testing.T, ar *txtar.Archive, v *schema.Vocabulary) (
	*schema.Document, schema.Source, schema.Diagnostics, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	var names []string
	for _, f := range ar.Files {
		if f.Name == "want" {
			continue
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
	}
	path := "."
	if len(names) == 1 {
		path = names[0]
	}
	return schema.Load(path, v)
}

// golden compares with the file "want" of an archive, or writes it.
func golden(t *testing.T, name string, ar *txtar.Archive, got string) {
	t.Helper()
	for i := range ar.Files {
		f := &ar.Files[i]
		if f.Name != "want" {
			continue
		}
		if *update {
			f.Data = []byte(got)
			if err := os.WriteFile(name, txtar.Format(ar), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
		if d := cmp.Diff(string(f.Data), got); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		return
	}
	t.Fatal("no file want")
}
