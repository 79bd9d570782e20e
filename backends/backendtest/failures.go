package backendtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/backends"
)

// What can't be is refused, in every place a name can stand; the database is asked on.
func refused(t *testing.T, s *Subject) {
	s.fill(t, "refusals", "a")
	ctx, db := t.Context(), s.DB
	for _, name := range []string{
		"nosuch", "", "a\x00b", "id; DROP TABLE refusals", "id`", `id"`, "'id'",
	} {
		_, table := db.Select(ctx, backends.Select{Table: name, Columns: []string{"id"}})
		_, column := db.Select(ctx, backends.Select{Table: "refusals", Columns: []string{name}})
		_, condition := db.Select(ctx, backends.Select{Table: "refusals", Columns: []string{"id"},
			Where: []backends.Where{is(name, "a")}})
		errs := map[string]error{"table": table, "column": column, "condition": condition}
		if db.Can()&backends.CanUpdate != 0 {
			_, errs["set"] = db.Update(ctx, "refusals", []backends.Cell{{Column: name, Value: "a"}}, nil)
			errs["insert"] = db.Insert(ctx, "refusals", []string{name}, backends.Row{"a"})
		}
		for where, err := range errs {
			if !errors.Is(err, backends.ErrRefused) {
				t.Errorf("%s %q: %v, want ErrRefused", where, name, err)
			}
		}
	}
	if db.Can()&backends.CanInsert != 0 {
		err := db.Insert(ctx, "refusals", []string{"id", "name"}, backends.Row{int64(1)})
		if !errors.Is(err, backends.ErrRefused) {
			t.Errorf("a row of another length: %v", err)
		}
		err = db.Insert(ctx, "refusals", []string{"id"}, backends.Row{"no number"})
		if !errors.Is(err, backends.ErrRefused) {
			t.Errorf("a text for a number: %v", err)
		}
	}
	s.expect(t, "refusals", []string{"a"})
}

// What it says it can't do returns ErrUnsupported.
func unsupported(t *testing.T, s *Subject) {
	ctx, db, can := t.Context(), s.DB, s.DB.Can()
	set := []backends.Cell{{Column: "name", Value: "a"}}
	for _, c := range []struct {
		name string
		by   backends.Capability
		call func() error
	}{
		{"select", backends.CanSelect, func() error { return s.probe("anything") }},
		{"insert", backends.CanInsert, func() error {
			return db.Insert(ctx, "anything", []string{"name"}, backends.Row{"a"})
		}},
		{"insert rows", backends.CanBatch, func() error {
			return db.Insert(ctx, "anything", []string{"name"}, backends.Row{"a"}, backends.Row{"b"})
		}},
		{"update", backends.CanUpdate, func() error {
			_, err := db.Update(ctx, "anything", set, nil)
			return err
		}},
		{"delete", backends.CanDelete, func() error {
			_, err := db.Delete(ctx, "anything", nil)
			return err
		}},
		{"upsert", backends.CanUpsert, func() error {
			return db.Upsert(ctx, "anything", []string{"name"}, set)
		}},
		{"statement", backends.CanRaw, func() error {
			q, ok := db.(backends.Querier)
			if !ok {
				return backends.ErrUnsupported
			}
			_, err := q.Query(ctx, "anything")
			return err
		}},
		{"transaction", backends.CanTx, func() error {
			tx, ok := db.(backends.Transactor)
			if !ok {
				return backends.ErrUnsupported
			}
			return tx.Tx(ctx, func(backends.DB) error { return nil })
		}},
		{"serial transaction", backends.CanSerial, func() error {
			tx, ok := db.(backends.Serializer)
			if !ok {
				return backends.ErrUnsupported
			}
			return tx.Serial(ctx, func(backends.DB) error { return nil })
		}},
		{"notification", backends.CanNotify, func() error {
			n, ok := db.(backends.Notifier)
			if !ok {
				return backends.ErrUnsupported
			}
			return n.Notified(ctx, "anything", func(error) {})
		}},
	} {
		if can&c.by != 0 {
			continue
		}
		if err := c.call(); !errors.Is(err, backends.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", c.name, err)
		}
	}
}

func statements(t *testing.T, s *Subject) {
	s.fill(t, "statements", "a", "b?", "c")
	q, ctx := s.DB.(backends.Querier), t.Context()
	rows, err := q.Query(ctx, "SELECT name, '?' FROM statements WHERE name = ? AND id < ?", "b?",
		int64(3))
	check(t, err)
	if diff := cmp.Diff([]backends.Row{{"b?", "?"}}, rows); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	n, err := q.Exec(ctx, "DELETE FROM statements WHERE id > ?", int64(1))
	if n != 2 || err != nil {
		t.Errorf("deleted %d, %v; want 2", n, err)
	}
	_, err = q.Query(ctx, "SELECT name FROM statements WHERE name = ?")
	_, err2 := q.Query(ctx, "SELEKT")
	if !errors.Is(err, backends.ErrRefused) || !errors.Is(err2, backends.ErrRefused) {
		t.Errorf("too few values: %v; no SQL: %v", err, err2)
	}
}

