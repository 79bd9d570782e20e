package data

import (
	"bytes"
	"time"
)

// Row is one of a table, as people are told of it. Of addresses the key is all that is asked for:
// group, network, port, transport and pattern.
type Row struct {
	Key, Value []byte
	Left       time.Duration // until it goes, of a cache; else 0
}

// blockRows is how many keys of a cache are copied under its lock at once.
const blockRows = 64

// Rows calls f with the rows whose key begins with prefix, in no order, from a place on, 0 at
// first, until f is false. The place where it stopped is next, 0 at the end. A key that a cache
// has all the while is met once, whatever comes and goes meanwhile; rows of other tables move when
// they are read again. The texts are f's only until it returns.
func (t *Table) Rows(from uint64, prefix []byte, now time.Time, f func(*Row) bool) (next uint64) {
	if t.cache != nil {
		return t.cache.rows(from, prefix, now, f)
	}
	c := t.content.Load()
	if c.rates != nil {
		return 0
	}
	for i := from; i < uint64(len(c.rows.entries)); i++ {
		r := c.row(int(i))
		if bytes.HasPrefix(r.Key, prefix) && !f(&r) {
			return i + 1
		}
	}
	return 0
}

// Find is the row by which Lookup finds a key; ok false: it finds none.
func (t *Table) Find(key []byte, now time.Time) (r Row, ok bool) {
	if t.cache != nil {
		return t.cache.row(key, now)
	}
	c := t.content.Load()
	if c.rates != nil {
		return Row{}, false
	}
	i := c.find(key)
	if i < 0 {
		return Row{}, false
	}
	return c.row(i), true
}

// row is one of those that content has.
func (c *content) row(i int) Row {
	key := c.rows.key(i)
	if c.list != nil {
		key, _, _ = bytes.Cut(key, []byte{0})
		key = bytes.TrimRight(key, " ")
	}
	return Row{Key: key, Value: c.rows.value(i)}
}

// rows is Rows of a cache. A place is a shard and a cell of it: cells do not move.
func (c *Cache) rows(from uint64, prefix []byte, now time.Time, f func(*Row) bool) (next uint64) {
	at := wall(now).UnixNano()
	var block []cell
	for i := int(from >> 32); i < len(c.store.shards); i++ {
		s := &c.store.shards[i]
		for n := int(uint32(from)); ; {
			s.mu.Lock()
			end := min(n+blockRows, len(s.cells))
			block = block[:0]
			if n < end {
				block = cloned(block, s.cells[n:end])
			}
			s.mu.Unlock()
			for j := range block {
				cell := &block[j]
				r := Row{cell.key, cell.value, time.Duration(cell.a - at)}
				if r.Left > 0 && bytes.HasPrefix(r.Key, prefix) && !f(&r) {
					return uint64(i)<<32 | uint64(n+j+1)
				}
			}
			if n = end; len(block) == 0 {
				break
			}
		}
		from = 0
	}
	return 0
}

func (c *Cache) row(key []byte, now time.Time) (r Row, ok bool) {
	var text [64]byte
	var sum longSum
	s, key, hash := c.store.lock(network(key, c.ipv6, &text), &sum)
	defer s.mu.Unlock()
	cell := s.find(key, hash)
	if cell == nil {
		return r, false
	}
	left := time.Duration(cell.a - wall(now).UnixNano())
	return Row{bytes.Clone(cell.key), bytes.Clone(cell.value), left}, left > 0
}

// Remove forgets a key, and reports whether it was there.
func (c *Cache) Remove(key []byte, now time.Time) bool {
	var text [64]byte
	var sum longSum
	s, key, hash := c.store.lock(network(key, c.ipv6, &text), &sum)
	defer s.mu.Unlock()
	cell := s.find(key, hash)
	if cell == nil {
		return false
	}
	was := cell.a > wall(now).UnixNano()
	s.retire(cell)
	return was
}

// Flush forgets every key, a shard after the other, and returns how many there were.
func (c *Cache) Flush(now time.Time) (n int) {
	at := wall(now).UnixNano()
	for i := range c.store.shards {
		s := &c.store.shards[i]
		s.mu.Lock()
		for j := range s.cells {
			if cell := &s.cells[j]; cell.a > at {
				s.retire(cell)
				n++
			}
		}
		s.mu.Unlock()
	}
	return n
}
