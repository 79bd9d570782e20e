package memory

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/backends/journal"
)

// Behind is a Store whose changes are acknowledged when they are in a journal on this machine's
// disk; the table of a database gets them later, in batches, when it can:
//
//  1. Load reads the table, and of the journal what the table does not have; or the journal alone.
//  2. Update appends the bindings of the address of record, and notes that the table lacks them.
//  3. follow writes what the table lacks, and notes in the journal that it has it.
//  4. compact makes a snapshot of all bindings in place of a journal that became long.
type Behind struct {
	*kept
	journal *journal.Journal
	alone   bool // the journal will do when the table can't be read at the start
	backlog *backlog
	changes atomic.Uint64 // the number of the last

	size int // of the next batch; of follow, then of Close

	batches, failures, refused atomic.Uint64
}

var (
	_ backends.Locations  = (*Behind)(nil)
	_ backends.Loader     = (*Behind)(nil)
	_ backends.Backlogged = (*Behind)(nil)
)

func newBehind(k *kept, j *journal.Journal, alone bool, most int) *Behind {
	return &Behind{kept: k, journal: j, alone: alone, backlog: newBacklog(most), size: largest}
}

// Load is backends.Loader's.
func (b *Behind) Load(ctx context.Context, now time.Time) error {
	first := true
	return b.begin(ctx, now, func(ctx context.Context, now time.Time) error {
		err := b.read(ctx, now)
		switch {
		case err == nil:
			err = b.catchUp(now)
		case first && b.alone && !errors.Is(err, backends.ErrRefused):
			err = b.recover(now, err)
		}
		first = false
		if err == nil {
			b.running.Go(b.follow)
			b.running.Go(b.compact)
		}
		return err
	})
}

// catchUp takes from the journal what the table, which is loaded, does not have.
func (b *Behind) catchUp(now time.Time) error {
	missing := map[string][]byte{} // records, by address of record
	_, err := b.replay(now, func(record []byte, st *state) {
		missing[string(st.aor)] = append([]byte(nil), record...)
	})
	if err != nil {
		b.clear(now)
		return err
	}
	for _, d := range b.backlog.all() {
		st, err := readState(missing[d.aor], now)
		if err != nil {
			return err
		}
		_ = b.Store.Update(b.ends, st.aor, now, &becoming{want: st.bindings}) // no errors
	}
	return nil
}

// recover takes all bindings from the journal, since the table failed. When the journal does not
// have them all that error stands.
func (b *Behind) recover(now time.Time, failed error) error {
	r, err := b.replay(now, func(_ []byte, st *state) {
		_ = b.Store.Update(b.ends, st.aor, now, &becoming{want: st.bindings}) // no errors
	})
	switch {
	case err != nil:
		b.clear(now)
		return err
	case !r.Snapshot:
		b.clear(now)
		return failed
	}
	b.rows.log.Warn("bindings are those of the journal: the table can't be read",
		"table", b.rows.table, "err", failed)
	return nil
}

// replay calls f with each state in the journal that the table lacked, or may have, and leaves in
// the backlog what it lacks still. record is what readState reads.
func (b *Behind) replay(now time.Time, f func(record []byte, st *state)) (journal.Replayed, error) {
	lacks := map[string]uint64{}
	r, err := b.journal.Replay(func(record []byte) error {
		switch {
		case len(record) > 0 && record[0] == stateEntry:
			st, err := readState(record[1:], now)
			if err != nil {
				return err
			}
			b.changes.Store(max(b.changes.Load(), st.number))
			if st.number > 0 {
				lacks[string(st.aor)] = st.number
			}
			f(record[1:], &st)
			return nil
		case len(record) > 0 && record[0] == writtenEntry:
			return readWritten(record[1:], func(number uint64, aor []byte) {
				if lacks[string(aor)] == number {
					delete(lacks, string(aor))
				}
			})
		}
		return errEntry
	})
	for _, log := range r.Torn {
		b.rows.log.Warn("the journal ends within a record, as a crash leaves it", "log", log)
	}
	if err != nil {
		return r, err
	}
	for aor, number := range lacks {
		b.backlog.add([]byte(aor), number, now)
	}
	return r, nil
}

// errFull: the database was away too long.
var errFull = fmt.Errorf("%w: too many changes wait for the database", backends.ErrUnavailable)

// Update is backends.Locations'. It waits for this machine's disk, and for changes of other
// addresses of record that share the lane.
func (b *Behind) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	var number uint64
	return b.change(ctx, aor, now, c, func(_, want []backends.Binding) error {
		if b.backlog.full(aor) {
			b.refused.Add(1)
			return errFull
		}
		number = b.changes.Add(1)
		if err := b.journal.Append(ctx, appendState(nil, number, aor, want)); err != nil {
			return fmt.Errorf("%w: %w", backends.ErrUnavailable, err)
		}
		return nil
	}, func() { b.backlog.add(aor, number, now) })
}

// gather is how long the first change waits for others to go with it.
const gather = 100 * time.Millisecond

