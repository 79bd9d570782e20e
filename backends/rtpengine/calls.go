package rtpengine

import (
	"hash/maphash"
	"sync"
)

// calls is which node a call has. There are two generations: the older goes when the younger is
// full, so that a call which goes on is known as long as it is asked for.
type calls struct {
	seed maphash.Seed
	most int // of a generation

	mu         sync.Mutex // guards what follows
	young, old map[uint64]call
}

// call is what is known of one.
type call struct {
	node *node // nil: none yet
	late bool  // its offer is in what answers the INVITE
}

func newCalls(most int) *calls {
	return &calls{
		seed: maphash.MakeSeed(), most: max(most/2, 1),
		young: map[uint64]call{}, old: map[uint64]call{},
	}
}

func (c *calls) get(id []byte) call {
	key := maphash.Bytes(c.seed, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.young[key]
	if ok {
		return found
	}
	if found, ok = c.old[key]; ok {
		c.put(key, found)
	}
	return found
}

func (c *calls) set(id []byte, v call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(maphash.Bytes(c.seed, id), v)
}

func (c *calls) put(key uint64, v call) {
	if _, ok := c.young[key]; !ok && len(c.young) >= c.most {
		c.old, c.young = c.young, c.old
		clear(c.young)
	}
	c.young[key] = v
}

func (c *calls) drop(id []byte) {
	key := maphash.Bytes(c.seed, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, key)
	delete(c.old, key)
}
