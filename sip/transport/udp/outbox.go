package udp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"sipedge/sip/transport"
)

const (
	maxHeld      = 32       // datagrams an outbox holds
	maxHeldBytes = 64 << 10 // bytes of them, unless one alone has more
)

// An outbox is the way out of one Conn, in the order of send. While the Conn's reader works on
// a batch, what is sent is held, and leaves in one system call behind the batch; while another
// writes, it leaves behind that; else at once. The mutex is never held while something leaves.
type outbox struct {
	env  *transport.Env
	conn Conn
	end  chan struct{}
	bad  chan struct{} // of one: failed holds something

	mu      sync.Mutex
	turn    sync.Cond // writing has ended
	holding bool      // the reader is at work
	writing bool      // somebody writes, and owns one and leaving
	closed  bool
	next    queue // what waits for its turn
	leaving queue
	one     [1]Datagram
	failed  []failure // of what was held
}

// queue is held datagrams.
type queue struct {
	ds   []Datagram // their Buf are parts of buf
	refs []uint64   // of ds
	buf  []byte
}

// failure is a held datagram that did not leave.
type failure struct {
	ref    uint64
	remote netip.AddrPort
	err    error
}

func newOutbox(e *transport.Env, c Conn) *outbox {
	o := &outbox{env: e, conn: c, end: make(chan struct{}), bad: make(chan struct{}, 1)}
	o.turn.L = &o.mu
	for _, q := range []*queue{&o.next, &o.leaving} {
		q.ds, q.refs = make([]Datagram, 0, maxHeld), make([]uint64, 0, maxHeld)
	}
	return o
}

// hold begins a batch.
func (o *outbox) hold() {
	o.mu.Lock()
	o.holding = true
	o.mu.Unlock()
}

// release ends a batch: what was held leaves.
func (o *outbox) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding = false
	o.drain()
}

// send sends or holds a datagram.
func (o *outbox) send(t *transport.Target, b []byte, ref uint64) error {
	d := Datagram{
		Buf: b, N: len(b), Local: t.Local,
		Remote: netip.AddrPortFrom(t.Remote.Addr().Unmap(), t.Remote.Port()),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.next.full(len(b)) {
		if o.writing {
			o.turn.Wait()
		} else {
			o.leave()
		}
	}
	switch {
	case o.closed && !o.holding:
		o.env.Stats.SendErrors.Add(1)
		return transport.ErrClosed
	case o.holding || o.writing:
		o.next.add(d, ref)
		return nil
	}
	o.writing = true
	o.mu.Unlock()
	o.one[0] = d
	_, err := o.conn.WriteBatch(o.one[:])
	o.one[0] = Datagram{}
	o.count(len(b), err)
	o.mu.Lock()
	o.done()
	o.drain()
	return sendError(err)
}

// drain has all leave that the reader does not hold, unless somebody is about it.
func (o *outbox) drain() {
	for len(o.next.ds) > 0 && !o.holding && !o.writing {
		o.leave()
	}
}

// leave has what waits leave, without the mutex.
func (o *outbox) leave() {
	o.writing = true
	o.next, o.leaving = o.leaving, o.next
	o.mu.Unlock()
	failed := o.flush(&o.leaving)
	o.mu.Lock()
	if failed != nil {
		o.failed = append(o.failed, failed...)
		select {
		case o.bad <- struct{}{}:
		default:
		}
	}
	o.done()
}

func (o *outbox) done() {
	o.writing = false
	o.turn.Broadcast()
}

// flush sends a queue and empties it.
func (o *outbox) flush(q *queue) (failed []failure) {
	q.gather()
	for at := 0; at < len(q.ds); {
		n, err := o.conn.WriteBatch(q.ds[at:])
		for range n {
			o.count(q.ds[at].N, nil)
			at++
		}
		if err != nil && at < len(q.ds) {
			o.count(0, err)
			if ref := q.refs[at]; ref != 0 {
				failed = append(failed, failure{ref, q.ds[at].Remote, sendError(err)})
			}
			at++
		}
	}
	q.ds, q.refs, q.buf = q.ds[:0], q.refs[:0], q.buf[:0]
	return failed
}

// full reports whether size bytes more are too many.
func (q *queue) full(size int) bool {
	return len(q.ds) == maxHeld || len(q.ds) > 0 && len(q.buf)+size > maxHeldBytes
}

// add copies a datagram; q is not full.
func (q *queue) add(d Datagram, ref uint64) {
	at := len(q.buf)
	if cap(q.buf)-at < d.N {
		q.buf = make([]byte, 0, max(maxHeldBytes, d.N)) // nothing is held
		at = 0
	}
	q.buf = append(q.buf, d.Buf[:d.N]...)
	d.Buf = q.buf[at:]
	q.ds, q.refs = append(q.ds, d), append(q.refs, ref)
}

// gather has what goes to one remote stand together, in its order: the kernel takes it as one.
func (q *queue) gather() {
	for i := 1; i < len(q.ds); i++ {
		for j, to := i, q.ds[i-1].Remote; j < len(q.ds); j++ {
			if q.ds[j].Remote == to {
				d, ref := q.ds[j], q.refs[j]
				copy(q.ds[i+1:j+1], q.ds[i:j])
				copy(q.refs[i+1:j+1], q.refs[i:j])
				q.ds[i], q.refs[i] = d, ref
				break
			}
		}
	}
}

// tell tells u of what did not leave, until stop. It does so from a goroutine of its own: whoever
// writes may be at work on something else.
func (o *outbox) tell(u transport.User) {
	for {
		select {
		case <-o.bad:
			for _, f := range o.takeFailed() {
				u.Failed(transport.Flow{
					Transport: o.env.Listener.Transport, Listener: o.env.Index,
					Local: o.env.Listener.Addr, Remote: f.remote,
				}, f.ref, f.err)
			}
		case <-o.end:
			return
		}
	}
}

func (o *outbox) takeFailed() []failure {
	o.mu.Lock()
	defer o.mu.Unlock()
	failed := o.failed
	o.failed = nil
	return failed
}

func (o *outbox) count(size int, err error) {
	if err != nil {
		o.env.Stats.SendErrors.Add(1)
		return
	}
	o.env.Stats.MessagesOut.Add(1)
	o.env.Stats.BytesOut.Add(uint64(size))
}

// stop ends the writing, then the reading.
func (o *outbox) stop() error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	close(o.end)
	return o.conn.Stop()
}

// close gives the socket back when the last write has ended; the reader has.
func (o *outbox) close() error {
	o.mu.Lock()
	for o.writing {
		o.turn.Wait()
	}
	o.mu.Unlock()
	return o.conn.Close()
}

// sendError is the error of a write as the contract of transport names it.
func sendError(err error) error {
	switch {
	case errors.Is(err, syscall.EMSGSIZE):
		return transport.ErrTooLarge
	case errors.Is(err, net.ErrClosed):
		return transport.ErrClosed
	}
	return err
}
