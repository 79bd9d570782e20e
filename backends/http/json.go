package http

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sipedge/backends"
)

// document is a server that speaks JSON: one object is posted for each call, one comes back.
type document struct{ *client }

// Request is what is posted to the address of a table.
type Request struct {
	Op      string      `json:"op"` // select, insert, update, delete, upsert
	Columns []string    `json:"columns,omitempty"`
	Where   []Condition `json:"where,omitempty"` // all of them hold
	OrderBy string      `json:"order_by,omitempty"`
	Limit   int         `json:"limit,omitempty"`
	Offset  int         `json:"offset,omitempty"`
	Rows    [][]Value   `json:"rows,omitempty"` // to insert, all or none
	Set     []Cell      `json:"set,omitempty"`  // of update and upsert
	Key     []string    `json:"key,omitempty"`  // of upsert
}

// Condition of a Request. Null equals only null.
type Condition struct {
	Column string      `json:"column"`
	Op     backends.Op `json:"op"`
	Value  Value       `json:"value"`
}

// Cell of a Request.
type Cell struct {
	Column string `json:"column"`
	Value  Value  `json:"value"`
}

// Reply is what comes back with status 200.
type Reply struct {
	Rows    [][]Value `json:"rows,omitempty"`
	Changed int       `json:"changed,omitempty"` // by update and delete
}

// Value is null, a number – with a point or an exponent it is no whole one –, a string,
// {"bytes": BASE64} or {"time": RFC 3339}.
type Value struct{ backends.Value }

type tagged struct {
	Bytes *[]byte    `json:"bytes,omitempty"`
	Time  *time.Time `json:"time,omitempty"`
}

func (v Value) MarshalJSON() ([]byte, error) {
	switch x := v.Value.(type) {
	case nil, int64:
		return json.Marshal(x)
	case string:
		if !utf8.ValidString(x) {
			b := []byte(x)
			return json.Marshal(tagged{Bytes: &b})
		}
		return json.Marshal(x)
	case []byte:
		return json.Marshal(tagged{Bytes: &x})
	case time.Time:
		x = x.UTC().Truncate(time.Second)
		return json.Marshal(tagged{Time: &x})
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, fmt.Errorf("%w: %v is no number", backends.ErrRefused, x)
		}
		text := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return []byte(text), nil
	}
	return nil, fmt.Errorf("%w: a value of type %T", backends.ErrRefused, v.Value)
}

func (v *Value) UnmarshalJSON(b []byte) (err error) {
	switch b[0] {
	case 'n':
		v.Value = nil
	case '"':
		var s string
		err = json.Unmarshal(b, &s)
		v.Value = s
	case '{':
		var t tagged
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		err = d.Decode(&t)
		switch {
		case err != nil:
		case t.Bytes != nil && t.Time == nil:
			v.Value = *t.Bytes
		case t.Time != nil && t.Bytes == nil:
			v.Value = t.Time.UTC().Truncate(time.Second)
		default:
			err = fmt.Errorf("%.40s is no value", b)
		}
	default:
		if bytes.ContainsAny(b, ".eE") {
			v.Value, err = strconv.ParseFloat(string(b), 64)
		} else {
			v.Value, err = strconv.ParseInt(string(b), 10, 64)
		}
	}
	return err
}

func (d *document) Can() backends.Capability {
	return backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
		backends.CanUpsert | backends.CanBatch
}

func (d *document) call(ctx context.Context, table string, r Request) (reply Reply, err error) {
	for _, w := range r.Where {
		if err := w.Op.Check(); err != nil {
			return reply, err
		}
	}
	at, err := d.table(table)
	if err != nil {
		return reply, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return reply, err
	}
	b, err := d.ask(ctx, http.MethodPost, at, "application/json", string(body))
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		return reply, fmt.Errorf("the reply: %w", err)
	}
	return reply, nil
}

func (d *document) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	if len(q.Columns) == 0 {
		return nil, fmt.Errorf("%w: no columns to select", backends.ErrRefused)
	}
	reply, err := d.call(ctx, q.Table, Request{Op: "select", Columns: q.Columns,
		Where: conditions(q.Where), OrderBy: q.OrderBy, Limit: q.Limit, Offset: q.Offset})
	if err != nil {
		return nil, err
	}
	rows := make([]backends.Row, len(reply.Rows))
	for i, r := range reply.Rows {
		if len(r) != len(q.Columns) {
			return nil, fmt.Errorf("row %d of the reply has %d values, want %d", i+1, len(r),
				len(q.Columns))
		}
		rows[i] = make(backends.Row, len(r))
		for j, v := range r {
			rows[i][j] = v.Value
		}
	}
	return rows, nil
}

func (d *document) Insert(ctx context.Context, table string, columns []string,
	rows ...backends.Row) error {
	if len(rows) == 0 {
		return nil
	}
	r := Request{Op: "insert", Columns: columns}
	for _, row := range rows {
		if len(row) != len(columns) {
			return fmt.Errorf("%w: a row of %d values for %d columns", backends.ErrRefused, len(row),
				len(columns))
		}
		values := make([]Value, len(row))
		for i, v := range row {
			values[i] = Value{v}
		}
		r.Rows = append(r.Rows, values)
	}
	_, err := d.call(ctx, table, r)
	return err
}

func (d *document) Update(ctx context.Context, table string, set []backends.Cell,
	where []backends.Where) (int, error) {
	if len(set) == 0 {
		return 0, fmt.Errorf("%w: nothing to set", backends.ErrRefused)
	}
	reply, err := d.call(ctx, table, Request{Op: "update", Set: cells(set), Where: conditions(where)})
	return reply.Changed, err
}

func (d *document) Delete(ctx context.Context, table string, where []backends.Where) (int, error) {
	reply, err := d.call(ctx, table, Request{Op: "delete", Where: conditions(where)})
	return reply.Changed, err
}

func (d *document) Upsert(ctx context.Context, table string, key []string,
	row []backends.Cell) error {
	if _, err := backends.OfKey(key, row); err != nil {
		return err
	}
	_, err := d.call(ctx, table, Request{Op: "upsert", Key: key, Set: cells(row)})
	return err
}

func conditions(where []backends.Where) []Condition {
	out := make([]Condition, len(where))
	for i, w := range where {
		out[i] = Condition{w.Column, w.Op, Value{w.Value}}
	}
	return out
}

func cells(list []backends.Cell) []Cell {
	out := make([]Cell, len(list))
	for i, c := range list {
		out[i] = Cell{c.Column, Value{c.Value}}
	}
	return out
}
