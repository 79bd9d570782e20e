package resolve

import (
	"sync"
	"time"
)

// entry is an answer, good or bad, while it lasts. It does not change.
type entry struct {
	hops    []Hop
	err     error
	expires time.Time
}

// cache holds at most max entries.
type cache struct {
	max     int
	mu      sync.RWMutex
	entries map[Query]entry
}

func (c *cache) get(q Query, now time.Time) (entry, bool) {
	c.mu.RLock()
	e, ok := c.entries[q]
	c.mu.RUnlock()
	return e, ok && now.Before(e.expires)
}

// put keeps e and returns how many others, not yet expired, had to go for it.
func (c *cache) put(q Query, e entry, now time.Time) (evicted uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.entries[q]; !known && len(c.entries) >= c.max {
		evicted = c.makeRoom(now)
	}
	c.entries[q] = e
	return evicted
}

// sample is how many entries compete for the place of the one that goes.
const sample = 8

// makeRoom looks at a few entries, at random as maps are walked: the expired go, else the one
// that expires first.
func (c *cache) makeRoom(now time.Time) (evicted uint64) {
	var victim Query
	var first time.Time
	seen, freed := 0, false
	for q, e := range c.entries {
		if !now.Before(e.expires) {
			delete(c.entries, q)
			freed = true
		} else if first.IsZero() || e.expires.Before(first) {
			victim, first = q, e.expires
		}
		if seen++; seen == sample {
			break
		}
	}
	if freed {
		return 0
	}
	delete(c.entries, victim)
	return 1
}

func (c *cache) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries)
}
