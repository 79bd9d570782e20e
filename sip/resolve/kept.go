package resolve

import (
	"context"
	"errors"
	"sync"
	"time"
)

// kept are answers by what was asked, at most max, and the look-ups under way: one of a key.
// An answer that has expired stays for the time stale: it is better than none.
type kept[K comparable, V any] struct {
	max     int
	stale   time.Duration
	mu      sync.RWMutex
	entries map[K]entry[V]
	running map[K]*run[V]
}

func newKept[K comparable, V any](max int, stale time.Duration) kept[K, V] {
	return kept[K, V]{
		max: max, stale: stale, entries: make(map[K]entry[V]), running: make(map[K]*run[V]),
	}
}

// entry is an answer, good or bad, while it lasts. It does not change.
type entry[V any] struct {
	value   V
	err     error
	expires time.Time
	gone    time.Time // an answer that failed to come since is not missed for longer
}

// run is a look-up that others wait for.
type run[V any] struct {
	done    chan struct{} // closed when the rest is set
	value   V
	err     error
	aborted bool // by its caller's context: it says nothing about the name
}

func (k *kept[K, V]) get(key K, now time.Time) (entry[V], bool) {
	k.mu.RLock()
	e, ok := k.entries[key]
	k.mu.RUnlock()
	return e, ok && now.Before(e.expires)
}

// old is the answer to fall back on.
func (k *kept[K, V]) old(key K, now time.Time) (entry[V], bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	e, ok := k.entries[key]
	return e, ok && e.err == nil && now.Before(e.gone)
}

// put keeps e and returns how many others, not yet gone, had to go for it.
func (k *kept[K, V]) put(key K, e entry[V], now time.Time) (evicted uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.entries[key]; !known && len(k.entries) >= k.max {
		evicted = k.makeRoom(now)
	}
	k.entries[key] = e
	return evicted
}

// sample is how many entries compete for the place of the one that goes.
const sample = 8

// makeRoom looks at a few entries, at random as maps are walked: those gone go, else the one
// that goes first.
func (k *kept[K, V]) makeRoom(now time.Time) (evicted uint64) {
	var victim K
	var first time.Time
	seen, freed := 0, false
	for key, e := range k.entries {
		if !now.Before(e.gone) {
			delete(k.entries, key)
			freed = true
		} else if first.IsZero() || e.gone.Before(first) {
			victim, first = key, e.gone
		}
		if seen++; seen == sample {
			break
		}
	}
	if freed {
		return 0
	}
	delete(k.entries, victim)
	return 1
}

func (k *kept[K, V]) size() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.entries)
}

// asking asks the DNS; ttl is how long answer or error may be kept.
type asking[V any] = func(ctx context.Context) (value V, ttl time.Duration, err error)

// lookUp answers from k, or by ask within the budget and ctx. One ask of a key runs at a time;
// others wait for it.
func lookUp[K comparable, V any](
	ctx context.Context, r *Resolver, k *kept[K, V], key K, ask asking[V],
) (V, error) {
	for {
		if e, ok := k.get(key, r.cfg.Clock()); ok {
			return e.value, e.err
		}
		k.mu.Lock()
		other := k.running[key]
		if other == nil {
			mine := &run[V]{done: make(chan struct{})}
			k.running[key] = mine
			k.mu.Unlock()
			lead(ctx, r, k, key, mine, ask)
			return mine.value, mine.err
		}
		k.mu.Unlock()
		r.stats.Shared.Add(1)
		select {
		case <-other.done:
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
		if !other.aborted {
			return other.value, other.err
		}
	}
}

// lead does the look-up that mine stands for.
func lead[K comparable, V any](
	ctx context.Context, r *Resolver, k *kept[K, V], key K, mine *run[V], ask asking[V],
) {
	mine.err = ErrServers // for those who wait, should this panic
	defer k.release(key, mine)
	r.stats.Lookups.Add(1)
	old, stale := k.old(key, r.cfg.Clock())
	budget := r.cfg.Budget
	if stale {
		budget = min(budget, staleWait)
	}
	limited, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	value, ttl, err := ask(limited)
	timedOut := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if gone := over(ctx); timedOut && gone != nil {
		mine.err, mine.aborted = gone, true
		return
	}
	if timedOut {
		err, ttl = ErrBudget, failureTTL
	}
	r.stats.count(err)
	mine.value, mine.err = value, err
	now := r.cfg.Clock()
	e := entry[V]{value, err, now.Add(ttl), now.Add(ttl + k.stale)}
	if stale && (errors.Is(err, ErrBudget) || errors.Is(err, ErrServers)) {
		r.stats.Stale.Add(1)
		e = entry[V]{old.value, nil, now.Add(staleTTL), old.gone}
		mine.value, mine.err = e.value, nil
	}
	if now.Before(e.expires) {
		r.stats.Evicted.Add(k.put(key, e, now))
	}
}

// release lets those who wait for mine go on.
func (k *kept[K, V]) release(key K, mine *run[V]) {
	k.mu.Lock()
	delete(k.running, key)
	k.mu.Unlock()
	close(mine.done)
}
