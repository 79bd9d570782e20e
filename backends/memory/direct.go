package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"sipedge/backends"
)

// Direct keeps bindings in the table of a database and nowhere else, so that several nodes share
// them. A change is one transaction, as if none ran beside it: a node that was faster has it done
// again, on what is there then. It tells watchers what this node did.
type Direct struct {
	rows   *rows
	strict bool // of kept
	lanes       // of this node: its own changes need not be in each other's way
	sets   sync.Pool

	mu       sync.Mutex
	watchers []func(backends.Event)
}

var (
	_ backends.Locations = (*Direct)(nil)
	_ backends.Loader    = (*Direct)(nil)
)

func newDirect(s *Store, r *rows, strict bool) *Direct {
	d := &Direct{rows: r, strict: strict, lanes: newLanes(s.key)}
	d.sets.New = s.sets.New
	return d
}

// Ping asks for the table.
func (d *Direct) Ping(ctx context.Context) error { return d.rows.ping(ctx) }

// Close is backends.Backend's.
func (d *Direct) Close() error { return nil }

// Traits is backends.Locations'.
func (d *Direct) Traits() backends.Traits {
	return backends.Traits{UpdateWaits: true, LookupWaits: true, Names: d.rows.names}
}

// Load is backends.Loader's: it looks whether the table is there.
func (d *Direct) Load(ctx context.Context, _ time.Time) error {
	err := d.rows.ping(ctx)
	switch {
	case err == nil:
		return nil
	case d.strict || errors.Is(err, backends.ErrRefused):
		return fmt.Errorf("load %s: %w", d.rows.table, err)
	}
	d.rows.log.Warn("the database of bindings does not answer", "table", d.rows.table, "err", err)
	return nil
}

// Loaded is backends.Loader's: nothing is.
func (d *Direct) Loaded() bool { return true }

// Lookup is backends.Locations', but the first is the one that changed first.
func (d *Direct) Lookup(
	ctx context.Context, aor []byte, now time.Time, s *backends.Set,
) error {
	s.Reset()
	list, err := d.live(ctx, d.rows.db, aor, now)
	for i := range list {
		s.Add(&list[i])
	}
	return err
}

// live returns the bindings of an address of record that live.
func (d *Direct) live(
	ctx context.Context, db backends.DB, aor []byte, now time.Time,
) ([]backends.Binding, error) {
	list, err := d.rows.of(ctx, db, aor)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.rows.table, err)
	}
	list = slices.DeleteFunc(list, func(b backends.Binding) bool { return !b.Expires.After(now) })
	for i := range list {
		if list[i].ID == 0 { // somebody else's row
			list[i].ID = newID()
		}
	}
	slices.SortStableFunc(list, func(a, b backends.Binding) int {
		return a.Modified.Compare(b.Modified)
	})
	return list, nil
}

// Update is backends.Locations'. It waits for the database.
func (d *Direct) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	leave, err := d.enter(ctx, aor)
	if err != nil {
		return err
	}
	defer leave()
	have, want := d.sets.Get().(*backends.Set), d.sets.Get().(*backends.Set)
	defer d.sets.Put(have)
	defer d.sets.Put(want)
	for wait := range backOff {
		var changed bool
		changed, err = d.try(ctx, aor, now, c, have, want)
		if err == nil && changed {
			d.tell(aor, have.Bindings, want.Bindings)
			d.rows.sweep(ctx, now)
		}
		if !errors.Is(err, backends.ErrConflict) && !errors.Is(err, backends.ErrExists) {
			break
		}
		select {
		case <-time.After(rand.N(wait)):
			continue
		case <-ctx.Done():
			err = fmt.Errorf("%w: %w", backends.ErrUnavailable, errors.Join(err, ctx.Err()))
		}
		break
	}
	return err
}

// try changes the bindings once.
func (d *Direct) try(ctx context.Context, aor []byte, now time.Time, c backends.Change,
	have, want *backends.Set) (changed bool, err error) {
	err = d.rows.db.(backends.Serializer).Serial(ctx, func(db backends.DB) error {
		list, err := d.live(ctx, db, aor, now)
		if err != nil {
			return err
		}
		have.Reset()
		have.Bindings = append(have.Bindings, list...)
		want.Reset()
		want.Bindings = append(want.Bindings, list...)
		if changed = c.Apply(want); !changed {
			return nil
		}
		if err := number(aor, want.Bindings); err != nil {
			return err
		}
		if err := d.rows.change(ctx, db, aor, have.Bindings, want.Bindings); err != nil {
			return fmt.Errorf("write %s: %w", d.rows.table, err)
		}
		return nil
	})
	return changed, err
}

// Watch is backends.Locations'.
func (d *Direct) Watch(f func(backends.Event)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers = append(slices.Clip(d.watchers), f)
}

// tell tells watchers what became of bindings.
func (d *Direct) tell(aor []byte, have, want []backends.Binding) {
	d.mu.Lock()
	watchers := d.watchers
	d.mu.Unlock()
	event := func(kind backends.EventKind, b *backends.Binding) {
		for _, f := range watchers {
			f(backends.Event{Kind: kind, AOR: aor, Binding: b})
		}
	}
	for i := range have {
		if indexOf(want, have[i].ID) < 0 {
			event(backends.Removed, &have[i])
		}
	}
	for i := range want {
		n := indexOf(have, want[i].ID)
		switch {
		case n < 0:
			event(backends.Inserted, &want[i])
		case !want[i].Equal(have[n]):
			event(backends.Updated, &want[i])
		}
	}
}

// All is backends.Locations'. It reads the table before it calls f.
func (d *Direct) All(
	ctx context.Context, now time.Time, f func(aor []byte, s *backends.Set) bool,
) error {
	k := newKept(New(d.rows.names), d.rows, true)
	if err := k.read(ctx, now); err != nil {
		return err
	}
	return k.Store.All(ctx, now, f)
}

// Advance is backends.Locations': what expired leaves the table by the by.
func (d *Direct) Advance(time.Time) time.Time { return time.Time{} }
