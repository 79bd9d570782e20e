package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"sipedge/backends"
)

const form = "application/x-www-form-urlencoded"

// forms is a server that speaks the grammar of db_http. It adds one row at a time, and counts in
// its own way.
type forms struct {
	*client
	grammar
	counts bool

	mu    sync.Mutex
	types map[[2]string]string // of columns, by table and name
}

func newForms(c *client, g grammar, counts bool) *forms {
	return &forms{client: c, grammar: g, counts: counts, types: map[[2]string]string{}}
}

func (f *forms) Can() backends.Capability {
	return backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
		backends.CanUpsert
}

func (f *forms) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	if len(q.Columns) == 0 {
		return nil, fmt.Errorf("%w: no columns to select", backends.ErrRefused)
	}
	text := f.query().where(q.Where, f.column(ctx, q.Table, q.Where, nil)).list("c", q.Columns...)
	if q.OrderBy != "" {
		text.list("o", q.OrderBy)
	}
	rows, err := f.get(ctx, q.Table, text, q.Columns)
	if err != nil {
		return nil, err
	}
	rows = rows[min(q.Offset, len(rows)):] // the grammar has no pages
	if q.Limit > 0 {
		rows = rows[:min(q.Limit, len(rows))]
	}
	return rows, nil
}

func (f *forms) query() *query { return &query{g: &f.grammar} }

// get asks for rows, and notes what their columns are; columns nil: all.
func (f *forms) get(ctx context.Context, table string, q *query, columns []string) (
	[]backends.Row, error) {
	at, err := f.table(table)
	if err := errors.Join(err, q.err); err != nil {
		return nil, err
	}
	body, err := f.ask(ctx, http.MethodGet, at+"/?"+q.String(), "", "")
	if err != nil {
		return nil, err
	}
	types, rows, err := f.result(body, len(columns))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range types[:min(len(columns), len(types))] {
		f.types[[2]string{table, columns[i]}] = t
	}
	return rows, nil
}

// column says what columns are. Where a time depends on it the server is asked once: for rows in
// which the column is NULL.
func (f *forms) column(ctx context.Context, table string, where []backends.Where,
	set []backends.Cell) func(string) string {
	for _, w := range where {
		f.learn(ctx, table, w.Column, w.Value)
	}
	for _, c := range set {
		f.learn(ctx, table, c.Column, c.Value)
	}
	return func(name string) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.types[[2]string{table, name}]
	}
}

// learn has the type of a column known if it matters. What can't be learnt is asked again by the
// call itself, whose error counts.
func (f *forms) learn(ctx context.Context, table, column string, v backends.Value) {
	switch v.(type) {
	case time.Time, int64:
	default:
		return
	}
	f.mu.Lock()
	_, known := f.types[[2]string{table, column}]
	f.mu.Unlock()
	if known {
		return
	}
	q := f.query().where([]backends.Where{{Column: column, Op: backends.Equal}},
		func(string) string { return "" }).list("c", column)
	if _, err := f.get(ctx, table, q, []string{column}); err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.types[[2]string{table, column}]; !known {
		f.types[[2]string{table, column}] = ours(table, column)
	}
}

// ours is what a column is in the tables of this program; empty: it is none.
func ours(table, column string) string {
	for _, t := range backends.Tables {
		for _, c := range t.Columns {
			if t.Name != table || c.Name != column {
				continue
			}
			switch c.Type {
			case backends.Integer, backends.Serial:
				return "int"
			case backends.Moment:
				return "date"
			}
		}
	}
	return ""
}

// post sends what changes something.
func (f *forms) post(ctx context.Context, table, kind string, q *query) ([]byte, error) {
	at, err := f.table(table)
	if err := errors.Join(err, q.err); err != nil {
		return nil, err
	}
	return f.ask(ctx, http.MethodPost, at, form, q.list("query_type", kind).String())
}

// Insert adds a row: of several, some could stay without the others.
func (f *forms) Insert(ctx context.Context, table string, columns []string,
	rows ...backends.Row) error {
	switch {
	case len(rows) == 0:
		return nil
	case len(rows) > 1:
		return fmt.Errorf("%w: db_http adds one row at a time", backends.ErrUnsupported)
	case len(rows[0]) != len(columns):
		return fmt.Errorf("%w: a row of %d values for %d columns", backends.ErrRefused,
			len(rows[0]), len(columns))
	}
	cells := make([]backends.Cell, len(columns))
	for i, c := range columns {
		cells[i] = backends.Cell{Column: c, Value: rows[0][i]}
	}
	q := f.query().cells("k", "v", cells, f.column(ctx, table, nil, cells))
	_, err := f.post(ctx, table, "insert", q)
	return err
}

func (f *forms) Update(ctx context.Context, table string, set []backends.Cell,
	where []backends.Where) (int, error) {
	if len(set) == 0 {
		return 0, fmt.Errorf("%w: nothing to set", backends.ErrRefused)
	}
	column := f.column(ctx, table, where, set)
	return f.change(ctx, table, "update", where,
		f.query().where(where, column).cells("uk", "uv", set, column))
}

func (f *forms) Delete(ctx context.Context, table string, where []backends.Where) (int, error) {
	return f.change(ctx, table, "delete", where,
		f.query().where(where, f.column(ctx, table, where, nil)))
}

// change posts, and tells how many rows there were to it.
func (f *forms) change(ctx context.Context, table, kind string, where []backends.Where,
	q *query) (n int, err error) {
	if !f.counts {
		if n, err = f.count(ctx, table, where); err != nil {
			return 0, err
		}
	}
	body, err := f.post(ctx, table, kind, q)
	if err != nil || !f.counts {
		return n, err
	}
	if n, err = strconv.Atoi(strings.TrimSpace(string(body))); err != nil {
		return 0, fmt.Errorf("the reply to %s is no number of rows: %w", kind, err)
	}
	return n, nil
}

func (f *forms) count(ctx context.Context, table string, where []backends.Where) (int, error) {
	q := f.query().where(where, f.column(ctx, table, where, nil))
	var columns []string
	if len(where) > 0 {
		columns = []string{where[0].Column}
		q.list("c", columns...)
	}
	rows, err := f.get(ctx, table, q, columns)
	return len(rows), err
}

// Upsert updates the row, else inserts it.
func (f *forms) Upsert(ctx context.Context, table string, key []string, row []backends.Cell) error {
	return backends.UpdateOrInsert(ctx, f, false, table, key, row)
}