// follow writes what the table lacks until the store ends.
func (b *Behind) follow() {
	for b.sleep(b.backlog.wake, 0) && b.sleep(nil, gather) {
		for wait := range backOff {
			all := b.flush(b.ends)
			b.rows.sweep(b.ends, b.now())
			if all || !b.sleep(nil, wait) {
				break
			}
		}
	}
}

// sleep waits for what wakes it, or a time; false: the store ends.
func (b *Behind) sleep(wake <-chan struct{}, at time.Duration) bool {
	var over <-chan time.Time
	if at > 0 {
		over = time.After(at)
	}
	select {
	case <-wake:
	case <-over:
	case <-b.ends.Done():
		return false
	}
	return true
}

const (
	largest = 256 // addresses of record that are written in one transaction
	// Refusals in a row after which the table, not a binding, is taken for the reason.
	refusals = 16
)

// flush writes what the table lacks; false: not all, the database can't be asked or refuses some. A
// batch that failed is tried again as a smaller one: it may have taken too long.
func (b *Behind) flush(ctx context.Context) (all bool) {
	for refused := 0; refused < refusals && ctx.Err() == nil; {
		batch := b.backlog.take(b.size)
		if len(batch) == 0 {
			return true
		}
		err := b.write(ctx, batch)
		switch {
		case err == nil:
			b.batches.Add(1)
			b.backlog.written(batch, b.now())
			b.journal.Note(appendWritten(nil, batch))
			b.size = min(b.size+b.size/4+1, largest)
			refused = 0
			continue
		case len(batch) > 1:
			b.size = max(1, len(batch)/4)
		case !errors.Is(err, backends.ErrRefused):
			b.failures.Add(1)
			return false
		default:
			b.rows.log.Warn("a binding is refused", "table", b.rows.table, "err", err)
			b.backlog.postpone(batch)
			if refused++; refused >= b.backlog.len() {
				refused = refusals
			}
		}
		b.failures.Add(1)
	}
	return false
}

// write makes the rows of addresses of record what the store has: for all of them or for none.
func (b *Behind) write(ctx context.Context, batch []due) error {
	return b.rows.together(ctx, func(db backends.DB) error {
		set := new(backends.Set)
		for _, d := range batch {
			_ = b.Store.Lookup(ctx, []byte(d.aor), b.now(), set) // no errors
			if err := b.rows.replace(ctx, db, []byte(d.aor), set.Bindings); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	compactEvery = time.Second // it is looked whether the journal is long
	longJournal  = 64 << 20    // bytes of logs, and more than the snapshot has
)

// compact keeps the journal short until the store ends. It begins with a snapshot of what was
// loaded, so that the next start can do with the journal alone.
func (b *Behind) compact() {
	for wait := time.Nanosecond; b.sleep(nil, wait); wait = compactEvery {
		s := b.journal.Stats()
		if wait == compactEvery && s.Logged < max(longJournal, s.Kept) {
			continue
		}
		if err := b.journal.Snapshot(b.snapshot); err != nil {
			b.rows.log.Error("the journal grows", "bytes", s.Logged, "err", err)
		}
	}
}

// snapshot adds all bindings. A change that was appended to the logs it stands for is in the store
// when its lane was passed.
func (b *Behind) snapshot(add func(record []byte) error) (err error) {
	b.lanes.pass()
	var buf []byte
	_ = b.Store.All(b.ends, b.now(), func(aor []byte, set *backends.Set) bool {
		buf = appendState(buf[:0], b.backlog.number(aor), aor, set.Bindings)
		err = add(buf)
		return err == nil
	})
	if err = errors.Join(err, b.ends.Err()); err != nil {
		return err
	}
	var set backends.Set
	for _, d := range b.backlog.all() { // those without bindings, too
		_ = b.Store.Lookup(b.ends, []byte(d.aor), b.now(), &set) // no errors
		buf = appendState(buf[:0], d.number, []byte(d.aor), set.Bindings)
		if err := add(buf); err != nil {
			return err
		}
	}
	return nil
}

// farewell is how long the database may take for what it lacks at the end; the journal has it.
const farewell = 3 * time.Second

// Close is backends.Backend's.
func (b *Behind) Close() error {
	_ = b.kept.Close() // no errors
	if b.Loaded() {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		if !b.flush(ctx) {
			b.rows.log.Info("changes wait in the journal", "table", b.rows.table, "waiting",
				b.backlog.len())
		}
	}
	return b.journal.Close()
}

// Backlog is backends.Backlogged's.
func (b *Behind) Backlog() backends.Backlog {
	n, since := b.backlog.state()
	s := b.journal.Stats()
	l := backends.Backlog{
		Waiting: n, Batches: b.batches.Load(), Failures: b.failures.Load(),
		Refused: b.refused.Load(), Journal: s.Logged + s.Kept, JournalRecords: s.Records,
		JournalFlushes: s.Flushes, JournalFailures: s.Failures,
	}
	if !since.IsZero() {
		l.Age = b.now().Sub(since)
	}
	return l
}
