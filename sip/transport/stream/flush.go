package stream

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A round is the connections that have something to write, and can be written without waiting. One
// goroutine writes them all, behind those that are about to run: what these add to them leaves in
// the same write. A connection that does not take all it is given goes on with its own goroutine.
type round struct {
	conns []*conn

	// An attempt to write, which is within raw's lock.
	attempt func(fd uintptr) bool
	data    []byte
	n       int
	err     error
}

// rounds are kept, with what they have allocated.
var rounds = sync.Pool{New: func() any {
	r := new(round)
	r.attempt = func(fd uintptr) bool {
		r.n, r.err = writeNow(fd, r.data)
		return true
	}
	return r
}}

// maxRound is how many connections a round may have had to be used again.
const maxRound = 1024

// flusher has one round at a time that connections come to. A round that has begun leaves the
// place to the next, which may be written beside it: of other connections, for one that is written
// is added to none.
type flusher struct {
	run func() // the goroutine of a round

	mu   sync.Mutex
	next *round // nil: nobody is about to write
}

// flushes has c written. It is called with c.mu held.
func (s *Socket) flushes(c *conn) {
	f := &s.flusher
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = rounds.Get().(*round)
		s.work.Add(1)
		go f.run()
	}
	f.next.conns = append(f.next.conns, c)
}

// flush is flusher.run.
func (s *Socket) flush() {
	defer s.work.Done()
	runtime.Gosched()
	s.flusher.mu.Lock()
	r := s.flusher.next
	s.flusher.next = nil
	s.flusher.mu.Unlock()
	for _, c := range r.conns {
		c.flush(r)
	}
	if cap(r.conns) <= maxRound {
		clear(r.conns)
		r.conns = r.conns[:0]
		rounds.Put(r)
	}
}

// flush writes what waits until nothing does, or until it would have to wait itself.
func (c *conn) flush(r *round) {
	defer c.writer.Done()
	for o := c.take(nil); o != nil; o = c.take(o) {
		n, err := r.write(c.direct, o.data)
		c.wrote.Store(time.Now().UnixNano())
		if err == nil && n < len(o.data) {
			c.writer.Go(func() { c.write(o, n) })
			return
		}
		c.count(o, n)
		if err != nil {
			c.broken(o, n, err)
			return
		}
	}
}

// write writes as much of data as finds room now.
func (r *round) write(raw syscall.RawConn, data []byte) (int, error) {
	r.data, r.n, r.err = data, 0, nil
	err := raw.Write(r.attempt)
	r.data = nil
	if err == nil {
		err = r.err
	}
	return r.n, err
}
