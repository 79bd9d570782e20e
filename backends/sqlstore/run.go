package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"sipedge/backends"
)

// build makes a statement on a table.
func (r *run) build(ctx context.Context, table string, f func(*statement)) (*statement, error) {
	columns, err := r.learn(ctx, table)
	if err != nil {
		return nil, err
	}
	s := &statement{d: r.Dialect, columns: columns}
	f(s)
	return s, s.err
}

// learn asks once what the columns of a table hold.
func (r *run) learn(ctx context.Context, table string) (columns, error) {
	r.mu.Lock()
	known := r.tables[table]
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	s := statement{d: r.Dialect}
	s.write("SELECT * FROM ").table(table).write(" WHERE 1 = 0")
	if s.err != nil {
		return nil, s.err
	}
	rows, err := r.to.QueryContext(ctx, s.String())
	if err != nil {
		return nil, r.told(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, r.told(err)
	}
	known = columns{}
	for _, c := range types {
		known[strings.ToLower(c.Name())] = kindOf(c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, r.told(err)
	}
	r.mu.Lock()
	r.tables[table] = known
	r.mu.Unlock()
	return known, nil
}

// forget drops what was learnt if err says that tables are not what they were.
func (r *run) forget(statement string, err error) error {
	if !errors.Is(err, ErrStale) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.prepared[statement]; p != nil {
		p.Close()
		delete(r.prepared, statement)
	}
	clear(r.tables)
	return err
}

// prepare returns a prepared statement; nil: it runs without.
func (r *run) prepare(ctx context.Context, statement string) (*sql.Stmt, error) {
	if r.tx != nil {
		return r.repeat(ctx, statement)
	}
	r.mu.Lock()
	p, full := r.prepared[statement], len(r.prepared) >= maxStatements
	r.mu.Unlock()
	if p != nil || full {
		return p, nil
	}
	p, err := r.db.PrepareContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.prepared[statement]; other != nil {
		p.Close()
		return other, nil
	}
	r.prepared[statement] = p
	return p, nil
}

// repeat prepares what a transaction does again, on its connection: another one may not be free.
func (r *run) repeat(ctx context.Context, statement string) (p *sql.Stmt, err error) {
	r.mu.Lock()
	p, again := r.again[statement]
	r.mu.Unlock()
	if p == nil && again {
		if p, err = r.tx.PrepareContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again[statement] = p
	return p, nil
}

func (r *run) exec(ctx context.Context, statement string, args []any) (int, error) {
	p, err := r.prepare(ctx, statement)
	var res sql.Result
	switch {
	case err != nil:
	case p != nil:
		res, err = p.ExecContext(ctx, args...)
	default:
		res, err = r.to.ExecContext(ctx, statement, args...)
	}
	if err != nil {
		return 0, r.forget(statement, r.told(err))
	}
	n, err := res.RowsAffected()
	return int(n), r.told(err)
}

func (r *run) query(ctx context.Context, statement string, args []any) ([]backends.Row, error) {
	p, err := r.prepare(ctx, statement)
	var rows *sql.Rows
	switch {
	case err != nil:
	case p != nil:
		rows, err = p.QueryContext(ctx, args...)
	default:
		rows, err = r.to.QueryContext(ctx, statement, args...)
	}
	if err != nil {
		return nil, r.forget(statement, r.told(err))
	}
	out, err := read(rows)
	return out, r.forget(statement, r.told(errors.Join(err, rows.Close())))
}

func read(rows *sql.Rows) ([]backends.Row, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	scanned, to := make([]any, len(types)), make([]any, len(types))
	kinds := make([]kind, len(types))
	for i := range scanned {
		to[i], kinds[i] = &scanned[i], kindOf(types[i])
	}
	var out []backends.Row
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		row := make(backends.Row, len(types))
		for i, v := range scanned {
			row[i] = decode(kinds[i], v)
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// told gives an error of the database its meaning.
func (r *run) told(err error) error {
	if err == nil {
		return nil
	}
	answer := r.Answer(err)
	if answer == nil {
		answer = backends.ErrUnavailable
	}
	return fmt.Errorf("%w: %w", answer, err)
}

// raw gives a statement the placeholders of the dialect. A ? inside quotes is text.
func (r *run) raw(statement string, values []backends.Value) (string, []any, error) {
	args := make([]any, len(values))
	for i, v := range values {
		arg, err := r.encode(other, v)
		if err != nil {
			return "", nil, err
		}
		args[i] = arg
	}
	var b strings.Builder
	n := 0
	var quote rune
	for _, c := range statement {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '?':
			n++
			b.WriteString(r.placeholder(n))
			continue
		}
		b.WriteRune(c)
	}
	if n != len(values) {
		return "", nil, fmt.Errorf("%w: %d values for the %d ? of a statement", backends.ErrRefused,
			len(values), n)
	}
	return b.String(), args, nil
}
