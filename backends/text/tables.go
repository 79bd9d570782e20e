package text

import (
	"context"
	"slices"

	"sipedge/backends"
	"sipedge/backends/relation"
)

// Check compares tables with the files that are there.
func (s *store) Check(ctx context.Context, tables []backends.Table) ([]backends.Finding, error) {
	return backends.Findings(ctx, s, tables,
		func(_ context.Context, table string) (func(string) bool, error) {
			c, err := s.load(table)
			switch {
			case err != nil:
				return nil, err
			case c.err != nil:
				return nil, c.err
			}
			return func(column string) bool { return c.table.Index(column) >= 0 }, nil
		})
}

// Migrate makes files that are absent and adds columns that are missing.
func (s *store) Migrate(ctx context.Context, tables []backends.Table) error {
	findings, err := s.Check(ctx, tables)
	if err != nil {
		return err
	}
	for i, f := range findings {
		if !f.Due() {
			continue
		}
		if f.Absent {
			err = s.create(tables[i])
		} else {
			err = s.extend(tables[i])
		}
		if err == nil {
			err = backends.NoteVersion(ctx, s, tables[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *store) create(t backends.Table) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	made := &relation.Table{Unique: s.unique[t.Name]}
	for _, c := range t.Columns {
		made.Columns = append(made.Columns, column(t, c))
	}
	return s.write(t.Name, made, mode)
}

// column is one as the file has it. What may be empty may be NULL: OpenSIPS takes an empty text for
// NULL, and refuses a file that has it where it may not be.
func column(t backends.Table, c backends.Column) relation.Column {
	keyed := slices.ContainsFunc(t.Unique, func(u []string) bool { return slices.Contains(u, c.Name) })
	return relation.Column{Name: c.Name, Kind: relation.KindOf(c.Type), EmptyIsNull: true,
		Auto: c.Type == backends.Serial,
		Null: c.Null || !keyed && (c.Type == backends.Name || c.Type == backends.LongText)}
}

func (s *store) extend(t backends.Table) error {
	return s.change(t.Name, func(old *relation.Table) (*relation.Table, error) {
		next := &relation.Table{Columns: slices.Clone(old.Columns), Unique: s.unique[t.Name]}
		var more []backends.Cell
		for _, c := range t.Columns {
			if old.Index(c.Name) < 0 {
				made := column(t, c)
				next.Columns = append(next.Columns, made)
				more = append(more, backends.Cell{Column: c.Name, Value: made.Unset()})
			}
		}
		for _, r := range old.Rows {
			row := slices.Clone(r)
			for _, c := range more {
				row = append(row, c.Value)
			}
			next.Rows = append(next.Rows, row)
		}
		return next, nil
	})
}
