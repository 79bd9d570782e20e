package memory

import (
	"sync"
	"time"
)

// backlog are the addresses of record whose bindings the database does not have yet, the one that
// waits longest first. However often one changes it is there once.
type backlog struct {
	max int

	mu      sync.Mutex
	waiting map[string]*wait
	queue   []*wait
	wake    chan struct{} // something waits
}

// due is a change to be written.
type due struct {
	aor    string
	number uint64
}

type wait struct {
	due
	since time.Time
}

func newBacklog(max int) *backlog {
	return &backlog{max: max, waiting: map[string]*wait{}, wake: make(chan struct{}, 1)}
}

// full reports whether there is no room for an address of record.
func (b *backlog) full(aor []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) >= b.max && b.waiting[string(aor)] == nil
}

// add adds a change, or puts it in the place of the one before.
func (b *backlog) add(aor []byte, number uint64, now time.Time) {
	b.mu.Lock()
	if w := b.waiting[string(aor)]; w != nil {
		w.number = number
	} else {
		w := &wait{due: due{string(aor), number}, since: now}
		b.waiting[w.aor] = w
		b.queue = append(b.queue, w)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// number is that of the change of an address of record that waits; 0: none does.
func (b *backlog) number(aor []byte) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.waiting[string(aor)]; w != nil {
		return w.number
	}
	return 0
}

// all are the changes that wait.
func (b *backlog) all() []due {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]due, 0, len(b.waiting))
	for _, w := range b.waiting {
		list = append(list, w.due)
	}
	return list
}

// take returns the changes that wait longest. They stay until they are written: one goroutine
// takes.
func (b *backlog) take(most int) []due {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]due, min(most, len(b.queue)))
	for i := range list {
		list[i] = b.queue[i].due
	}
	return list
}

// written ends the wait of what was taken. What changed meanwhile waits again.
func (b *backlog) written(batch []due, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.shift(len(batch)) {
		if w.number == batch[i].number {
			delete(b.waiting, w.aor)
			continue
		}
		w.since = now
		b.queue = append(b.queue, w)
	}
}

// postpone has what was taken wait behind the others.
func (b *backlog) postpone(batch []due) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, b.shift(len(batch))...)
}

func (b *backlog) shift(n int) (first []*wait) {
	first, b.queue = b.queue[:n], b.queue[n:]
	return first
}

func (b *backlog) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// state is how many wait, and since when the first does; zero: none.
func (b *backlog) state() (n int, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 {
		since = b.queue[0].since
	}
	return len(b.waiting), since
}
