package data

import (
	"errors"
	"net/netip"
	"time"

	"sipedge/sip"
)

// Cache is a table that actions fill: each key stays for its time, and of more
// keys than the bound the oldest goes. It is safe for concurrent use.
type Cache struct {
	store *store
	ttl   time.Duration
	max   int
	ipv6  int // bits of a key that is an IPv6 address; 0: as it is
	// What the policy looks up, said while it is compiled.
	addrs, texts bool
}

// MaxValue is the longest value a Cache keeps, in bytes.
const MaxValue = 1 << 10

// ErrLong is of a value longer than MaxValue.
var ErrLong = errors.New("a value of a cache has at most 1024 bytes")

func newCache(ttl time.Duration, max, ipv6 int) *Cache {
	return &Cache{store: newStore(max), ttl: ttl, max: max, ipv6: ipv6}
}

// Put keeps a value under a key for ttl, the cache's own when 0.
func (c *Cache) Put(key, value []byte, ttl time.Duration, now time.Time) error {
	if len(value) > MaxValue {
		return ErrLong
	}
	var text [64]byte
	var sum longSum
	s, key, hash := c.store.lock(network(key, c.ipv6, &text), &sum)
	defer s.mu.Unlock()
	if ttl == 0 {
		ttl = c.ttl
	}
	at := wall(now).UnixNano()
	cell := s.find(key, hash)
	if cell == nil {
		cell = s.put(key, hash, at)
	} else {
		s.renew(cell)
	}
	cell.a = at + int64(ttl)
	cell.value = append(cell.value[:0], value...)
	return nil
}

// Lookup appends the value of a key to dst.
func (c *Cache) Lookup(dst, key []byte, now time.Time) ([]byte, bool) {
	var text [64]byte
	var sum longSum
	s, key, hash := c.store.lock(network(key, c.ipv6, &text), &sum)
	defer s.mu.Unlock()
	cell := s.find(key, hash)
	if cell == nil || cell.a <= wall(now).UnixNano() {
		return dst, false
	}
	return append(dst, cell.value...), true
}

// In reports whether there is a key.
func (c *Cache) In(key []byte, now time.Time) bool {
	var text [64]byte
	var sum longSum
	s, key, hash := c.store.lock(network(key, c.ipv6, &text), &sum)
	defer s.mu.Unlock()
	cell := s.find(key, hash)
	return cell != nil && cell.a > wall(now).UnixNano()
}

// InAddr reports whether an address is a key.
func (c *Cache) InAddr(a netip.Addr, now time.Time) bool {
	var text [64]byte
	return c.In(appendNetwork(text[:0], a, 0), now)
}

// Len counts the keys whose time is not over.
func (c *Cache) Len(now time.Time) (n int) {
	at := wall(now).UnixNano()
	for i := range c.store.shards {
		s := &c.store.shards[i]
		s.mu.Lock()
		for j := range s.cells {
			if s.cells[j].a > at {
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}

// Snapshot returns a function that puts back the keys there are now.
func (c *Cache) Snapshot() (restore func()) { return c.store.snapshot() }

// Evicted counts the keys that went before their time.
func (c *Cache) Evicted() (n uint64) { return c.store.evicted() }

func (s *store) evicted() (n uint64) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		n += sh.evicted
		sh.mu.Unlock()
	}
	return n
}

// wall is now, or what the wall clock says.
func wall(now time.Time) time.Time {
	if now.IsZero() {
		return time.Now()
	}
	return now
}

// Sought is told of each way in which the policy that is being compiled looks keys up: as
// addresses, or as any texts. Tables that are no caches may go on from another policy, and are not.
func (t *Table) Sought(addresses bool) {
	switch {
	case t == nil || t.cache == nil:
	case addresses:
		t.cache.addrs = true
	default:
		t.cache.texts = true
	}
}

// Key is a key of a cache in the form that look-ups of the policy have it, where all of them are
// of addresses. ok false: none of them can find it.
func (c *Cache) Key(key string) (sought string, ok bool) {
	if !c.addrs || c.texts {
		return key, true
	}
	if a, ok := sip.ParseAddr([]byte(key)); ok {
		return a.Unmap().String(), true
	}
	p, err := netip.ParsePrefix(key)
	if err != nil || !p.Addr().Is6() || c.ipv6 == 0 || p.Bits() != c.ipv6 || p != p.Masked() {
		return key, false
	}
	return p.String(), true
}
