package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/relation"
)

// opened is a store and the same behind a gate.
func opened(t *testing.T, path string) (*store, backends.DB) {
	t.Helper()
	limits := backends.DefaultLimits
	limits.Timeout = 20 * time.Second
	s := newStore(path, limits.Timeout)
	db := backends.Guard("bolt_test", s, limits)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, db
}

func TestDB(t *testing.T) {
	s, db := opened(t, filepath.Join(t.TempDir(), "x.db"))
	kinds := []relation.Kind{relation.Integer, relation.Text, relation.Text, relation.Bytes,
		relation.Real, relation.Moment}
	backendtest.RunDB(t, backendtest.Subject{DB: db, Table: func(t *testing.T, name string) {
		l := layout{Unique: [][]string{{"name"}}, Index: [][]string{{"score", "at"}, {"id"}}}
		for i, c := range backendtest.Columns {
			l.Columns = append(l.Columns, relation.Column{Name: c, Kind: kinds[i], Null: true})
		}
		err := s.run(true, func(tx *bbolt.Tx) error { return create(tx, name, l) })
		if err != nil {
			t.Fatal(err)
		}
	}})
}

func TestTables(t *testing.T) {
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, "file: tables.db"))
}

// A table of before gets its columns; rows, their numbers and their keys stay.
func TestOlder(t *testing.T) {
	s, db := opened(t, filepath.Join(t.TempDir(), "x.db"))
	ctx := t.Context()
	full := backends.Table{Name: "t", Columns: []backends.Column{
		{Name: "id", Type: backends.Serial}, {Name: "name", Type: backends.Name},
		{Name: "age", Type: backends.Integer}, {Name: "note", Type: backends.LongText, Null: true}},
		Unique: [][]string{{"name"}}}
	old := full
	old.Columns = full.Columns[:2]
	migrate := func(table backends.Table) {
		t.Helper()
		if err := s.Migrate(ctx, []backends.Table{table}); err != nil {
			t.Fatal(err)
		}
	}
	migrate(old)
	for _, row := range []backends.Row{{"a", nil}, {"b", int64(7)}, {"c", nil}} {
		if err := db.Insert(ctx, "t", []string{"name", "id"}, row); err != nil {
			t.Fatal(err)
		}
	}
	migrate(full)
	migrate(full)
	err := db.Insert(ctx, "t", []string{"name"}, backends.Row{"a"})
	if !errors.Is(err, backends.ErrExists) {
		t.Errorf("the same name: %v, want ErrExists", err)
	}
	if err := db.Insert(ctx, "t", []string{"name", "note"}, backends.Row{"d", "x"}); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Select(ctx, backends.Select{Table: "t", OrderBy: "id",
		Columns: []string{"id", "name", "age", "note"}})
	want := []backends.Row{{int64(1), "a", int64(0), nil}, {int64(7), "b", int64(0), nil},
		{int64(8), "c", int64(0), nil}, {int64(9), "d", int64(0), "x"}}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("%v, want, got:\n%s", err, diff)
	}
}

// What one process has open another one waits for, and is told of.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	_, first := opened(t, path)
	if err := first.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := newStore(path, 100*time.Millisecond)
	err := second.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another process has "+path+" open") {
		t.Errorf("a file that is open: %v", err)
	}
}

// A file that was damaged is a failure, and no panic.
func FuzzRow(f *testing.F) {
	f.Add(appendRow(nil, backends.Row{"a", []byte{0}, int64(-1), 0.5, time.Unix(1, 0), nil}))
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := parseRow(b, 6)
		if err != nil {
			return
		}
		again, err := parseRow(appendRow(nil, row), 6)
		if err != nil || fmt.Sprint(row) != fmt.Sprint(again) {
			t.Errorf("%v, %v, %v", row, again, err)
		}
	})
}
