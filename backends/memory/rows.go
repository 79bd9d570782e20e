package memory

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"sipedge/backends"
)

// rows are the bindings in a table of a database.
type rows struct {
	db    backends.DB
	table string
	as    *layout
	names backends.Names
	log   *slog.Logger
	swept atomic.Int64 // Unix seconds: when the table was last rid of what expired
}

// ping asks whether the table can be read.
func (r *rows) ping(ctx context.Context) error {
	_, err := r.db.Select(ctx, backends.Select{Table: r.table, Columns: r.as.columns, Limit: 1})
	return err
}

// load calls f with each binding that lives at now, in any order.
func (r *rows) load(
	ctx context.Context, now time.Time, f func(aor []byte, b *backends.Binding),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages, end := make(chan []backends.Row), make(chan error, 1)
	go func() { // the database reads a page while the one before is taken in
		end <- r.pages(ctx, pages)
		close(pages)
	}()
	for page := range pages {
		strange := 0
		for _, row := range page {
			aor, b, ok := r.as.binding(row, r.names.UserOnly)
			switch {
			case !ok:
				strange++
			case b.Expires.After(now):
				f(aor, &b)
			}
		}
		if strange > 0 {
			r.log.Warn("rows that are no bindings", "table", r.table, "rows", strange)
		}
	}
	if err := <-end; err != nil {
		return fmt.Errorf("load %s: %w", r.table, err)
	}
	return nil
}

// pages reads the rows, each page from where the one before ended. That they live is no condition:
// a database might find them by it, and sort them all for each page.
func (r *rows) pages(ctx context.Context, to chan<- []backends.Row) error {
	const page = 5000
	columns, at := r.as.columns, slices.Index(r.as.columns, r.as.order)
	if at < 0 {
		columns, at = append(slices.Clone(columns), r.as.order), len(columns)
	}
	q := backends.Select{
		Table: r.table, Columns: columns, OrderBy: r.as.order, Limit: page,
	}
	for {
		list, err := r.db.Select(ctx, q)
		if err != nil {
			return err
		}
		select {
		case to <- list:
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(list) < page {
			return nil
		}
		q.Where = []backends.Where{{
			Column: r.as.order, Op: backends.Greater, Value: list[len(list)-1][at],
		}}
	}
}

// of returns the bindings of an address of record, of all rows.
func (r *rows) of(ctx context.Context, db backends.DB, aor []byte) ([]backends.Binding, error) {
	user, domain := split(aor)
	q := backends.Select{Table: r.table, Columns: r.as.columns, Where: []backends.Where{
		{Column: "username", Op: backends.Equal, Value: string(user)},
	}}
	if len(domain) > 0 {
		q.Where = append(q.Where,
			backends.Where{Column: "domain", Op: backends.Equal, Value: string(domain)})
	}
	found, err := db.Select(ctx, q)
	if err != nil {
		return nil, err
	}
	var list []backends.Binding
	for _, row := range found {
		whose, b, ok := r.as.binding(row, r.names.UserOnly)
		if ok && string(whose) == string(aor) { // a database may find BOB for bob
			list = append(list, b)
		}
	}
	return list, nil
}

// change makes the rows of an address of record, which were those of have, those of want.
func (r *rows) change(
	ctx context.Context, db backends.DB, aor []byte, have, want []backends.Binding,
) error {
	var gone []*backends.Binding
	for i := range have {
		n := indexOf(want, have[i].ID)
		switch {
		case n < 0:
			gone = append(gone, &have[i])
		case !r.as.sameKey(aor, &have[i], &want[n]): // its next row may have what is unique in this
			if err := r.remove(ctx, db, aor, &have[i]); err != nil {
				return err
			}
		}
	}
	for i := range want {
		if slices.ContainsFunc(have, want[i].Equal) {
			continue
		}
		if err := db.Upsert(ctx, r.table, r.as.key, r.as.row(aor, &want[i])); err != nil {
			return err
		}
	}
	// Last: what fails half way leaves too much rather than too little.
	for _, b := range gone {
		if err := r.remove(ctx, db, aor, b); err != nil {
			return err
		}
	}
	return nil
}

// replace is change for who does not know which rows there are.
func (r *rows) replace(
	ctx context.Context, db backends.DB, aor []byte, want []backends.Binding,
) error {
	have, err := r.of(ctx, db, aor)
	if err != nil {
		return err
	}
	for i := range want {
		if err := db.Upsert(ctx, r.table, r.as.key, r.as.row(aor, &want[i])); err != nil {
			return err
		}
	}
	for i := range have {
		if !slices.ContainsFunc(want, func(b backends.Binding) bool {
			return r.as.sameKey(aor, &have[i], &b)
		}) {
			if err := r.remove(ctx, db, aor, &have[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rows) remove(
	ctx context.Context, db backends.DB, aor []byte, b *backends.Binding,
) error {
	_, err := db.Delete(ctx, r.table, r.as.where(aor, b))
	return err
}

// together has f do all or nothing, where the database can.
func (r *rows) together(ctx context.Context, f func(backends.DB) error) error {
	if tx, ok := r.db.(backends.Transactor); ok && r.db.Can()&backends.CanTx != 0 {
		return tx.Tx(ctx, f)
	}
	return f(r.db)
}

const sweepEvery = 60 // seconds

// sweep rids the table of what expired, now and then: the next one will do if it fails.
func (r *rows) sweep(ctx context.Context, now time.Time) {
	last := r.swept.Load()
	if now.Unix()-last < sweepEvery || !r.swept.CompareAndSwap(last, now.Unix()) {
		return
	}
	_, err := r.db.Delete(ctx, r.table, []backends.Where{
		{Column: "expires", Op: backends.LessEqual, Value: r.as.moment(now)},
	})
	if err != nil {
		r.log.Warn("expired bindings stay", "table", r.table, "err", err)
	}
}
