package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"

	"sipedge/sip"
)

// store keeps something under keys for a while: at most max of them, the
// oldest goes. It is cut into shards, each with its lock.
type store struct {
	shards []shard
}

// Shards of a large store. A small one has a single shard, so that its bound is exact.
const (
	manyShards = 32
	smallStore = 1 << 10
)

// longKey is the length from which on a key is kept as its SHA-256, which an operator can read:
// an outsider may choose keys.
const longKey = 128

const sumPrefix = "sha256:"

// longSum has room for what a long key is kept as.
type longSum [len(sumPrefix) + 2*sha256.Size]byte

func newStore(max int) *store {
	n := 1
	if max > smallStore {
		n = manyShards
	}
	s := &store{shards: make([]shard, n)}
	for i := range s.shards {
		s.shards[i].max = (max + n - 1) / n
		s.shards[i].newest, s.shards[i].oldest = none, none
	}
	return s
}

// shard is a hash table whose cells are in a list by age.
type shard struct {
	mu             sync.Mutex
	max            int
	heads          []uint32 // cells by hash: number plus one, 0 none
	cells          []cell
	newest, oldest uint32
	evicted        uint64 // cells that went before their time
}

// cell is one key. What its numbers mean is its owner's.
type cell struct {
	hash         uint64
	self         uint32
	next         uint32 // in its chain, as in heads
	newer, older uint32
	a, b         int64
	key, value   []byte
}

const none = ^uint32(0)

// snapshot returns a function that puts back what is in the store now.
func (s *store) snapshot() (restore func()) {
	type contents struct {
		heads          []uint32
		cells          []cell
		newest, oldest uint32
	}
	kept := make([]contents, len(s.shards))
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		kept[i] = contents{slices.Clone(sh.heads), cloned(nil, sh.cells), sh.newest, sh.oldest}
		sh.mu.Unlock()
	}
	return func() {
		for i := range s.shards {
			sh, k := &s.shards[i], &kept[i]
			sh.mu.Lock()
			sh.heads = append(sh.heads[:0], k.heads...)
			sh.cells = cloned(sh.cells[:0], k.cells)
			sh.newest, sh.oldest = k.newest, k.oldest
			sh.mu.Unlock()
		}
	}
}

// cloned appends cells that share no memory with those of list.
func cloned(dst, list []cell) []cell {
	for _, c := range list {
		c.key, c.value = bytes.Clone(c.key), bytes.Clone(c.value)
		dst = append(dst, c)
	}
	return dst
}

// lock finds the shard of a key and locks it. The key to go on with may be
// another: a long one is hashed into buf.
func (s *store) lock(key []byte, buf *longSum) (*shard, []byte, uint64) {
	if len(key) > longKey {
		sum := sha256.Sum256(key)
		key = hex.AppendEncode(append(buf[:0], sumPrefix...), sum[:])
	}
	h := maphash.Bytes(seed, key)
	sh := &s.shards[(h>>48)%uint64(len(s.shards))]
	sh.mu.Lock()
	return sh, key, h
}

// find is the cell of a key, or nil.
func (s *shard) find(key []byte, hash uint64) *cell {
	if len(s.heads) == 0 {
		return nil
	}
	for n := s.heads[hash&uint64(len(s.heads)-1)]; n != 0; n = s.cells[n-1].next {
		if c := &s.cells[n-1]; c.hash == hash && bytes.Equal(c.key, key) {
			return c
		}
	}
	return nil
}

// put makes a cell for a key that has none; it is the newest. The oldest cell
// goes when the shard is full; one whose a is due by then is not missed.
func (s *shard) put(key []byte, hash uint64, due int64) *cell {
	var n uint32
	if len(s.cells) < s.max {
		s.cells = append(s.cells, cell{})
		n = uint32(len(s.cells) - 1)
		if len(s.cells) > len(s.heads) {
			s.rehash()
		}
	} else {
		n = s.oldest
		if s.cells[n].a > due {
			s.evicted++
		}
		s.unlink(n)
		s.unchain(n)
	}
	c := &s.cells[n]
	c.key, c.value = append(c.key[:0], key...), c.value[:0]
	c.self, c.hash, c.a, c.b = n, hash, 0, 0
	head := &s.heads[hash&uint64(len(s.heads)-1)]
	c.next, *head = *head, n+1
	s.link(n)
	return c
}

// rehash doubles the chains; the cell at the end is not in them yet.
func (s *shard) rehash() {
	s.heads = make([]uint32, max(16, 2*len(s.heads)))
	for i := range s.cells[:len(s.cells)-1] {
		c := &s.cells[i]
		head := &s.heads[c.hash&uint64(len(s.heads)-1)]
		c.next, *head = *head, uint32(i)+1
	}
}

// renew makes a cell the newest.
func (s *shard) renew(c *cell) {
	if c.self != s.newest {
		s.unlink(c.self)
		s.link(c.self)
	}
}

// retire makes a cell one whose time is over, and the first to go.
func (s *shard) retire(c *cell) {
	c.a = 0
	s.unlink(c.self)
	c.newer, c.older = s.oldest, none
	if s.oldest != none {
		s.cells[s.oldest].older = c.self
	} else {
		s.newest = c.self
	}
	s.oldest = c.self
}

func (s *shard) link(n uint32) {
	c := &s.cells[n]
	c.newer, c.older = none, s.newest
	if s.newest != none {
		s.cells[s.newest].newer = n
	} else {
		s.oldest = n
	}
	s.newest = n
}

func (s *shard) unlink(n uint32) {
	c := &s.cells[n]
	if c.newer != none {
		s.cells[c.newer].older = c.older
	} else {
		s.newest = c.older
	}
	if c.older != none {
		s.cells[c.older].newer = c.newer
	} else {
		s.oldest = c.newer
	}
}

func (s *shard) unchain(n uint32) {
	c := &s.cells[n]
	at := &s.heads[c.hash&uint64(len(s.heads)-1)]
	for *at != n+1 {
		at = &s.cells[*at-1].next
	}
	*at = c.next
}

// network cuts a key that is an IPv6 address to its network of bits, so that
// a host with many addresses is one; 0 leaves it. IPv4 in IPv6 form is IPv4.
// The result may stand in buf.
func network(key []byte, bits int, buf *[64]byte) []byte {
	if bits == 0 || bytes.IndexByte(key, ':') < 0 {
		return key
	}
	a, ok := sip.ParseAddr(key)
	if !ok {
		return key
	}
	return appendNetwork(buf[:0], a, bits)
}

// appendNetwork appends an address, one of IPv6 as its network of bits.
func appendNetwork(dst []byte, a netip.Addr, bits int) []byte {
	a = a.Unmap()
	if bits > 0 && bits < 128 && a.Is6() {
		if p, err := a.Prefix(bits); err == nil {
			return p.AppendTo(dst)
		}
	}
	return a.AppendTo(dst)
}
