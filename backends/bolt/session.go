package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"sipedge/backends"
	"sipedge/backends/relation"
)

// able is what a session can do.
const able = backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
	backends.CanUpsert | backends.CanBatch

// session is a DB whose calls are run in a transaction: each in its own, or all in one.
type session struct {
	can backends.Capability
	run func(write bool, f func(*bbolt.Tx) error) error
}

func (s *session) Can() backends.Capability { return s.can }

func (s *session) Ping(context.Context) error {
	return s.run(false, func(*bbolt.Tx) error { return nil })
}

func (s *session) Close() error { return nil }

func (s *session) Select(_ context.Context, q backends.Select) (rows []backends.Row, err error) {
	err = s.run(false, func(tx *bbolt.Tx) error {
		t, err := find(tx, q.Table)
		if err != nil {
			return err
		}
		f, err := t.find(q.Where)
		if err != nil {
			return err
		}
		found := relation.Table{Columns: t.Columns, Rows: f.rows}
		rows, err = found.Select(q)
		return err
	})
	return rows, err
}

func (s *session) Insert(_ context.Context, table string, columns []string,
	rows ...backends.Row) error {
	return s.run(true, func(tx *bbolt.Tx) error {
		t, err := find(tx, table)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := t.insert(columns, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) Update(_ context.Context, table string, set []backends.Cell,
	where []backends.Where) (n int, err error) {
	err = s.run(true, func(tx *bbolt.Tx) error {
		t, err := find(tx, table)
		if err == nil {
			n, err = t.update(set, where)
		}
		return err
	})
	return n, err
}

func (s *session) Delete(_ context.Context, table string, where []backends.Where) (
	n int, err error) {
	err = s.run(true, func(tx *bbolt.Tx) error {
		t, err := find(tx, table)
		if err != nil {
			return err
		}
		f, err := t.find(where)
		if err != nil {
			return err
		}
		n = len(f.rows)
		for i, r := range f.rows {
			if err := t.remove(f.ids[i], r); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (s *session) Upsert(_ context.Context, table string, key []string,
	row []backends.Cell) error {
	where, err := backends.OfKey(key, row)
	if err != nil {
		return err
	}
	return s.run(true, func(tx *bbolt.Tx) error {
		t, err := find(tx, table)
		if err != nil {
			return err
		}
		if n, err := t.update(row, where); n > 0 || err != nil {
			return err
		}
		columns, values := backends.Split(row)
		return t.insert(columns, values)
	})
}
