package memory

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/sip/siphash"
)

// Through is a Store whose bindings stand in a table too: a change is in the table before anybody
// sees it, and what the table could not take did not happen. Look-ups do not wait for it.
type Through struct {
	*Store
	db    backends.DB
	table string
	as    *layout
	log   *slog.Logger
	swept atomic.Int64 // Unix seconds: when the table was last rid of what expired
	// A change holds the lane of its address of record from what it reads to what it wrote.
	lanes [256]chan struct{}
	key   siphash.Key
}

var (
	_ backends.Locations = (*Through)(nil)
	_ backends.Loader    = (*Through)(nil)
)

func newThrough(s *Store, db backends.DB, table string, as *layout, log *slog.Logger) *Through {
	t := &Through{Store: s, db: db, table: table, as: as, log: log, key: s.key}
	for i := range t.lanes {
		t.lanes[i] = make(chan struct{}, 1)
	}
	return t
}

// Ping asks the database.
func (t *Through) Ping(ctx context.Context) error { return t.db.Ping(ctx) }

// Traits is backends.Locations'.
func (t *Through) Traits() backends.Traits {
	return backends.Traits{UpdateWaits: true, Names: t.names}
}

// Load is backends.Loader's.
func (t *Through) Load(ctx context.Context, now time.Time) error {
	const page = 10_000
	q := backends.Select{
		Table: t.table, Columns: t.as.columns, OrderBy: t.as.order, Limit: page,
		Where: []backends.Where{
			{Column: "expires", Op: backends.Greater, Value: t.as.moment(now)},
		},
	}
	for ; ; q.Offset += page {
		rows, err := t.db.Select(ctx, q)
		if err != nil {
			return fmt.Errorf("load %s: %w", t.table, err)
		}
		strange := 0
		for _, row := range rows {
			aor, b, ok := t.as.binding(row, t.names.UserOnly)
			if ok {
				_ = t.Store.Update(ctx, aor, now, &becoming{add: &b}) // what is too long is none of ours
			} else {
				strange++
			}
		}
		if strange > 0 {
			t.log.Warn("rows that are no bindings", "table", t.table, "rows", strange)
		}
		if len(rows) < page {
			return nil
		}
	}
}

// becoming is a Change to bindings, or by one more.
type becoming struct {
	want []backends.Binding
	add  *backends.Binding
}

func (c *becoming) Apply(s *backends.Set) bool {
	if c.add != nil {
		s.Bindings = append(s.Bindings, *c.add)
	} else {
		s.Bindings = append(s.Bindings[:0], c.want...)
	}
	return true
}

// Update is backends.Locations'. It waits for the database, and for changes of other addresses of
// record that share the lane.
func (t *Through) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	h := t.key.Start()
	h.Field(aor)
	lane := t.lanes[h.Sum()%uint64(len(t.lanes))]
	select {
	case lane <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", backends.ErrUnavailable, ctx.Err())
	}
	defer func() { <-lane }()
	have, want := t.sets.Get().(*backends.Set), t.sets.Get().(*backends.Set)
	defer t.sets.Put(have)
	defer t.sets.Put(want)
	_ = t.Lookup(ctx, aor, now, have) // it has no errors
	want.Reset()
	want.Bindings = append(want.Bindings, have.Bindings...)
	if !c.Apply(want) {
		return nil
	}
	for i := range want.Bindings {
		b := &want.Bindings[i]
		if b.Len()+len(aor) > backends.MaxBindingText {
			return ErrTooLong
		}
		if b.ID == 0 {
			b.ID = newID()
		}
	}
	if err := t.write(ctx, aor, have.Bindings, want.Bindings); err != nil {
		return fmt.Errorf("write %s: %w", t.table, err)
	}
	err := t.Store.Update(ctx, aor, now, &becoming{want: want.Bindings})
	t.sweep(ctx, now)
	return err
}

// write makes the rows of an address of record those of want: all, where the database can do
// several things at once.
func (t *Through) write(ctx context.Context, aor []byte, have, want []backends.Binding) error {
	all := func(db backends.DB) error {
		for i := range have {
			if !holds(want, have[i].ID) || !t.sameKey(aor, &have[i], want) {
				if _, err := db.Delete(ctx, t.table, t.as.where(aor, &have[i])); err != nil {
					return err
				}
			}
		}
		for i := range want {
			if err := db.Upsert(ctx, t.table, t.as.key, t.as.row(aor, &want[i])); err != nil {
				return err
			}
		}
		return nil
	}
	if tx, ok := t.db.(backends.Transactor); ok && t.db.Can()&backends.CanTx != 0 {
		return tx.Tx(ctx, all)
	}
	return all(t.db)
}

func holds(list []backends.Binding, id uint64) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}

// sameKey reports whether a binding of want keeps the row of the one it was.
func (t *Through) sameKey(aor []byte, was *backends.Binding, want []backends.Binding) bool {
	for i := range want {
		if want[i].ID != was.ID {
			continue
		}
		for _, c := range t.as.key {
			if t.as.cell(c, aor, was) != t.as.cell(c, aor, &want[i]) {
				return false
			}
		}
	}
	return true
}

const sweepEvery = 60 // seconds

// sweep rids the table of what expired, now and then: the next one will do if it fails.
func (t *Through) sweep(ctx context.Context, now time.Time) {
	last := t.swept.Load()
	if now.Unix()-last < sweepEvery || !t.swept.CompareAndSwap(last, now.Unix()) {
		return
	}
	_, err := t.db.Delete(ctx, t.table, []backends.Where{
		{Column: "expires", Op: backends.LessEqual, Value: t.as.moment(now)},
	})
	if err != nil {
		t.log.Warn("expired bindings stay", "table", t.table, "err", err)
	}
}