func transaction(t *testing.T, s *Subject) {
	s.fill(t, "transactions", "a")
	tx := s.DB.(backends.Transactor)
	stop := fmt.Errorf("no: %w", backends.ErrNotFound)
	for _, end := range []error{stop, nil} {
		err := tx.Tx(t.Context(), func(db backends.DB) error {
			for i, name := range []string{"b", "c", "d"} { // the same statement again
				if err := db.Insert(t.Context(), "transactions", Columns, row(2+i, name)); err != nil {
					return err
				}
			}
			if _, err := db.Delete(t.Context(), "transactions",
				[]backends.Where{is("name", "a")}); err != nil {
				return err
			}
			return end
		})
		want := []string{"b", "c", "d"}
		if end != nil {
			want = []string{"a"}
		}
		if !errors.Is(err, end) {
			t.Errorf("Tx returned %v, want %v", err, end)
		}
		s.expect(t, "transactions", want)
	}
}

// Each of those who add a row to no more than so many finds the rows of all before it.
func serial(t *testing.T, s *Subject) {
	s.Table(t, "turns")
	const clerks, most = 12, 5
	tx, ctx := s.DB.(backends.Serializer), t.Context()
	errs := make(chan error, clerks)
	for c := range clerks {
		go func() {
			for {
				err := tx.Serial(ctx, func(db backends.DB) error {
					there, err := db.Select(ctx, backends.Select{Table: "turns", Columns: []string{"id"}})
					if err != nil || len(there) == most {
						return err
					}
					return db.Insert(ctx, "turns", Columns, row(c, fmt.Sprint(c)))
				})
				if !errors.Is(err, backends.ErrConflict) {
					errs <- err
					return
				}
				time.Sleep(rand.N(10 * time.Millisecond))
			}
		}()
	}
	for range clerks {
		check(t, <-errs)
	}
	there, err := s.DB.Select(ctx, backends.Select{Table: "turns", Columns: []string{"id"}})
	if len(there) != most || err != nil {
		t.Errorf("%d rows, %v; want %d", len(there), err, most)
	}
}

func concurrent(t *testing.T, s *Subject) {
	s.Table(t, "crowd")
	const clerks, each = 8, 25
	var wg sync.WaitGroup
	for c := range clerks {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("%d-%d", c, i)
				err := s.DB.Upsert(context.Background(), "crowd", []string{"name"}, []backends.Cell{
					{Column: "name", Value: name}, {Column: "id", Value: int64(c*each + i)}})
				if err != nil {
					t.Error(name, err)
					return
				}
				rows, err := s.DB.Select(context.Background(), backends.Select{Table: "crowd",
					Columns: []string{"name"}, Where: []backends.Where{is("name", name)}})
				if err != nil || len(rows) != 1 || rows[0][0] != name {
					t.Errorf("%s: got %v, %v", name, rows, err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(s.names(t, "crowd")); got != clerks*each {
		t.Errorf("%d rows, want %d", got, clerks*each)
	}
}

// Patience is the timeout of backends under test that have a server.
const Patience = 2 * time.Second

const backWithin = 5 * time.Second

// probe asks for a row.
func (s *Subject) probe(table string) error {
	_, err := s.DB.Select(context.Background(), backends.Select{Table: table, Columns: []string{"id"}})
	return err
}

// comesBack waits until the database answers again.
func (s *Subject) comesBack(t *testing.T, table string) {
	t.Helper()
	began := time.Now()
	for s.probe(table) != nil {
		if time.Since(began) > backWithin {
			t.Fatalf("no answer %v after the server is back: %v", backWithin, s.probe(table))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A server that keeps its connections and says nothing costs each call its timeout.
func silent(t *testing.T, s *Subject) {
	s.fill(t, "silence", "a")
	s.Server.Freeze()
	for range 3 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				began := time.Now()
				err := s.probe("silence")
				if took := time.Since(began); took > 2*Patience-200*time.Millisecond { // nor twice
					t.Errorf("a call took %v, its timeout is %v", took, Patience)
				}
				if !errors.Is(err, backends.ErrUnavailable) {
					t.Errorf("a silent server: %v, want ErrUnavailable", err)
				}
			})
		}
		wg.Wait()
	}
	s.Server.Thaw()
	s.comesBack(t, "silence")
}

// A server that was stopped is unavailable at once; one that was started again is used again.
func restarted(t *testing.T, s *Subject) {
	s.fill(t, "restarts", "a")
	s.Server.Stop(t)
	for range 10 {
		if err := s.probe("restarts"); !errors.Is(err, backends.ErrUnavailable) {
			t.Errorf("a stopped server: %v, want ErrUnavailable", err)
		}
	}
	s.Server.Start(t)
	s.comesBack(t, "restarts")
	s.expect(t, "restarts", []string{"a"})
	check(t, s.DB.Insert(t.Context(), "restarts", Columns, row(2, "b")))
	s.expect(t, "restarts", []string{"a", "b"})
}
