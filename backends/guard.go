package backends

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
)

// Guarded is a DB behind a Gate. It is a Querier, a Serializer and a Notifier too; what its DB
// can't do returns ErrUnsupported. Errors are ErrNotFound, ErrExists, ErrConflict, ErrRefused,
// ErrUnsupported or ErrUnavailable.
type Guarded struct {
	gated
	gate *Gate
}

// Guard puts db behind a Gate.
func Guard(name string, db DB, limits Limits) *Guarded {
	g := NewGate(name, limits)
	return &Guarded{gated{db, func(ctx context.Context, f asked) (any, error) {
		return Ask(ctx, g, f)
	}}, g}
}

// Close refuses calls from now on.
func (g *Guarded) Close() error {
	g.gate.Shut()
	return g.gated.Close()
}

// Stats are those of its Gate.
func (g *Guarded) Stats() Stats { return g.gate.Stats() }

// WatchBreaker is that of its Gate.
func (g *Guarded) WatchBreaker(f func(Turn)) { g.gate.WatchBreaker(f) }

// Tx runs f while the deadline of the whole lasts, and never after it returned.
func (g *Guarded) Tx(ctx context.Context, f func(DB) error) error {
	t, ok := g.db.(Transactor)
	if !ok {
		return fmt.Errorf("transaction: %w", ErrUnsupported)
	}
	return g.transaction(ctx, t.Tx, f)
}

// Serial is as Tx.
func (g *Guarded) Serial(ctx context.Context, f func(DB) error) error {
	s, ok := g.db.(Serializer)
	if !ok {
		return fmt.Errorf("serial transaction: %w", ErrUnsupported)
	}
	return g.transaction(ctx, s.Serial, f)
}

func (g *Guarded) transaction(ctx context.Context,
	tx func(context.Context, func(DB) error) error, f func(DB) error) error {
	var mu sync.Mutex
	over := false // nobody waits for f
	_, err := g.ask(ctx, func(ctx context.Context) (any, error) {
		return nil, tx(ctx, func(db DB) error {
			mu.Lock()
			defer mu.Unlock()
			if over {
				return ctx.Err()
			}
			return f(within(ctx, db))
		})
	})
	mu.Lock()
	over = true
	mu.Unlock()
	return err
}

// within is a DB whose calls return when whole ends.
func within(whole context.Context, db DB) DB {
	return &gated{db, func(ctx context.Context, f asked) (any, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(whole, cancel)()
		return await(ctx, f, func() {})
	}}
}

// Notified goes past the Gate: it waits for what may never come.
func (g *Guarded) Notified(ctx context.Context, table string, f func(lost error)) error {
	n, ok := g.db.(Notifier)
	if !ok {
		return fmt.Errorf("notification: %w", ErrUnsupported)
	}
	return n.Notified(ctx, table, f)
}

// Check goes past the Gate too, as Migrate does: an operator's command has a deadline of its own.
func (g *Guarded) Check(ctx context.Context, tables []Table) ([]Finding, error) {
	m, ok := g.db.(Migrator)
	if !ok {
		return nil, fmt.Errorf("tables: %w", ErrUnsupported)
	}
	return await(ctx, func(ctx context.Context) ([]Finding, error) { return m.Check(ctx, tables) },
		func() {})
}

// Migrate brings tables to what this program makes.
func (g *Guarded) Migrate(ctx context.Context, tables []Table) error {
	m, ok := g.db.(Migrator)
	if !ok {
		return fmt.Errorf("tables: %w", ErrUnsupported)
	}
	_, err := await(ctx, func(ctx context.Context) (any, error) { return nil, m.Migrate(ctx, tables) },
		func() {})
	return err
}

// asked is a call; what it uses is its own, since it may go on after nobody waits for it.
type asked = func(context.Context) (any, error)

// gated is a DB whose calls go through ask.
type gated struct {
	db  DB
	ask func(context.Context, asked) (any, error)
}

// as gives an answer its type back.
func as[T any](v any, err error) (T, error) {
	t, _ := v.(T)
	return t, err
}

func (g *gated) Can() Capability { return g.db.Can() }

func (g *gated) Ping(ctx context.Context) error {
	_, err := g.ask(ctx, func(ctx context.Context) (any, error) { return nil, g.db.Ping(ctx) })
	return err
}

func (g *gated) Close() error { return g.db.Close() }

func (g *gated) Select(ctx context.Context, q Select) ([]Row, error) {
	q.Columns, q.Where = slices.Clone(q.Columns), ownWhere(q.Where)
	return as[[]Row](g.ask(ctx, func(ctx context.Context) (any, error) {
		return g.db.Select(ctx, q)
	}))
}

func (g *gated) Insert(ctx context.Context, table string, columns []string, rows ...Row) error {
	columns, own := slices.Clone(columns), make([]Row, len(rows))
	for i, r := range rows {
		own[i] = ownValues(r)
	}
	_, err := g.ask(ctx, func(ctx context.Context) (any, error) {
		return nil, g.db.Insert(ctx, table, columns, own...)
	})
	return err
}

func (g *gated) Update(ctx context.Context, table string, set []Cell, where []Where) (int, error) {
	set, where = ownCells(set), ownWhere(where)
	return as[int](g.ask(ctx, func(ctx context.Context) (any, error) {
		return g.db.Update(ctx, table, set, where)
	}))
}

func (g *gated) Delete(ctx context.Context, table string, where []Where) (int, error) {
	where = ownWhere(where)
	return as[int](g.ask(ctx, func(ctx context.Context) (any, error) {
		return g.db.Delete(ctx, table, where)
	}))
}

func (g *gated) Upsert(ctx context.Context, table string, key []string, row []Cell) error {
	key, row = slices.Clone(key), ownCells(row)
	_, err := g.ask(ctx, func(ctx context.Context) (any, error) {
		return nil, g.db.Upsert(ctx, table, key, row)
	})
	return err
}

func (g *gated) Query(ctx context.Context, statement string, values ...Value) ([]Row, error) {
	q, ok := g.db.(Querier)
	if !ok {
		return nil, fmt.Errorf("statement: %w", ErrUnsupported)
	}
	values = ownValues(values)
	return as[[]Row](g.ask(ctx, func(ctx context.Context) (any, error) {
		return q.Query(ctx, statement, values...)
	}))
}

func (g *gated) Exec(ctx context.Context, statement string, values ...Value) (int, error) {
	q, ok := g.db.(Querier)
	if !ok {
		return 0, fmt.Errorf("statement: %w", ErrUnsupported)
	}
	values = ownValues(values)
	return as[int](g.ask(ctx, func(ctx context.Context) (any, error) {
		return q.Exec(ctx, statement, values...)
	}))
}

func own(v Value) Value {
	if b, ok := v.([]byte); ok {
		return bytes.Clone(b)
	}
	return v
}

func ownValues(values []Value) []Value {
	values = slices.Clone(values)
	for i := range values {
		values[i] = own(values[i])
	}
	return values
}

func ownCells(cells []Cell) []Cell {
	cells = slices.Clone(cells)
	for i := range cells {
		cells[i].Value = own(cells[i].Value)
	}
	return cells
}

func ownWhere(where []Where) []Where {
	where = slices.Clone(where)
	for i := range where {
		where[i].Value = own(where[i].Value)
	}
	return where
}
