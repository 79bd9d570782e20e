package proxy

import (
	"sync"
	"sync/atomic"
)

// contexts holds the response contexts. A context is found by its word: its
// index and its generation, so that the word of one that ended finds none.
type contexts struct {
	proxy *Proxy
	all   atomic.Pointer[[]*responseContext]

	mu   sync.Mutex // guards what follows
	free []*responseContext
	bare int // so many at the front of free have given up their memory
}

// warm is how many contexts not in use keep their memory. More are what a peak
// has left.
const warm = 4096

// take returns a context that the caller has busy, and its word.
func (s *contexts) take() (c *responseContext, word uint64) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		c = s.free[n-1]
		s.free = s.free[:n-1]
		s.bare = min(s.bare, n-1)
	} else {
		c = s.grow()
	}
	s.mu.Unlock()
	c.mu.Lock()
	c.gen++
	c.live, c.busy = true, true
	word = uint64(c.gen)<<32 | uint64(c.index+1)
	c.mu.Unlock()
	s.proxy.stats.liveContexts.Add(1)
	return c, word
}

// grow adds a context. Readers see the slice before or after, never a part.
func (s *contexts) grow() *responseContext {
	var list []*responseContext
	if old := s.all.Load(); old != nil {
		list = *old
	}
	c := &responseContext{p: s.proxy, index: uint32(len(list))}
	c.within.c = c
	list = append(list, c)
	s.all.Store(&list)
	return c
}

// get returns the context a word names; its generation is still to be compared.
func (s *contexts) get(word uint64) *responseContext {
	list := s.all.Load()
	i := uint64(uint32(word))
	if list == nil || i == 0 || i > uint64(len(*list)) {
		return nil
	}
	return (*list)[i-1]
}

// put takes back a context that has been made ready for its next use.
func (s *contexts) put(c *responseContext) {
	s.proxy.stats.liveContexts.Add(-1)
	s.mu.Lock()
	s.free = append(s.free, c)
	if s.bare < len(s.free)-warm { // the one that was longest out of use
		s.free[s.bare].strip()
		s.bare++
	}
	s.mu.Unlock()
}
