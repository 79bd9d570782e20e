package stream

import (
	"errors"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/watch"
)

const (
	restAfter = 5 * time.Second // quiet for so long, a connection rests
	restWorth = time.Minute     // of Limits.Idle: else it would hardly rest before it ends
	lookEvery = 5 * time.Second // at what has rested too long
)

// errRest: there is nothing to read.
var errRest = errors.New("nothing to read for a while")

// resume reads until the connection is over or rests.
func (c *conn) resume() {
	for {
		if err := c.ping(time.Now()); err != nil { // it was woken for that
			c.finish(transport.EndedSilent, err)
			return
		}
		reason, err := c.read()
		switch {
		case err != errRest:
			c.finish(reason, err)
			return
		case c.rest():
			return // it belongs to who wakes it
		}
	}
}

// rest leaves the connection to the watch: its goroutine ends, and with it go the stack and the
// buffer. It reports whether it does.
func (c *conn) rest() bool {
	set := c.s.bed(c)
	if set == nil {
		c.raw = nil
		return false
	}
	c.mu.Lock()
	c.resting = !c.over && !c.stopping.Load() && set.Add(c.raw, c.flow.Conn) == nil
	rests := c.resting
	if rests {
		c.s.env.Stats.Resting.Add(1)
	}
	c.mu.Unlock()
	if !rests {
		c.s.awake(c)
	}
	return rests
}

// bed has a connection found that is about to rest; nil: there is no rest.
func (s *Socket) bed(c *conn) *watch.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil && !s.closing {
		set, err := watch.New()
		if err != nil {
			return nil
		}
		s.watch = set
		s.work.Go(func() { s.watchAll(set) })
	}
	s.resting[c.flow.Conn] = c
	return s.watch
}

// wake gives a connection that rests its goroutine back.
func (c *conn) wake() {
	c.mu.Lock()
	rests := c.resting
	c.resting = false
	if rests {
		_ = c.s.watch.Remove(c.raw) // closed: it is out already
		c.s.env.Stats.Resting.Add(-1)
	}
	c.mu.Unlock()
	if rests {
		c.s.awake(c)
		c.s.work.Go(c.resume)
	}
}

// quiet is for how long nothing has come or left.
func (c *conn) quiet() time.Duration {
	return time.Since(time.Unix(0, max(c.active.Load(), c.wrote.Load())))
}

// awake takes a connection off those that rest.
func (s *Socket) awake(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.resting, c.flow.Conn)
}

// watchAll wakes who has something to read, or has rested as long as he may.
func (s *Socket) watchAll(set *watch.Set) {
	set.Run(lookEvery, func(id uint64) {
		s.mu.Lock()
		c := s.resting[id]
		s.mu.Unlock()
		if c != nil {
			c.wake()
		}
	}, func() {
		for _, c := range s.tired(time.Now()) {
			c.wake()
		}
	})
}

// tired are those that have rested as long as they may, or that are to be pinged.
func (s *Socket) tired(now time.Time) (list []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.resting {
		if c.quiet() >= s.env.Limits.Idle || c.pingDue(now) {
			list = append(list, c)
		}
	}
	return list
}

// mayRest reports whether the reader could leave off here.
func (r *reader) mayRest() bool {
	return r.c.raw != nil && r.parts == nil && r.r == r.w && !r.partial
}

// expired judges a deadline of reading that passed between messages; nil: go on.
func (r *reader) expired() (transport.Reason, error) {
	// Bytes we wrote count as well, and the deadline may lag behind a little.
	quiet := r.c.quiet()
	if err := r.c.ping(time.Now()); err != nil {
		return transport.EndedSilent, err
	}
	switch {
	case quiet >= r.c.s.env.Limits.Idle:
		return transport.EndedIdle, errIdle
	case quiet >= r.c.s.restAfter && r.mayRest():
		return 0, errRest
	}
	r.armed = time.Time{}
	return 0, nil
}
