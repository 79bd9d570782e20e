package sqlstore

import (
	"fmt"
	"math"
	"strings"

	"sipedge/backends"
)

// statement is SQL under construction; the first error stays.
type statement struct {
	strings.Builder
	d       *Dialect
	columns columns
	args    []any
	err     error
}

func (s *statement) write(parts ...string) *statement {
	for _, p := range parts {
		s.WriteString(p)
	}
	return s
}

// name writes a name.
func (s *statement) name(n string) *statement {
	q, err := s.d.name(n)
	s.fail(err)
	return s.write(q)
}

// table writes the name of a table, which may have that of a schema before a dot.
func (s *statement) table(t string) *statement {
	for i, part := range strings.Split(t, ".") {
		if i > 0 {
			s.write(".")
		}
		s.name(part)
	}
	return s
}

func (s *statement) names(list []string) *statement {
	for i, n := range list {
		if i > 0 {
			s.write(", ")
		}
		s.name(n)
	}
	return s
}

// value binds a value for a column.
func (s *statement) value(column string, v backends.Value) *statement {
	arg, err := s.d.encode(s.columns[strings.ToLower(column)], v)
	if err != nil {
		s.fail(fmt.Errorf("column %s: %w", column, err))
	}
	return s.bind(arg)
}

func (s *statement) bind(arg any) *statement {
	s.args = append(s.args, arg)
	return s.write(s.d.placeholder(len(s.args)))
}

func (s *statement) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// where writes conditions. Null equals only Null, unlike in SQL.
func (s *statement) where(conditions []backends.Where) *statement {
	for i, c := range conditions {
		s.write([]string{" WHERE ", " AND "}[min(i, 1)])
		if err := c.Op.Check(); err != nil {
			s.fail(err)
		}
		switch {
		case c.Value == nil && c.Op == backends.Equal:
			s.name(c.Column).write(" IS NULL")
		case c.Value == nil && c.Op == backends.NotEqual:
			s.name(c.Column).write(" IS NOT NULL")
		case c.Value == nil:
			s.write("1 = 0")
		case c.Op == backends.NotEqual:
			s.write("(").name(c.Column).write(" <> ").value(c.Column, c.Value)
			s.write(" OR ").name(c.Column).write(" IS NULL)")
		default:
			s.name(c.Column).write(" ", string(c.Op), " ").value(c.Column, c.Value)
		}
	}
	return s
}

func (s *statement) sel(q backends.Select) {
	s.write("SELECT ").names(q.Columns).write(" FROM ").table(q.Table).where(q.Where)
	if len(q.Columns) == 0 {
		s.fail(fmt.Errorf("%w: no columns to select", backends.ErrRefused))
	}
	if q.OrderBy != "" {
		s.write(" ORDER BY ").name(q.OrderBy)
	}
	if q.Limit > 0 || q.Offset > 0 {
		limit := q.Limit
		if limit == 0 {
			limit = math.MaxInt64 // MySQL knows no offset without a limit
		}
		s.write(" LIMIT ").bind(int64(limit)).write(" OFFSET ").bind(int64(q.Offset))
	}
}

func (s *statement) insert(table string, columns []string, rows []backends.Row) {
	s.write("INSERT INTO ").table(table).write(" (").names(columns).write(") VALUES ")
	for i, row := range rows {
		if len(row) != len(columns) {
			s.fail(fmt.Errorf("%w: a row of %d values for %d columns", backends.ErrRefused,
				len(row), len(columns)))
			return
		}
		s.write([]string{"(", ", ("}[min(i, 1)])
		for j, v := range row {
			if j > 0 {
				s.write(", ")
			}
			s.value(columns[j], v)
		}
		s.write(")")
	}
}

func (s *statement) update(table string, set []backends.Cell, where []backends.Where) {
	s.write("UPDATE ").table(table).write(" SET ")
	for i, c := range set {
		if i > 0 {
			s.write(", ")
		}
		s.name(c.Column).write(" = ").value(c.Column, c.Value)
	}
	if len(set) == 0 {
		s.fail(fmt.Errorf("%w: nothing to set", backends.ErrRefused))
	}
	s.where(where)
}

func (s *statement) delete(table string, where []backends.Where) {
	s.write("DELETE FROM ").table(table).where(where)
}
