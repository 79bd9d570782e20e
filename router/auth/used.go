package auth

import "sync"

// used remembers how far nonces were counted, RFC 7616 §3.4: every nc is taken once, behind the
// highest in a window. Only who proved to know a password leaves something here, for as long as
// his nonce is good. When there is no room left the oldest goes, and with it all nonces that
// were issued before it: whoever has one gets a new one, and none can be used again.
type used struct{ shards [usedShards]usedShard }

const (
	usedShards = 64
	usedMax    = 1 << 14 // in a shard
	usedWindow = 64      // how far requests may overtake each other
	resendTime = 32      // seconds in which a message may be sent again: 64·T1
)

type usedShard struct {
	mu    sync.Mutex
	floor uint32 // nonces issued before are too old
	heads []uint32
	uses  []use  // a ring
	next  uint32 // of uses: the oldest
}

// use is what is remembered of a nonce.
type use struct {
	index   uint64
	bits    uint64 // bit i: nc top-i was used
	message uint64 // the last that used it
	at      uint32 // when that was
	top     uint32
	issued  uint32
	until   uint32 // when the nonce is old; 0: no nonce is here
	chain   uint32 // in its chain, as in heads: number plus one, 0 none
}

// counted is what came of counting a nonce.
type counted uint8

const (
	first  counted = iota // this nc was not used before
	resent                // it was, by this message, a moment ago
	again                 // it was
	tooOld                // the nonce is no more remembered
)

func (u *used) init(floor uint32) {
	for i := range u.shards {
		u.shards[i].floor = floor
	}
}

// take uses a nonce with an nc. message is a hash of the message that does; the nonce is good
// until then, in seconds as now.
func (u *used) take(n nonce, nc uint32, message uint64, now, until uint32) counted {
	s := &u.shards[n.index%usedShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.find(n.index)
	if c == nil {
		if n.issued < s.floor {
			return tooOld
		}
		c = s.add(n.index, now)
		c.issued, c.until, c.top, c.bits = n.issued, until, nc, 1
		c.message, c.at = message, now
		return first
	}
	if !c.count(nc) {
		if c.message == message && now-c.at <= resendTime {
			return resent
		}
		return again
	}
	c.message, c.at = message, now
	return first
}

// count notes an nc; false: it was used, or is behind the window.
func (c *use) count(nc uint32) bool {
	if nc > c.top {
		c.bits = c.bits<<(nc-c.top) | 1
		c.top = nc
		return true
	}
	back := c.top - nc
	if back >= usedWindow || c.bits>>back&1 == 1 {
		return false
	}
	c.bits |= 1 << back
	return true
}

func (s *usedShard) head(index uint64) *uint32 {
	return &s.heads[index/usedShards%uint64(len(s.heads))]
}

func (s *usedShard) find(index uint64) *use {
	if len(s.heads) == 0 {
		return nil
	}
	for n := *s.head(index); n != 0; n = s.uses[n-1].chain {
		if c := &s.uses[n-1]; c.index == index {
			return c
		}
	}
	return nil
}

// add makes room for a nonce.
func (s *usedShard) add(index uint64, now uint32) *use {
	if len(s.uses) == 0 || s.uses[s.next].until >= now && len(s.uses) < usedMax {
		s.grow()
	}
	c := &s.uses[s.next]
	if c.until >= now {
		s.floor = max(s.floor, c.issued+1)
	}
	if c.until != 0 {
		at := s.head(c.index)
		for *at != s.next+1 {
			at = &s.uses[*at-1].chain
		}
		*at = c.chain
	}
	head := s.head(index)
	*c = use{index: index, chain: *head}
	*head = s.next + 1
	s.next = (s.next + 1) % uint32(len(s.uses))
	return c
}

// grow doubles the ring: what is in it comes first, in its order, then what is free.
func (s *usedShard) grow() {
	old := len(s.uses)
	uses := make([]use, max(16, 2*old))
	copy(uses[copy(uses, s.uses[s.next:]):], s.uses[:s.next])
	s.uses, s.next = uses, uint32(old)
	s.heads = make([]uint32, len(uses))
	for i := range uses[:old] {
		head := s.head(uses[i].index)
		uses[i].chain, *head = *head, uint32(i)+1
	}
}
