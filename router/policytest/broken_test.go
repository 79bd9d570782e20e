package policytest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/router"
)

var update = flag.Bool("update", false, "write goldens anew")

// TestBroken loads test files with one mistake each, which gives one diagnostic.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		name, _ := filepath.Abs(file)
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			unpack(t, ar)
			f, src, diags, err := Load("policy.test.yaml", router.Vocabulary())
			if err != nil || f != nil || len(diags) != 1 {
				t.Errorf("want one diagnostic and no file, got %d, %v, %v", len(diags), f, err)
			}
			want, got := &ar.Files[len(ar.Files)-1], diags.Text(src)
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if d := cmp.Diff(string(want.Data), got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// unpack writes the files of an archive into a folder of the test, and goes there.
func unpack(t *testing.T, ar *txtar.Archive) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range ar.Files {
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
