package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sipedge/backends"
)

// Through is a Store whose bindings stand in a table too: a change is in the table before anybody
// sees it, and what the table could not take did not happen. Look-ups do not wait for it.
type Through struct {
	*kept

	mu sync.Mutex
	// Addresses of record whose last change failed: some of it may be in the table.
	doubtful map[string]bool
}

var (
	_ backends.Locations = (*Through)(nil)
	_ backends.Loader    = (*Through)(nil)
)

func newThrough(k *kept) *Through { return &Through{kept: k, doubtful: map[string]bool{}} }

// Load is backends.Loader's.
func (t *Through) Load(ctx context.Context, now time.Time) error {
	return t.begin(ctx, now, t.read)
}

// Update is backends.Locations'. It waits for the database, and for changes of other addresses of
// record that share the lane.
func (t *Through) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	err := t.change(ctx, aor, now, c, func(have, want []backends.Binding) error {
		if err := t.write(ctx, aor, have, want); err != nil {
			return fmt.Errorf("write %s: %w", t.rows.table, err)
		}
		return nil
	}, func() {})
	if err == nil {
		t.rows.sweep(ctx, now)
	}
	return err
}

// write makes the rows of an address of record those of want.
func (t *Through) write(ctx context.Context, aor []byte, have, want []backends.Binding) error {
	t.mu.Lock()
	doubt := t.doubtful[string(aor)]
	t.mu.Unlock()
	err := t.rows.together(ctx, func(db backends.DB) error {
		if doubt {
			return t.rows.replace(ctx, db, aor, want)
		}
		return t.rows.change(ctx, db, aor, have, want)
	})
	if doubt != (err != nil) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if err != nil {
			t.doubtful[string(aor)] = true
		} else {
			delete(t.doubtful, string(aor))
		}
	}
	return err
}
