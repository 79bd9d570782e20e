package flow

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/registrar"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// The end of a binding:
//
//  1. Watch notes bindings as stores tell of them, by the connection they were registered over.
//  2. Closed takes the notes of a connection that ended.
//  3. Their bindings are removed by the store, so that its database knows: at once, or on the
//     pool if the store waits for one; what can't be removed is tried again by Advance.
//
// Bindings of an earlier run of the server come with their store, and go on with step 3 as well.
//
// A REGISTER that was let wait may be served when its connection has ended: step 1 then finds
// the connection among those, and goes on with step 3.
//
// Of bindings that do not end with their connection it is noted, too, that they hang on it, for
// Held.

// Config of Bindings.
type Config struct {
	Pool job.Pool // removes bindings of a store that waits
	Wake func(at time.Time)
	// Began is when the server did: a connection that a binding was registered over before has
	// ended with the server of then. Zero: there was none.
	Began time.Time
	// Ours reports whether a listener that a binding came by is one of this server: connections of
	// another one, which keeps its bindings in the same database, are its own. nil: all are ours.
	Ours func(listener []byte) bool
}

// Bindings are those that hang on connections. It is safe for concurrent use.
type Bindings struct {
	cfg Config
	all atomic.Bool

	mu     sync.Mutex          // taken under locks of stores; guards what follows
	conns  map[uint64]hanging  // of each connection
	byID   map[uint64]*binding // no two stores give the same one
	gone   [2]map[uint64]bool  // connections that ended: lately, and before
	turned time.Time           // when the later became the earlier
	lost   [2]queue            // bindings to be removed: of stores that do not wait, and that do
	next   time.Time           // of Advance; zero: there is nothing to do

	ended atomic.Uint64
}

// binding is a note of one. Those of a connection are a list.
type binding struct {
	id      uint64
	conn    uint64
	until   int64 // Unix milliseconds
	*ending       // nil: it does not end with its connection

	later, earlier *binding
}

// ending is what it takes to remove a binding.
type ending struct {
	store backends.Locations
	queue *queue // where it waits when it is lost
	aor   []byte
}

// queue is of bindings to be removed.
type queue struct {
	list []*binding
	busy bool // somebody removes them
}

const (
	// mostLost is how many bindings wait to be removed. The others end when they expire.
	mostLost = 100_000
	// again is when a removal is tried again.
	again = 500 * time.Millisecond
	// scanned is how many places of a store are looked at under its lock.
	scanned = 1000
	// remembered is for how long at least it is known that a connection ended: longer than a
	// REGISTER waits.
	remembered = time.Minute
)

// atOnce is a time that has come.
var atOnce = time.Unix(0, 0)

// New makes Bindings that know of none.
func New(cfg Config) *Bindings {
	cfg.Began = cfg.Began.Truncate(time.Millisecond) // as bindings have it
	return &Bindings{
		cfg: cfg, conns: map[uint64]hanging{}, byID: map[uint64]*binding{},
		gone: [2]map[uint64]bool{{}, {}},
	}
}

// All sets whether bindings end with every connection, from their next REGISTER on, or with
// WebSockets alone.
func (b *Bindings) All(all bool) { b.all.Store(all) }

// Ended counts the bindings that ended with their connection.
func (b *Bindings) Ended() uint64 { return b.ended.Load() }

// Watch has b know of the bindings of a store, those it has and those to come. It is called once
// for each. A store that has them not in memory is not searched.
func (b *Bindings) Watch(store backends.Locations) {
	q := &b.lost[0]
	if store.Traits().UpdateWaits {
		q = &b.lost[1]
	}
	store.Watch(func(e backends.Event) { b.hear(store, q, e) })
	has, ok := store.(backends.Scanner)
	if !ok || b.cfg.Began.IsZero() {
		return
	}
	for from, first := uint64(0), true; from != 0 || first; first = false {
		from = has.Scan(b.cfg.Began, from, scanned, func(aor []byte, one *backends.Binding) {
			b.hear(store, q, backends.Event{Kind: backends.Inserted, AOR: aor, Binding: one})
		})
	}
}

// before reports whether a binding was registered with the server that was here before.
func (b *Bindings) before(one *backends.Binding) bool {
	return one.Modified.Before(b.cfg.Began) && (b.cfg.Ours == nil || b.cfg.Ours(one.Listener))
}

// hear takes what a store tells, which may be locked; q is where its bindings wait.
func (b *Bindings) hear(store backends.Locations, q *queue, e backends.Event) {
	one, gone := e.Binding, false
	n := &binding{id: one.ID, until: one.Expires.UnixMilli()}
	if e.Kind == backends.Inserted || e.Kind == backends.Updated {
		by, conn := registrar.Connection(one)
		switch ends := b.ends(by); {
		case conn == 0:
		case ends:
			n.conn, gone = conn, b.before(one)
			n.ending = &ending{store: store, queue: q, aor: e.AOR}
		case by.Reliable() && !one.Modified.Before(b.cfg.Began):
			n.conn = conn
		}
	}
	b.mu.Lock()
	wake := b.note(n, gone, one.Modified)
	b.mu.Unlock()
	if wake && b.cfg.Wake != nil {
		b.cfg.Wake(atOnce)
	}
}

