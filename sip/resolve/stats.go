package resolve

import (
	"errors"
	"sync/atomic"
)

// Stats are counters since the start.
type Stats struct {
	Hits, Misses atomic.Uint64 // of the cache; literals and hosts count as neither
	Lookups      atomic.Uint64 // that asked the DNS
	Shared       atomic.Uint64 // that waited for another one's answer
	NotFound     atomic.Uint64 // look-ups that ended with ErrNotFound
	OutOfTime    atomic.Uint64 // with ErrBudget
	Failed       atomic.Uint64 // with any other error
	Questions    atomic.Uint64 // messages sent to servers
	Lost         atomic.Uint64 // of these, without an answer of use
	Truncated    atomic.Uint64 // asked again over TCP
	Stale        atomic.Uint64 // look-ups that nobody answered, and an expired answer did
	Evicted      atomic.Uint64 // entries that left a full cache before their time
}

func (s *Stats) cached(hit bool) {
	if hit {
		s.Hits.Add(1)
	} else {
		s.Misses.Add(1)
	}
}

func (s *Stats) count(err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound):
		s.NotFound.Add(1)
	case errors.Is(err, ErrBudget):
		s.OutOfTime.Add(1)
	default:
		s.Failed.Add(1)
	}
}

// CacheSize is how many answers are kept now, those expired included.
func (r *Resolver) CacheSize() int { return r.names.size() + r.rules.size() + r.branches.size() }
