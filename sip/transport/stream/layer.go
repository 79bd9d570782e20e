package stream

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"sipedge/sip/transport/poll"
)

// Upon is what a connection may be that stands upon another, as TLS does.
type Upon interface {
	net.Conn
	// Below is what it stands upon.
	Below() net.Conn
	// Move has it stand upon something else that leads to the same peer. A Read there does not
	// wait: where there is nothing its error is os.ErrDeadlineExceeded, and so is that of Read
	// here, which goes on with the next.
	Move(to net.Conn)
}

// line is how a loop reads and writes a connection. Nothing of it waits.
type line interface {
	// Read reads what has come; false: that was all for this round of the loop.
	Read(b []byte) (n int, more bool, err error)
	// Write writes, and returns how much of b has left: who has more to write goes on with the
	// rest.
	Write(b []byte) (n int, err error)
	// CloseWrite tells the peer that nothing more comes.
	CloseWrite() error
	Close() error
	// flush writes what the connection owes its peer beside what it was given; owes reports
	// whether there is such.
	flush() error
	owes() bool
}

// bare is the line of TCP itself.
type bare struct{ poll.Socket }

func (l bare) Read(b []byte) (n int, more bool, err error) {
	n, err = l.Socket.Read(b)
	return n, false, err
}
func (bare) flush() error { return nil }
func (bare) owes() bool   { return false }

// layer is the line of a connection that stands upon TCP.
type layer struct {
	top  Upon
	sock poll.Socket

	given int // bytes that top has taken from who writes, and that have not all left
	most  int // bytes that may be read in this round of the loop

	mu   sync.Mutex
	owed []byte // what top wrote and there was no room for
}

// mostOwed bounds that, in bytes: three of the largest records of TLS.
const mostOwed = 48 << 10

func newLayer(top Upon, sock poll.Socket) *layer {
	l := &layer{top: top, sock: sock, most: loopBuffer}
	top.Move(lower{top.Below(), l})
	return l
}

// Read implements line.
func (l *layer) Read(b []byte) (n int, more bool, err error) {
	n, err = l.top.Read(b)
	if n > 0 {
		return n, true, nil // an error is told of again
	}
	l.most = loopBuffer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return 0, false, err
}

// Write implements line. What top was given counts when nothing of it is owed.
func (l *layer) Write(b []byte) (n int, err error) {
	for {
		if err := l.flush(); err != nil || l.owes() {
			return n, err
		}
		n += l.given
		l.given = 0
		if n == len(b) {
			return n, nil
		}
		some := b[n:min(len(b), n+loopBuffer)]
		if _, err := l.top.Write(some); err != nil {
			return n, err
		}
		l.given = len(some)
	}
}

// flush implements line.
func (l *layer) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.owed) == 0 {
		return nil
	}
	n, err := l.sock.Write(l.owed)
	if l.owed = l.owed[n:]; len(l.owed) == 0 {
		l.owed = nil
	}
	return err
}

// owes implements line.
func (l *layer) owes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed != nil
}

// CloseWrite implements line, where top can.
func (l *layer) CloseWrite() error {
	if w, ok := l.top.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close implements line: top closes what it stands upon.
func (l *layer) Close() error { return l.top.Close() }

// lower is what the top of a layer reads and writes.
type lower struct {
	net.Conn // closed; it knows its addresses
	l        *layer
}

// Read implements net.Conn. It is for the loop, as is whatever reads from the top.
func (w lower) Read(b []byte) (int, error) {
	l := w.l
	if l.most <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	b = b[:min(len(b), l.most)] // crypto/tls asks for as much as it has room for
	n, err := l.sock.Read(b)
	if l.most -= n; n < len(b) {
		l.most = 0 // that was all
	}
	if n == 0 && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Write implements net.Conn. What there is no room for is owed.
func (w lower) Write(b []byte) (n int, err error) {
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owed == nil {
		if n, err = l.sock.Write(b); err != nil || n == len(b) {
			return n, err
		}
	}
	if len(l.owed)+len(b)-n > mostOwed {
		return n, errStalled
	}
	l.owed = append(l.owed, b[n:]...)
	return len(b), nil
}

// Close implements net.Conn.
func (w lower) Close() error { return w.l.sock.Close() }

// The deadlines of what does not wait.

func (lower) SetDeadline(time.Time) error      { return nil }
func (lower) SetReadDeadline(time.Time) error  { return nil }
func (lower) SetWriteDeadline(time.Time) error { return nil }
