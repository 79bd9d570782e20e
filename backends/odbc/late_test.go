//go:build odbc && cgo

package odbc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

// patience is the timeout of calls here, the least that drivers count by.
const patience = time.Second

// running is how many calls a database has not returned from.
func running(db backends.DB) int {
	return db.(interface{ Stats() backends.Stats }).Stats().Running
}

// empties waits until every call has given its place back.
func empties(t *testing.T, db backends.DB, within time.Duration) {
	t.Helper()
	for began := time.Now(); running(db) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > within {
			t.Fatalf("%d calls still run after %v", running(db), within)
		}
	}
}

// late asks what takes longer than a call may, beside which others are answered.
func late(t *testing.T, db backends.DB, query string) {
	t.Helper()
	ended := make(chan error)
	began := time.Now()
	go func() {
		_, err := db.(backends.Querier).Query(t.Context(), query)
		ended <- err
	}()
	for running(db) == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := db.(backends.Querier).Query(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("beside a long query: %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("beside a long query another took %v", took)
	}
	err := <-ended
	if took := time.Since(began); took > patience+500*time.Millisecond {
		t.Errorf("a call took %v, its timeout is %v", took, patience)
	}
	if !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("a long query: %v, want ErrUnavailable", err)
	}
	empties(t, db, 3*patience)
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("after a long query: %v", err)
	}
}

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) " +
	"SELECT COUNT(*) FROM n"

func TestSQLiteLate(t *testing.T) {
	late(t, backendtest.OpenDB(t, &Driver, sqliteIn(t, patience)), endless)
}

func TestMariaDBLate(t *testing.T) {
	server := backendtest.MariaDB(t)
	db := backendtest.OpenDB(t, &Driver, mariadb(t, server, patience))
	late(t, db, "SELECT SLEEP(60)")
	server.Freeze()
	if err := db.Ping(t.Context()); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("a silent server: %v, want ErrUnavailable", err)
	}
	empties(t, db, 3*patience) // silent as it is
	server.Thaw()
}

// Texts and bytes that come in several parts are whole.
func long(t *testing.T, db backends.DB) {
	t.Helper()
	letters, every := []rune("ż👋日x"), make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for n := bufferSize - 2; n <= bufferSize+2; n++ {
		text := string(slices.Repeat(letters, n))
		raw := slices.Repeat(every, 40)[:2*n]
		err := db.Insert(t.Context(), "parts", []string{"id", "body", "raw"},
			backends.Row{int64(n), text, raw})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.Select(t.Context(), backends.Select{Table: "parts",
			Columns: []string{"body", "raw"}, Where: []backends.Where{
				{Column: "id", Op: backends.Equal, Value: int64(n)}}})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if rows[0][0] != text || !slices.Equal(rows[0][1].([]byte), raw) {
			t.Errorf("%d: stored and returned differ", n)
		}
	}
}

// A source of odbc.ini, by its name.
func TestSource(t *testing.T) {
	dir := t.TempDir()
	ini := filepath.Join(dir, "odbc.ini")
	name := filepath.Base(filepath.Dir(dir)) // unixODBC remembers sources for a while
	text := fmt.Sprintf("[%s]\nDriver = SQLite3\nDatabase = %s/people.db\n", name, dir)
	if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ODBCINI", ini)
	db := backendtest.OpenDB(t, &Driver, "{dialect: sqlite, dsn: "+name+"}")
	if err := db.(backends.Migrator).Migrate(t.Context(), backends.Tables); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "people.db")); err != nil {
		t.Error(err)
	}
	other := backendtest.OpenDB(t, &Driver, "{dialect: sqlite, dsn: nobody}")
	if err := other.Ping(t.Context()); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("a source that is not there: %v, want ErrUnavailable", err)
	}
}
