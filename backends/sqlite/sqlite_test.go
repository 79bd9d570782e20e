package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

func TestDB(t *testing.T) {
	db := backendtest.OpenDB(t, &Driver, "file: data ü#?%20.db")
	backendtest.RunDB(t, backendtest.Subject{DB: db, Table: func(t *testing.T, name string) {
		_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (id INTEGER, "+
			"name VARCHAR(255) UNIQUE, body TEXT, raw BLOB, score DOUBLE, at DATETIME)", name))
		if err != nil {
			t.Fatal(err)
		}
	}})
}

// A file that was not there is its owner's alone, with what SQLite puts beside it.
func TestMode(t *testing.T) {
	folder := t.TempDir()
	db := backendtest.OpenDB(t, &Driver, "file: "+filepath.Join(folder, "people.db"))
	if _, err := db.(backends.Querier).Exec(t.Context(), "CREATE TABLE a (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestTables(t *testing.T) {
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, "file: tables.db"))
}
