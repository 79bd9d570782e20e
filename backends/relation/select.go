package relation

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sipedge/backends"
)

// Select answers a question.
func (t *Table) Select(q backends.Select) ([]backends.Row, error) {
	f, err := t.filter(q.Where)
	if err != nil {
		return nil, err
	}
	if len(q.Columns) == 0 {
		return nil, fmt.Errorf("%w: no columns to select", backends.ErrRefused)
	}
	at, err := t.indexes(q.Columns)
	if err != nil {
		return nil, err
	}
	var found []backends.Row
	for _, r := range t.Rows {
		if f.holds(r) {
			found = append(found, r)
		}
	}
	if q.OrderBy != "" {
		by, err := t.index(q.OrderBy)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(found, func(a, b backends.Row) int { return compare(a[by], b[by]) })
	}
	found = found[min(q.Offset, len(found)):]
	if q.Limit > 0 {
		found = found[:min(q.Limit, len(found))]
	}
	out := make([]backends.Row, len(found))
	for i, r := range found {
		out[i] = make(backends.Row, len(at))
		for j, c := range at {
			out[i][j] = r[c]
			if b, ok := r[c].([]byte); ok { // it is the caller's
				out[i][j] = bytes.Clone(b)
			}
		}
	}
	return out, nil
}

// Filter is conditions as a function that tells whether a row fulfils them.
func (t *Table) Filter(where []backends.Where) (func(backends.Row) bool, error) {
	f, err := t.filter(where)
	return f.holds, err
}

// filter are conditions made ready.
type filter []condition

type condition struct {
	at    int
	op    backends.Op
	value backends.Value
}

func (t *Table) filter(where []backends.Where) (filter, error) {
	f := make(filter, len(where))
	for i, w := range where {
		if err := w.Op.Check(); err != nil {
			return nil, err
		}
		at, err := t.index(w.Column)
		if err != nil {
			return nil, err
		}
		v, err := t.Columns[at].Fit(w.Value)
		if err != nil {
			return nil, err
		}
		f[i] = condition{at, w.Op, v}
	}
	return f, nil
}

func (f filter) holds(r backends.Row) bool {
	for i := range f {
		if !f[i].holds(r[f[i].at]) {
			return false
		}
	}
	return true
}

func (c *condition) holds(v backends.Value) bool {
	if v == nil || c.value == nil {
		both := v == nil && c.value == nil
		return c.op == backends.Equal && both || c.op == backends.NotEqual && !both
	}
	n := compare(v, c.value)
	switch c.op {
	case backends.Equal:
		return n == 0
	case backends.NotEqual:
		return n != 0
	case backends.Less:
		return n < 0
	case backends.LessEqual:
		return n <= 0
	case backends.Greater:
		return n > 0
	}
	return n >= 0
}

// Key is what tells a row from another one by some columns, in a text in which no value runs into
// the next. ok false: one of them is NULL.
func Key(r backends.Row, at []int) (key string, ok bool) {
	var b strings.Builder
	for _, i := range at {
		if r[i] == nil {
			return "", false
		}
		v := backends.Text(r[i])
		b.WriteString(strconv.Itoa(len(v)))
		b.WriteByte(':')
		b.WriteString(v)
	}
	return b.String(), true
}
