package gateway

import (
	"hash/maphash"
	"sync"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
)

// calls are the dialogs that gateways answered and whose BYE will come by: those with a
// Record-Route of ours. One without a BYE is let go of after one to two half lives.
type calls struct {
	seed maphash.Seed

	mu    sync.Mutex
	young map[uint64]*State // by dialog
	old   map[uint64]*State
	begun time.Time // young
}

const (
	halfLife = 6 * time.Hour
	mostLive = 500_000 // of a half life; more are not counted
)

// forget lets go of all of them, uncounted.
func (c *calls) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = map[uint64]*State{}, nil
}

// answered takes the final response to an INVITE. False: its call is over, or not followed.
func (c *calls) answered(s *State, m *sip.Message, self *job.Self) bool {
	if m.Status() >= 300 || !routed(m, self) {
		return false
	}
	id := c.dialog(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[id] != nil || c.old[id] != nil || len(c.young) >= mostLive {
		return false
	}
	c.young[id] = s
	return true
}

// over ends the call of a BYE.
func (c *calls) over(m *sip.Message) {
	id := c.dialog(m)
	c.mu.Lock()
	s := c.young[id]
	if s == nil {
		s = c.old[id]
	}
	delete(c.young, id)
	delete(c.old, id)
	c.mu.Unlock()
	if s != nil {
		s.calls.Add(-1)
	}
}

// age lets go of what is too old, and returns when something else may be.
func (c *calls) age(now time.Time) (next time.Time) {
	c.mu.Lock()
	var gone map[uint64]*State
	switch {
	case c.begun.IsZero():
		c.begun = now
	case now.Sub(c.begun) >= halfLife:
		gone, c.old, c.young, c.begun = c.old, c.young, map[uint64]*State{}, now
	}
	next = c.begun.Add(halfLife)
	c.mu.Unlock()
	for _, s := range gone {
		s.calls.Add(-1)
	}
	return next
}

// dialog names the dialog of a message, from whichever side it comes.
func (c *calls) dialog(m *sip.Message) uint64 {
	of := func(b []byte) uint64 { return maphash.Bytes(c.seed, b) }
	return of(m.CallID()) ^ (of(m.FromTag()) + of(m.ToTag()))
}

// routed reports whether a message has a Record-Route of ours.
func routed(m *sip.Message, self *job.Self) bool {
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		a, err := sip.ParseNameAddr(e.Value)
		if err != nil {
			return false
		}
		if u, err := sip.ParseURI(a.URI); err == nil && self.IsURI(&u, u.Transport()) {
			return true
		}
	}
	return false
}
