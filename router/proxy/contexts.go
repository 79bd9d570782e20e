package proxy

import (
	"sync"

	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// contexts holds the response contexts. One that an event is at work on, or that cannot
// rest, is a responseContext; else it is a record in its seat.
type contexts struct {
	proxy  *Proxy
	packer *transport.Packer
	seats  slab.Seats[responseContext, record, tune]
	pool   sync.Pool // *responseContext, out of use
}

type (
	shard = slab.Shard[responseContext, record, tune]
	seat  = slab.Seat[record]
)

func (s *contexts) init(p *Proxy) {
	s.proxy, s.packer = p, transport.NewPacker(p.cfg.Sender.Listeners)
	s.pool.New = func() any { return &responseContext{p: p} }
	s.seats.Init()
}

// take returns a new context, which the caller has busy.
func (s *contexts) take() *responseContext {
	c := s.pool.Get().(*responseContext)
	c.word = s.seats.Take(c)
	s.proxy.stats.liveContexts.Add(1)
	return c
}

// wake has the context of a seat busy; its shard is locked.
func (s *contexts) wake(sh *shard, st *seat) *responseContext {
	st.Busy = true
	if c := sh.Awake(st); c != nil {
		return c
	}
	c := s.pool.Get().(*responseContext)
	c.rise(sh, &st.Rest)
	sh.Rouse(st, c)
	return c
}

// free ends the context of a word; its shard is locked.
func (s *contexts) free(sh *shard, st *seat, word uint64) {
	sh.Texts.Free(&st.Rest.text)
	sh.Values.Drop(st.Rest.tune)
	sh.Free(word)
	s.proxy.stats.liveContexts.Add(-1)
}
