package text

import (
	"os"
	"path/filepath"
	"testing"

	"sipedge/backends/backendtest"
)

const columns = "id(int,null) name(string,null) body(str,null) raw(blob,null) score(double,null) " +
	"at(time,null)\n"

func TestDB(t *testing.T) {
	folder := t.TempDir()
	db := backendtest.OpenDB(t, &Driver, "{folder: "+folder+", timeout: 10s, "+
		"unique: {inserts: [[name]], many: [[name]]}}")
	backendtest.RunDB(t, backendtest.Subject{
		DB: db, EmptyIsNull: true,
		Table: func(t *testing.T, name string) { put(t, folder, name, columns) },
	})
}

func put(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTables(t *testing.T) {
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, "folder: ."))
}
