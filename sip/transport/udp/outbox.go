package udp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"sipedge/sip/transport"
)

const (
	maxHeld      = 32       // datagrams an outbox holds
	maxHeldBytes = 64 << 10 // bytes of them, unless one alone has more
)

// An outbox is the way out of one Conn. While the Conn's reader works on a batch, what is sent
// is held, and leaves in one system call behind the batch; else it leaves at once.
type outbox struct {
	env     *transport.Env
	conn    Conn
	holding atomic.Bool // the reader is at work

	mu     sync.Mutex
	closed bool
	one    [1]Datagram
	held   []Datagram // their Buf are parts of buf
	refs   []uint64   // of held
	buf    []byte
	failed []failure // of what was held; told by release
}

// failure is a held datagram that did not leave.
type failure struct {
	ref    uint64
	remote netip.AddrPort
	err    error
}

func newOutbox(e *transport.Env, c Conn) *outbox {
	return &outbox{
		env: e, conn: c, held: make([]Datagram, 0, maxHeld), refs: make([]uint64, 0, maxHeld),
	}
}

// hold begins a batch.
func (o *outbox) hold() { o.holding.Store(true) }

// release ends a batch: what was held leaves, and u is told of what could not.
func (o *outbox) release(u transport.User) {
	o.mu.Lock()
	o.holding.Store(false)
	o.flush()
	failed := o.failed
	o.failed = nil
	o.mu.Unlock()
	for _, f := range failed {
		u.Failed(transport.Flow{
			Transport: o.env.Listener.Transport, Listener: o.env.Index,
			Local: o.env.Listener.Addr, Remote: f.remote,
		}, f.ref, f.err)
	}
}

// send sends or holds a datagram.
func (o *outbox) send(t *transport.Target, b []byte, ref uint64) error {
	d := Datagram{
		Buf: b, N: len(b), Local: t.Local,
		Remote: netip.AddrPortFrom(t.Remote.Addr().Unmap(), t.Remote.Port()),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed && !o.holding.Load():
		o.env.Stats.SendErrors.Add(1)
		return transport.ErrClosed
	case !o.holding.Load():
		o.one[0] = d
		_, err := o.conn.WriteBatch(o.one[:])
		o.one[0] = Datagram{}
		o.count(len(b), err)
		return sendError(err)
	}
	if len(o.held) == maxHeld || len(o.held) > 0 && len(o.buf)+len(b) > maxHeldBytes {
		o.flush()
	}
	at := len(o.buf)
	if cap(o.buf)-at < len(b) {
		o.buf = make([]byte, 0, max(maxHeldBytes, len(b))) // nothing is held
		at = 0
	}
	o.buf = append(o.buf, b...)
	d.Buf = o.buf[at:]
	o.held, o.refs = append(o.held, d), append(o.refs, ref)
	return nil
}

// flush sends what is held.
func (o *outbox) flush() {
	for at := 0; at < len(o.held); {
		n, err := o.conn.WriteBatch(o.held[at:])
		for range n {
			o.count(o.held[at].N, nil)
			at++
		}
		if err != nil && at < len(o.held) {
			o.count(0, err)
			if ref := o.refs[at]; ref != 0 {
				o.failed = append(o.failed, failure{ref, o.held[at].Remote, sendError(err)})
			}
			at++
		}
	}
	o.held, o.refs, o.buf = o.held[:0], o.refs[:0], o.buf[:0]
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
	return o.conn.Stop()
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
