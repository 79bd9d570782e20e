package data

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limiter is a token bucket for each key, exact to the microsecond. Of more
// keys than the bound the one not asked for longest goes. It is safe for
// concurrent use.
type Limiter struct {
	store *store
	count int64 // tokens that come in every period
	every int64 // the period in microseconds; a token is so many units
	full  int64 // units of a full bucket
	fill  int64 // microseconds in which an empty bucket is full
	ipv6  int
}

// Rate is Count in a Period. Both are at least 1 (a microsecond).
type Rate struct {
	Count  int
	Period time.Duration
}

// What a Rate and a burst may be: more would not fit their product.
const (
	MaxCount  = 1_000_000
	MaxPeriod = 24 * time.Hour
)

// ParseRate reads a checked #Rate: 16/2s, 100/s.
func ParseRate(s string) (Rate, error) {
	count, period, _ := strings.Cut(s, "/")
	n, _ := strconv.Atoi(count)
	unit := strings.TrimLeft(period, "0123456789")
	times := 1
	if digits := strings.TrimSuffix(period, unit); digits != "" {
		times, _ = strconv.Atoi(digits)
	}
	one := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	}[unit]
	r := Rate{Count: n, Period: time.Duration(times) * one}
	if n < 1 || n > MaxCount || times < 1 || time.Duration(times) > MaxPeriod/one {
		return r, fmt.Errorf("%q is out of range (1 to %d in 1ms to 24h)", s, MaxCount)
	}
	return r, nil
}

// NewLimiter makes buckets of burst tokens that fill at rate. max bounds the
// keys; a key that is an IPv6 address counts by its network of ipv6 bits.
func NewLimiter(rate Rate, burst, max, ipv6 int) *Limiter {
	l := &Limiter{
		store: newStore(max), count: int64(rate.Count), every: rate.Period.Microseconds(), ipv6: ipv6,
	}
	l.full = int64(burst) * l.every
	l.fill = (l.full + l.count - 1) / l.count
	return l
}

// Snapshot returns a function that puts back the buckets as they are now.
func (l *Limiter) Snapshot() (restore func()) { return l.store.snapshot() }

// Has reports whether there is a token in the bucket of a key. It takes none.
func (l *Limiter) Has(key []byte, now time.Time) bool {
	var text [64]byte
	var sum longSum
	s, key, hash := l.store.lock(network(key, l.ipv6, &text), &sum)
	defer s.mu.Unlock()
	c := s.find(key, hash)
	if c == nil {
		return true
	}
	past := max(0, wall(now).UnixMicro()-c.a)
	return past >= l.fill || c.b+past*l.count >= l.every
}

// Take takes a token from the bucket of a key. It is false when there is none.
func (l *Limiter) Take(key []byte, now time.Time) bool {
	var text [64]byte
	var sum longSum
	s, key, hash := l.store.lock(network(key, l.ipv6, &text), &sum)
	defer s.mu.Unlock()
	at := wall(now).UnixMicro()
	c := s.find(key, hash) // a: when it was last asked, b: units in it then
	if c == nil {
		c = s.put(key, hash, at-l.fill)
		c.b = l.full
	} else {
		s.renew(c)
		switch past := at - c.a; {
		case past >= l.fill:
			c.b = l.full
		case past > 0:
			c.b = min(l.full, c.b+past*l.count)
		case past < 0:
			at = c.a // the clock was set back
		}
	}
	c.a = at
	if c.b < l.every {
		return false
	}
	c.b -= l.every
	return true
}
