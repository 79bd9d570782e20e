package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/sip/siphash"
)

// kept is a Store whose bindings stand in a table too, so that they outlive the process.
type kept struct {
	*Store
	lanes
	rows *rows
	// Whether the server ends when the bindings can't be read at its start; else it begins without,
	// and until they are read nobody is told that there is none.
	strict bool
	loaded atomic.Bool

	now     func() time.Time // for what no message is the reason of
	ends    context.Context  // with the store
	stop    context.CancelFunc
	running sync.WaitGroup // what ends then
}

func newKept(s *Store, r *rows, strict bool) *kept {
	k := &kept{Store: s, lanes: newLanes(s.key), rows: r, strict: strict, now: time.Now}
	k.ends, k.stop = context.WithCancel(context.Background())
	return k
}

// lanes give changes of an address of record their turn. Addresses share lanes.
type lanes struct {
	key  siphash.Key
	lane [256]chan struct{}
}

func newLanes(key siphash.Key) (l lanes) {
	l.key = key
	for i := range l.lane {
		l.lane[i] = make(chan struct{}, 1)
	}
	return l
}

// enter waits for the lane of an address of record, and returns what leaves it.
func (l *lanes) enter(ctx context.Context, aor []byte) (leave func(), err error) {
	h := l.key.Start()
	h.Field(aor)
	lane := l.lane[h.Sum()%uint64(len(l.lane))]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", backends.ErrUnavailable, ctx.Err())
	}
}

// pass waits until every change that was under way has ended.
func (l *lanes) pass() {
	for _, lane := range l.lane {
		lane <- struct{}{}
		<-lane
	}
}

// Ping asks for the table.
func (k *kept) Ping(ctx context.Context) error { return k.rows.ping(ctx) }

// Close is backends.Backend's.
func (k *kept) Close() error {
	k.stop()
	k.running.Wait()
	return nil
}

// Traits is backends.Locations'.
func (k *kept) Traits() backends.Traits {
	return backends.Traits{UpdateWaits: true, Names: k.names}
}

// Loaded is backends.Loader's.
func (k *kept) Loaded() bool { return k.loaded.Load() }

var errNotLoaded = fmt.Errorf("%w: bindings are not loaded yet", backends.ErrUnavailable)

// Lookup is backends.Locations'. It does not wait.
func (k *kept) Lookup(
	ctx context.Context, aor []byte, now time.Time, set *backends.Set,
) error {
	if !k.Loaded() {
		set.Reset()
		return errNotLoaded
	}
	return k.Store.Lookup(ctx, aor, now, set)
}

// All is backends.Locations'.
func (k *kept) All(
	ctx context.Context, now time.Time, f func(aor []byte, set *backends.Set) bool,
) error {
	if !k.Loaded() {
		return errNotLoaded
	}
	return k.Store.All(ctx, now, f)
}

// change has c change the bindings of an address of record: a copy, which write keeps before
// anybody sees it; then follows when they do. Changes of others in the lane wait for both.
func (k *kept) change(ctx context.Context, aor []byte, now time.Time, c backends.Change,
	write func(have, want []backends.Binding) error, then func()) error {
	if !k.Loaded() {
		return errNotLoaded
	}
	leave, err := k.enter(ctx, aor)
	if err != nil {
		return err
	}
	defer leave()
	have, want := k.sets.Get().(*backends.Set), k.sets.Get().(*backends.Set)
	defer k.sets.Put(have)
	defer k.sets.Put(want)
	_ = k.Store.Lookup(ctx, aor, now, have) // it has no errors
	want.Reset()
	want.Bindings = append(want.Bindings, have.Bindings...)
	if !c.Apply(want) {
		return nil
	}
	if err := number(aor, want.Bindings); err != nil {
		return err
	}
	if err := write(have.Bindings, want.Bindings); err != nil {
		return err
	}
	err = k.Store.Update(ctx, aor, now, &becoming{want: want.Bindings})
	then()
	return err
}

// number gives new bindings their ID. What is too long is none of ours.
func number(aor []byte, list []backends.Binding) error {
	for i := range list {
		b := &list[i]
		if b.Len()+len(aor) > backends.MaxBindingText {
			return ErrTooLong
		}
		if b.ID == 0 {
			b.ID = newID()
		}
	}
	return nil
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

// read loads the table, all of it or nothing.
func (k *kept) read(ctx context.Context, now time.Time) error {
	err := k.rows.load(ctx, now, func(aor []byte, b *backends.Binding) {
		_ = k.Store.Update(ctx, aor, now, &becoming{add: b}) // what is too long is none of ours
	})
	if err != nil {
		k.clear(now)
	}
	return err
}

// clear forgets every binding.
func (k *kept) clear(now time.Time) {
	for i := range k.shard {
		for _, aor := range k.shard[i].aors() {
			_ = k.Store.Update(k.ends, aor, now, &becoming{}) // it has no errors
		}
	}
}

// begin reads by read, and goes on trying when it can't and may.
func (k *kept) begin(
	ctx context.Context, now time.Time, read func(context.Context, time.Time) error,
) error {
	err := read(ctx, now)
	switch {
	case err == nil:
		k.loaded.Store(true)
		return nil
	case k.strict || errors.Is(err, backends.ErrRefused):
		return err
	}
	k.rows.log.Warn("bindings can't be read: the store answers nothing until they are",
		"table", k.rows.table, "err", err)
	k.running.Go(func() { k.retry(read) })
	return nil
}

// retry reads until it is done or the store ends.
func (k *kept) retry(read func(context.Context, time.Time) error) {
	for wait := range backOff {
		select {
		case <-k.ends.Done():
			return
		case <-time.After(wait):
		}
		err := read(k.ends, k.now())
		if err == nil {
			k.loaded.Store(true)
			k.rows.log.Info("bindings are read", "table", k.rows.table, "bindings", k.Len())
			return
		}
		if errors.Is(err, backends.ErrRefused) {
			k.rows.log.Error("bindings can't be read", "table", k.rows.table, "err", err)
		}
	}
}

// How long to leave a database alone that can't be asked: it is in use a second after it can.
const (
	firstWait   = 50 * time.Millisecond
	longestWait = time.Second
)

// backOff are waits between tries, without end.
func backOff(yield func(time.Duration) bool) {
	for wait := firstWait; yield(wait); wait = min(2*wait, longestWait) {
		continue
	}
}
