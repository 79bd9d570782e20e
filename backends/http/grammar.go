package http

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// The grammar of db_http. A query is k, op and v (conditions), c (columns), o (order), uk and uv
// (what to set), each a list whose members are URL-encoded before they are joined. NULL is a NUL
// byte. A reply is rows of fields, the first row the types of columns; a field with a delimiter in
// it is quoted, a quote in it doubled.

// grammar is what replies and lists are cut by.
type grammar struct {
	field, row, quote byte
	value             string
}

// sqlNull is NULL in a query.
const sqlNull = "\x00"

func readGrammar(settings *schema.Value) (g grammar, diags schema.Diagnostics) {
	g = grammar{';', '\n', '|', ","}
	for _, d := range []struct {
		key string
		to  *byte
	}{
		{"field_delimiter", &g.field}, {"row_delimiter", &g.row}, {"quote_delimiter", &g.quote},
	} {
		if v := settings.Get(d.key); v.Kind == schema.String {
			*d.to = v.S[0]
		}
	}
	if v := settings.Get("value_delimiter"); v.Kind == schema.String {
		g.value = v.S
	}
	if g.field == g.row || g.field == g.quote || g.row == g.quote {
		return g, schema.Diagnostics{settings.Problem(schema.BadValue,
			"the delimiters of field, row and quote must differ")}
	}
	return g, nil
}

// query is one in the making.
type query struct {
	strings.Builder
	g   *grammar
	err error
}

// escape encodes as db_http does.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// list adds a variable of members, if there are any.
func (q *query) list(name string, members ...string) *query {
	if len(members) == 0 {
		return q
	}
	if q.Len() > 0 {
		q.WriteByte('&')
	}
	q.WriteString(name + "=")
	for i, m := range members {
		if i > 0 {
			q.WriteString(q.g.value)
		}
		q.WriteString(escape(m))
	}
	return q
}

// where adds conditions; column says what a column is.
func (q *query) where(list []backends.Where, column func(string) string) *query {
	var keys, ops, values []string
	for _, w := range list {
		if err := w.Op.Check(); err != nil {
			q.err = err
		}
		keys, ops = append(keys, w.Column), append(ops, string(w.Op))
		values = append(values, q.value(column(w.Column), w.Value))
	}
	return q.list("k", keys...).list("op", ops...).list("v", values...)
}

// cells adds columns and their values, under two names.
func (q *query) cells(k, v string, list []backends.Cell, column func(string) string) *query {
	var keys, values []string
	for _, c := range list {
		keys, values = append(keys, c.Column), append(values, q.value(column(c.Column), c.Value))
	}
	return q.list(k, keys...).list(v, values...)
}

// value is v as a column of a type takes it; the type may be unknown.
func (q *query) value(column string, v backends.Value) string {
	switch t := v.(type) {
	case nil:
		return sqlNull
	case time.Time:
		if column == "int" || column == "bigint" || column == "integer" {
			return strconv.FormatInt(t.Unix(), 10)
		}
	case int64:
		if column == "date" {
			v = time.Unix(t, 0)
		}
	case string, []byte, float64:
	default:
		q.err = fmt.Errorf("%w: a value of type %T", backends.ErrRefused, v)
	}
	text := backends.Text(v)
	if text == sqlNull {
		q.err = fmt.Errorf("%w: a NUL byte alone stands for NULL", backends.ErrRefused)
	}
	return text
}

// field is one of a reply.
type field struct {
	text   string
	quoted bool
}

// fields cuts a reply into rows.
func (g *grammar) fields(body []byte) ([][]field, error) {
	var rows [][]field
	var row []field
	var text []byte
	var f field
	inside := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == g.quote && inside && i+1 < len(body) && body[i+1] == g.quote:
			text = append(text, c)
			i++
		case c == g.quote:
			inside, f.quoted = !inside, true
		case inside, c != g.field && c != g.row:
			text = append(text, c)
		default:
			f.text = string(text)
			row = append(row, f)
			f, text = field{}, text[:0]
			if c == g.row {
				rows, row = append(rows, row), nil
			}
		}
	}
	if inside || len(row) > 0 || len(text) > 0 || f.quoted {
		return nil, fmt.Errorf("the reply ends inside row %d", len(rows)+1)
	}
	return rows, nil
}

// result reads a reply of so many columns; any number if it is 0. A server may leave the types out
// when there are no rows.
func (g *grammar) result(body []byte, columns int) (types []string, out []backends.Row, err error) {
	rows, err := g.fields(body)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	for _, f := range rows[0] {
		types = append(types, f.text)
	}
	if columns > 0 && len(types) != columns {
		return nil, nil, fmt.Errorf("the reply has %d columns, want %d", len(types), columns)
	}
	for n, r := range rows[1:] {
		if len(r) != len(types) {
			return nil, nil, fmt.Errorf("row %d of the reply has %d fields, want %d", n+1, len(r),
				len(types))
		}
		row := make(backends.Row, len(r))
		for i, f := range r {
			if row[i], err = f.value(types[i]); err != nil {
				return nil, nil, fmt.Errorf("row %d of the reply: %w", n+1, err)
			}
		}
		out = append(out, row)
	}
	return types, out, nil
}

// value reads a field. One of nothing is NULL, unless it is quoted and of a text.
func (f *field) value(column string) (v backends.Value, err error) {
	if f.text == "" && !f.quoted {
		return nil, nil
	}
	switch column {
	case "string", "str":
		return f.text, nil
	case "blob":
		return []byte(f.text), nil
	case "int", "bigint", "integer":
		v, err = strconv.ParseInt(f.text, 10, 64)
	case "double":
		v, err = strconv.ParseFloat(f.text, 64)
	case "date":
		at := backends.When(f.text)
		if at.IsZero() {
			err = fmt.Errorf("%.40q is no time", f.text)
		}
		v = at
	default:
		err = fmt.Errorf("no type %.40q", column)
	}
	return v, err
}
