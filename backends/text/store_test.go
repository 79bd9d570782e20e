package text

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

func opened(t *testing.T, folder string) backends.DB {
	t.Helper()
	return backendtest.OpenDB(t, &Driver, "{folder: "+folder+", timeout: 30s, max_connections: 64}")
}

// names are those of a table, in its order.
func names(t *testing.T, db backends.DB) string {
	t.Helper()
	rows, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"name"}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, backends.Text(r[0]))
	}
	return strings.Join(out, " ")
}

// What somebody edits is there at the next look; what he breaks stays as it was, and is not
// written over.
func TestEdited(t *testing.T) {
	folder := t.TempDir()
	db := opened(t, folder)
	expect := func(want string) {
		t.Helper()
		if got := names(t, db); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	insert := func(name string) error {
		return db.Insert(t.Context(), "t", []string{"name"}, backends.Row{name})
	}
	const broken = "name(string)\na\nb:c\n"
	put(t, folder, "t", broken)
	_, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"name"}})
	if !errors.Is(err, backends.ErrUnavailable) || !strings.Contains(err.Error(), "t: line 3") {
		t.Errorf("a broken file: %v", err)
	}
	put(t, folder, "t", "name(string)\na\n")
	expect("a")
	put(t, folder, "t", broken)
	expect("a")
	if err := insert("x"); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("inserted into a broken file: %v", err)
	}
	if b, _ := os.ReadFile(filepath.Join(folder, "t")); string(b) != broken {
		t.Errorf("the file was written over: %q", b)
	}
	put(t, folder, "t", "name(string)\nc\n")
	if err := insert("d"); err != nil {
		t.Fatal(err)
	}
	expect("c d")
	if err := os.Remove(filepath.Join(folder, "t")); err != nil {
		t.Fatal(err)
	}
	if err := insert("e"); !errors.Is(err, backends.ErrRefused) {
		t.Errorf("a table that is gone: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := insert("e"); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("a folder that is gone: %v", err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("ping of a folder that is gone: %v", err)
	}
}

// Two that write one table take turns: no row is lost, and nothing is left behind.
func TestTurns(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "t", "id(int,auto) name(string)\n")
	var wg sync.WaitGroup
	const each = 50
	for w := range 2 {
		db := opened(t, folder)
		wg.Go(func() {
			for i := range each {
				err := db.Insert(t.Context(), "t", []string{"name"}, backends.Row{fmt.Sprint(w, "-", i)})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	db := opened(t, folder)
	if n := len(strings.Fields(names(t, db))); n != 2*each {
		t.Errorf("%d rows, want %d", n, 2*each)
	}
	rows, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"id"},
		OrderBy: "id"})
	if err != nil || rows[2*each-1][0] != int64(2*each) {
		t.Errorf("%v, last number %v, want %d", err, rows[2*each-1], 2*each)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Errorf("%v, left: %v", err, files)
	}
}

// A file stays what it was but for its content: its mode, and the link that leads to it.
func TestPlace(t *testing.T) {
	folder := t.TempDir()
	elsewhere := t.TempDir()
	put(t, elsewhere, "real", "name(string)\n")
	if err := errors.Join(os.Chmod(filepath.Join(elsewhere, "real"), 0o640),
		os.Symlink(filepath.Join(elsewhere, "real"), filepath.Join(folder, "t"))); err != nil {
		t.Fatal(err)
	}
	db := opened(t, folder)
	if err := db.Insert(t.Context(), "t", []string{"name"}, backends.Row{"a"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(elsewhere, "real"))
	b, _ := os.ReadFile(filepath.Join(elsewhere, "real"))
	if err != nil || info.Mode() != 0o640 || string(b) != "name(string)\na\n" {
		t.Errorf("%v, %v: %q", err, info.Mode(), b)
	}
	for _, name := range []string{"../t", "a/../t", ".t", filepath.Join(elsewhere, "real")} {
		_, err := db.Select(t.Context(), backends.Select{Table: name, Columns: []string{"name"}})
		if !errors.Is(err, backends.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
	}
}

// A table of before this version gets its columns; what is in it stays.
func TestOlder(t *testing.T) {
	folder := t.TempDir()
	db := opened(t, folder)
	m := db.(backends.Migrator)
	put(t, folder, "version", "table_name(string) table_version(int)\nsubscriber:7\n")
	put(t, folder, "subscriber", "id(int,auto) username(string) domain(string) password(string) "+
		"ha1(string)\n3:bob:example.org:secret:\n")
	put(t, folder, "grp", "username(string) grp(string)\n")
	if err := m.Migrate(t.Context(), backends.Tables); err != nil {
		t.Fatal(err)
	}
	findings, err := m.Check(t.Context(), backends.Tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Fine() == (f.Table == "grp") || f.Foreign != (f.Table == "grp") {
			t.Errorf("%+v", f)
		}
	}
	b, err := os.ReadFile(filepath.Join(folder, "subscriber"))
	const want = "id(int,auto) username(string) domain(string) password(string) ha1(string) " +
		"ha1_sha256(string,null) ha1_sha512t256(string,null)\n3:bob:example.org:secret:::\n"
	if string(b) != want || err != nil {
		t.Errorf("%v, want, got:\n%s\n%s", err, want, b)
	}
}
