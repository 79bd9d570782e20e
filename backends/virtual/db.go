package virtual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"sipedge/backends"
)

// db is a database of members. It has no gate: each member has its own, so a call takes at most
// what theirs take together.
type db struct {
	name    string
	mode    string
	members []*part
	can     backends.Capability
	log     *slog.Logger
	turn    atomic.Uint32
}

// part is a member.
type part struct {
	backends.DB
	name string
	down atomic.Bool // it could not answer when it was asked last
}

func (d *db) Can() backends.Capability { return d.can }

// Close leaves the members to the policy they are of.
func (d *db) Close() error { return nil }

// Ping is content with one member that answers.
func (d *db) Ping(ctx context.Context) error {
	_, err := first(ctx, d, func(m backends.DB) (any, error) { return nil, m.Ping(ctx) })
	return err
}

// note tells when a member stops answering, and when it answers again.
func (d *db) note(m *part, err error) {
	down := errors.Is(err, backends.ErrUnavailable)
	switch {
	case errors.Is(err, context.Canceled), m.down.Swap(down) == down:
	case down:
		d.log.Warn("a member can't answer", "backend", d.name, "member", m.name, "error", err)
	default:
		d.log.Info("a member answers again; it lacks what was written meanwhile",
			"backend", d.name, "member", m.name)
	}
}

// first asks one member after the other until one answers.
func first[T any](ctx context.Context, d *db, f func(backends.DB) (T, error)) (T, error) {
	var errs []error
	for _, m := range d.order() {
		v, err := f(m.DB)
		d.note(m, err)
		if !errors.Is(err, backends.ErrUnavailable) {
			return v, err
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	var none T
	return none, fmt.Errorf("%s: no member answers: %w", d.name, errors.Join(errs...))
}

// each has all members do it, at once. One that did it is enough; of answers the first counts.
func each[T any](d *db, f func(backends.DB) (T, error)) (T, error) {
	values, errs := make([]T, len(d.members)), make([]error, len(d.members))
	var wg sync.WaitGroup
	for i, m := range d.members {
		wg.Go(func() {
			values[i], errs[i] = f(m.DB)
			d.note(m, errs[i])
		})
	}
	wg.Wait()
	said := -1 // who said something
	for i, err := range errs {
		switch {
		case err == nil:
			return values[i], nil
		case said < 0 && !errors.Is(err, backends.ErrUnavailable):
			said = i
		}
	}
	if said >= 0 {
		return values[said], errs[said]
	}
	var none T
	return none, fmt.Errorf("%s: no member answers: %w", d.name, errors.Join(errs...))
}

// write has one member or all of them write.
func write[T any](ctx context.Context, d *db, f func(backends.DB) (T, error)) (T, error) {
	if d.mode == "parallel" {
		return each(d, f)
	}
	return first(ctx, d, f)
}

func (d *db) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	if err := d.need(backends.CanSelect, "select"); err != nil {
		return nil, err
	}
	return first(ctx, d, func(m backends.DB) ([]backends.Row, error) { return m.Select(ctx, q) })
}

func (d *db) Insert(ctx context.Context, table string, columns []string,
	rows ...backends.Row) error {
	if err := d.need(backends.CanInsert, "insert"); err != nil {
		return err
	}
	if len(rows) > 1 {
		if err := d.need(backends.CanBatch, "inserts of several rows"); err != nil {
			return err
		}
	}
	_, err := write(ctx, d, func(m backends.DB) (any, error) {
		return nil, m.Insert(ctx, table, columns, rows...)
	})
	return err
}

func (d *db) Update(ctx context.Context, table string, set []backends.Cell,
	where []backends.Where) (int, error) {
	if err := d.need(backends.CanUpdate, "update"); err != nil {
		return 0, err
	}
	return write(ctx, d, func(m backends.DB) (int, error) {
		return m.Update(ctx, table, set, where)
	})
}

func (d *db) Delete(ctx context.Context, table string, where []backends.Where) (int, error) {
	if err := d.need(backends.CanDelete, "delete"); err != nil {
		return 0, err
	}
	return write(ctx, d, func(m backends.DB) (int, error) { return m.Delete(ctx, table, where) })
}

func (d *db) Upsert(ctx context.Context, table string, key []string, row []backends.Cell) error {
	if err := d.need(backends.CanUpsert, "upsert"); err != nil {
		return err
	}
	_, err := write(ctx, d, func(m backends.DB) (any, error) {
		return nil, m.Upsert(ctx, table, key, row)
	})
	return err
}

// Query is read, Exec is written: the statement is not looked into.
func (d *db) Query(ctx context.Context, statement string, values ...backends.Value) (
	[]backends.Row, error) {
	if err := d.need(backends.CanRaw, "statements"); err != nil {
		return nil, err
	}
	return first(ctx, d, func(m backends.DB) ([]backends.Row, error) {
		return m.(backends.Querier).Query(ctx, statement, values...)
	})
}

func (d *db) Exec(ctx context.Context, statement string, values ...backends.Value) (int, error) {
	if err := d.need(backends.CanRaw, "statements"); err != nil {
		return 0, err
	}
	return write(ctx, d, func(m backends.DB) (int, error) {
		return m.(backends.Querier).Exec(ctx, statement, values...)
	})
}
