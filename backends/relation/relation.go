// Package relation is tables in memory, for drivers whose service can't be asked by conditions.
// Its one law: a table never changes; a change makes another one.
package relation

import (
	"fmt"
	"slices"

	"sipedge/backends"
)

// Column of a Table.
type Column struct {
	Name string
	Kind Kind
	Null bool // it may be NULL; else it is empty or 0 unless set
	Auto bool // a number that the table gives when none is set
	// EmptyIsNull: the service keeps an empty text of a column that may be NULL as NULL.
	EmptyIsNull bool
}

// Table is columns and rows. Nothing in it is written to once it is used.
type Table struct {
	Columns []Column
	Unique  [][]string     // columns whose values together are in one row alone
	Rows    []backends.Row // a value of Store for each column
}

// Index is the place of a column; -1: there is none.
func (t *Table) Index(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

func (t *Table) index(name string) (int, error) {
	i := t.Index(name)
	if i < 0 {
		return 0, fmt.Errorf("%w: no column %.40q", backends.ErrRefused, name)
	}
	return i, nil
}

func (t *Table) indexes(names []string) ([]int, error) {
	out := make([]int, len(names))
	var err error
	for i, n := range names {
		if out[i], err = t.index(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// with is the table with other rows, if they may be.
func (t *Table) with(rows []backends.Row) (*Table, error) {
	next := &Table{Columns: t.Columns, Unique: t.Unique, Rows: rows}
	return next, next.distinct()
}

// distinct finds what is in two rows and may be in one. NULL is like nothing else.
func (t *Table) distinct() error {
	for _, names := range t.Unique {
		at, err := t.indexes(names)
		if err != nil {
			return err
		}
		seen := make(map[string]struct{}, len(t.Rows))
		for _, r := range t.Rows {
			key, ok := Key(r, at)
			if _, twice := seen[key]; ok && twice {
				return fmt.Errorf("%w: a row with this %v", backends.ErrExists, names)
			}
			seen[key] = struct{}{}
		}
	}
	return nil
}

// Auto is the place of the column that the table numbers; -1: there is none.
func (t *Table) Auto() int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Auto })
}

// Row is a row of values for some columns; those of others are unset.
func (t *Table) Row(columns []string, values backends.Row) (backends.Row, error) {
	at, err := t.indexes(columns)
	if err != nil {
		return nil, err
	}
	if len(values) != len(columns) {
		return nil, fmt.Errorf("%w: a row of %d values for %d columns", backends.ErrRefused,
			len(values), len(columns))
	}
	row := make(backends.Row, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = c.Unset()
	}
	for i, j := range at {
		if row[j], err = t.Columns[j].Store(values[i]); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// Insert is the table with more rows.
func (t *Table) Insert(columns []string, rows []backends.Row) (*Table, error) {
	if _, err := t.indexes(columns); err != nil {
		return nil, err
	}
	auto := t.Auto()
	last := int64(0)
	if auto >= 0 {
		for _, r := range t.Rows {
			n, _ := r[auto].(int64)
			last = max(last, n)
		}
	}
	all := slices.Clip(t.Rows)
	for _, r := range rows {
		row, err := t.Row(columns, r)
		if err != nil {
			return nil, err
		}
		if auto >= 0 && row[auto] == nil {
			row[auto] = last + 1
		}
		if auto >= 0 {
			last = max(last, row[auto].(int64))
		}
		all = append(all, row)
	}
	return t.with(all)
}

// Update is the table with cells set in the rows that where selects, and how many they are.
func (t *Table) Update(set []backends.Cell, where []backends.Where) (*Table, int, error) {
	f, err := t.filter(where)
	if err != nil {
		return nil, 0, err
	}
	if len(set) == 0 {
		return nil, 0, fmt.Errorf("%w: nothing to set", backends.ErrRefused)
	}
	at, values := make([]int, len(set)), make([]backends.Value, len(set))
	for i, c := range set {
		if at[i], err = t.index(c.Column); err != nil {
			return nil, 0, err
		}
		if values[i], err = t.Columns[at[i]].Store(c.Value); err != nil {
			return nil, 0, err
		}
	}
	rows, n := slices.Clone(t.Rows), 0
	for i, r := range rows {
		if !f.holds(r) {
			continue
		}
		n++
		rows[i] = slices.Clone(r)
		for j, v := range values {
			rows[i][at[j]] = v
		}
	}
	next, err := t.with(rows)
	return next, n, err
}

// Delete is the table without the rows that where selects, and how many they are.
func (t *Table) Delete(where []backends.Where) (*Table, int, error) {
	f, err := t.filter(where)
	if err != nil {
		return nil, 0, err
	}
	rows := slices.DeleteFunc(slices.Clone(t.Rows), f.holds)
	next, err := t.with(rows)
	return next, len(t.Rows) - len(rows), err
}

// Upsert is the table with a row in place of the one of the same key, or beside the others.
func (t *Table) Upsert(key []string, row []backends.Cell) (*Table, error) {
	where, err := backends.OfKey(key, row)
	if err != nil {
		return nil, err
	}
	next, n, err := t.Update(row, where)
	if n > 0 || err != nil {
		return next, err
	}
	columns, values := backends.Split(row)
	return t.Insert(columns, []backends.Row{values})
}