// ends reports whether bindings end with connections of a transport.
func (b *Bindings) ends(by sip.Transport) bool {
	return by == sip.WS || by == sip.WSS || by.Reliable() && b.all.Load()
}

// note takes the note of a binding, of a connection or of none, in the place of an earlier one, and
// reports whether Advance has something to do. gone: the connection is, for sure. now is when the
// binding was made; its aor need not live on.
func (b *Bindings) note(n *binding, gone bool, now time.Time) bool {
	old, ends := b.byID[n.id], n.ending != nil
	switch {
	case old == nil && n.conn == 0:
		return false
	case old != nil && old.conn == n.conn && (old.ending != nil) == ends:
		old.until = n.until
		return false
	case old != nil:
		b.drop(old)
	}
	if ends {
		n.aor = bytes.Clone(n.aor)
	}
	gone = gone || b.gone[0][n.conn] || b.gone[1][n.conn]
	switch {
	case n.conn == 0:
	case !gone:
		b.hang(n, now.UnixMilli())
	case ends:
		n.lose()
		b.next = atOnce
		return true
	}
	return false
}

// lose has a binding removed, unless there are too many of them.
func (n *binding) lose() {
	if len(n.queue.list) < mostLost {
		n.queue.list = append(n.queue.list, n)
	}
}

// Closed ends the bindings of a connection that ended.
func (b *Bindings) Closed(f transport.Flow, now time.Time) {
	if f.Conn == 0 {
		return
	}
	ends, lost := b.ends(f.Transport), false
	b.mu.Lock()
	if now.Sub(b.turned) >= remembered {
		b.gone[0], b.gone[1], b.turned = map[uint64]bool{}, b.gone[0], now
	}
	b.gone[0][f.Conn] = true
	for n := b.conns[f.Conn].last; n != nil; n = n.earlier {
		delete(b.byID, n.id)
		if ends && n.ending != nil {
			n.lose()
			lost = true
		}
	}
	delete(b.conns, f.Conn)
	b.mu.Unlock()
	if lost {
		b.remove(now)
	}
}

// Advance tries again to remove what could not be, and returns when it must be called again; zero:
// when Wake says.
func (b *Bindings) Advance(now time.Time) (next time.Time) {
	b.mu.Lock()
	due := !b.next.IsZero() && !b.next.After(now)
	if due {
		b.next = time.Time{}
	}
	b.mu.Unlock()
	if due {
		b.remove(now)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// remove removes what is lost, unless somebody does.
func (b *Bindings) remove(now time.Time) {
	quick, waiting := &b.lost[0], &b.lost[1]
	if b.begin(quick) {
		b.removeAll(context.Background(), quick, now)
	}
	if b.begin(waiting) && !b.cfg.Pool.Go(func(ctx context.Context) {
		b.removeAll(ctx, waiting, now)
	}) {
		b.rest(waiting, nil, now)
	}
}

// begin reports whether there is something to remove that nobody is at.
func (b *Bindings) begin(q *queue) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	idle := len(q.list) > 0 && !q.busy
	q.busy = q.busy || idle
	return idle
}

// removeAll removes what is lost, until ctx ends.
func (b *Bindings) removeAll(ctx context.Context, q *queue, now time.Time) {
	var failed []*binding
	for n := b.take(ctx, q); n != nil; n = b.take(ctx, q) {
		c := removal{binding: n}
		switch err := n.store.Update(ctx, n.aor, now, &c); {
		case err != nil:
			failed = append(failed, n)
		case c.done:
			b.ended.Add(1)
		}
	}
	b.rest(q, failed, now)
}

// take takes a lost binding; nil: there is none, or no time.
func (b *Bindings) take(ctx context.Context, q *queue) (n *binding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(q.list) > 0 && ctx.Err() == nil {
		n, q.list = q.list[0], q.list[1:]
	}
	return n
}

// rest says that nobody removes any more, and what could not be removed.
func (b *Bindings) rest(q *queue, failed []*binding, now time.Time) {
	b.mu.Lock()
	q.busy = false
	for _, n := range failed {
		n.lose()
	}
	left := len(q.list) > 0
	if left {
		b.next = now.Add(again)
	}
	b.mu.Unlock()
	if left && b.cfg.Wake != nil {
		b.cfg.Wake(now.Add(again))
	}
}

// removal is a backends.Change: a binding goes, unless it was registered anew over another
// connection.
type removal struct {
	*binding
	done bool
}

func (r *removal) Apply(s *backends.Set) (changed bool) {
	before := len(s.Bindings)
	s.Bindings = slices.DeleteFunc(s.Bindings, func(b backends.Binding) bool {
		_, conn := registrar.Connection(&b)
		return b.ID == r.id && conn == r.conn
	})
	r.done = len(s.Bindings) < before
	return r.done
}
