package bolt

import (
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"sipedge/backends"
	"sipedge/backends/relation"
)

// layoutOf is a table as it is made. The number that the database gives has an index too.
func layoutOf(t backends.Table) layout {
	l := layout{Unique: slices.Clone(t.Unique), Index: t.Index}
	for _, c := range t.Columns {
		l.Columns = append(l.Columns, relation.Column{Name: c.Name, Kind: relation.KindOf(c.Type),
			Null: c.Null, Auto: c.Type == backends.Serial})
		if c.Type == backends.Serial {
			l.Unique = append(l.Unique, []string{c.Name})
		}
	}
	return l
}

// Check compares tables with those that are there.
func (s *store) Check(ctx context.Context, tables []backends.Table) ([]backends.Finding, error) {
	return backends.Findings(ctx, s, tables,
		func(_ context.Context, name string) (has func(string) bool, err error) {
			err = s.run(false, func(tx *bbolt.Tx) error {
				t, err := find(tx, name)
				if err == nil {
					has = func(column string) bool { return t.Index(column) >= 0 }
				}
				return err
			})
			return has, err
		})
}

// Migrate makes tables that are absent and adds columns that are missing.
func (s *store) Migrate(ctx context.Context, tables []backends.Table) error {
	findings, err := s.Check(ctx, tables)
	if err != nil {
		return err
	}
	for i, f := range findings {
		if !f.Due() {
			continue
		}
		err := s.run(true, func(tx *bbolt.Tx) error {
			if f.Absent {
				return create(tx, f.Table, layoutOf(tables[i]))
			}
			return extend(tx, tables[i])
		})
		if err == nil {
			err = backends.NoteVersion(ctx, s, tables[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extend makes a table anew with the columns it lacks, and the rows it has.
func extend(tx *bbolt.Tx, want backends.Table) error {
	old, err := find(tx, want.Name)
	if err != nil {
		return err
	}
	f, err := old.find(nil)
	if err != nil {
		return err
	}
	l := layoutOf(want)
	had := make([]string, len(old.Columns))
	for i, c := range old.Columns {
		had[i] = c.Name
		if !slices.ContainsFunc(l.Columns, func(n relation.Column) bool { return n.Name == c.Name }) {
			l.Columns = append(l.Columns, c) // of somebody's own
		}
	}
	if err := tx.DeleteBucket([]byte(want.Name)); err != nil {
		return err
	}
	if err := create(tx, want.Name, l); err != nil {
		return err
	}
	next, err := find(tx, want.Name)
	if err != nil {
		return err
	}
	for _, r := range f.rows {
		if err := next.insert(had, r); err != nil {
			return err
		}
	}
	return nil
}
