package stream

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Parts is what a connection may be that keeps the bounds of messages: then each Write is one
// message, messages are read by ReadPart alone, and the Protocol's framing is not asked.
type Parts interface {
	net.Conn
	// ReadPart reads as much of a message as there is and fits; end: this was the last of it.
	ReadPart(b []byte) (n int, end bool, err error)
}

// reader is where the reading of a connection stands: buf[r:w] is not yet a message.
type reader struct {
	c       *conn
	parts   Parts // nil: a stream of bytes
	framing Framing
	buf     []byte
	r, w    int
	active  time.Time // when bytes came last
	begun   time.Time // when the first byte of the message at r came; zero: none has
	partial bool      // of that message whole frames have come
	armed   time.Time // the deadline that is set
}

var (
	errIdle  = errors.New("idle")
	errSlow  = errors.New("message took too long to arrive")
	errFrame = errors.New("no end of message in sight")
	errStop  = errors.New("shutting down")
	errLarge = &sip.ParseError{Status: 513, Class: "limit", Text: "Message Too Large"}
)

// read gives every message to the User, and says why there are no more.
func (c *conn) read() (transport.Reason, error) {
	c.active.set(time.Now())
	r := reader{c: c, framing: c.s.protocol.Framing(), buf: newBuffer(firstBuffer)}
	defer func() { giveBack(r.buf) }()
	r.parts, _ = c.nc.(Parts)
	for {
		r.arm()
		if c.stopping.Load() {
			return transport.EndedByShutdown, errStop
		}
		reason, broken, err := r.fill()
		if broken != nil {
			return reason, broken
		}
		if err == nil {
			continue
		}
		if reason, err := r.failed(err); err != nil {
			return reason, err
		}
	}
}

// fill reads once. broken: what came ends the connection, for the reason; err is of reading.
func (r *reader) fill() (reason transport.Reason, broken, err error) {
	var n int
	var end bool
	if r.parts != nil {
		n, end, err = r.parts.ReadPart(r.buf[r.w:])
	} else {
		n, err = r.c.nc.Read(r.buf[r.w:])
	}
	if n == 0 {
		return 0, nil, err
	}
	r.came(n, time.Now())
	if r.parts != nil {
		reason, broken = r.part(end)
	} else {
		reason, broken = r.frames()
	}
	return reason, broken, err
}

// came says that n bytes more are in the buffer.
func (r *reader) came(n int, now time.Time) {
	r.w += n
	r.active = now
	r.c.active.set(now)
}

// part takes the message off the buffer that has come to its end.
func (r *reader) part(end bool) (transport.Reason, error) {
	b := r.buf[:r.w]
	switch {
	case len(b) > r.c.s.env.Limits.Message:
		return r.unusable(b, errLarge)
	case !end:
		if r.begun.IsZero() {
			r.begun = r.active
		}
		return r.room()
	case len(bytes.Trim(b, "\r\n")) > 0:
		r.take(&Frame{Message: b})
	case string(b) == "\r\n\r\n":
		r.take(&Frame{Answer: pong, KeepAlive: true})
	}
	r.begun = time.Time{}
	r.r = r.w
	return r.room()
}

// arm sets the deadline: the message's if one has begun, else the connection's, which is moved
// only now and then.
func (r *reader) arm() {
	l := &r.c.s.env.Limits
	if !r.begun.IsZero() {
		r.deadline(r.begun.Add(l.Arrival))
		return
	}
	now := time.Now()
	if d := now.Add(l.Idle).Sub(r.armed); d > l.Idle/16 || d < 0 {
		rest := l.Idle - r.c.quiet()
		if rest <= 0 {
			rest = l.Idle / 16 // it is held: nobody tells when that ends
		}
		r.deadline(r.c.untilPing(now.Add(rest)))
	}
}

func (r *reader) deadline(t time.Time) {
	if !t.Equal(r.armed) {
		r.armed = t
		_ = r.c.nc.SetReadDeadline(t)
	}
}

// failed judges an error of reading; nil: go on.
func (r *reader) failed(err error) (transport.Reason, error) {
	switch {
	case r.c.stopping.Load():
		return transport.EndedByShutdown, errStop
	case errors.Is(err, io.EOF):
		return transport.EndedByPeer, io.EOF
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return transport.EndedByError, err
	case !r.begun.IsZero():
		return transport.EndedSlow, errSlow
	}
	return r.expired()
}

// frames takes off the buffer what is complete and makes room for the rest.
func (r *reader) frames() (transport.Reason, error) {
	limit := r.c.s.env.Limits.Message
	for r.r < r.w {
		front := r.buf[r.r:r.w]
		f, err := r.framing.Next(front, limit)
		r.take(&f)
		if err != nil {
			r.c.answered = f.Answer != nil && err != io.EOF
			return r.unusable(front, err)
		}
		if f.Size == 0 {
			break
		}
		if r.partial = f.Begun; !f.Begun {
			r.begun = time.Time{}
		}
		r.r += f.Size
	}
	// Half a line end between messages is nothing that has begun.
	front := r.buf[r.r:r.w]
	nothing := len(front) == 0 || len(front) == 1 && front[0] == '\r'
	if nothing && !r.partial {
		r.begun = time.Time{}
	} else if r.begun.IsZero() {
		r.begun = r.active
	}
	return r.room()
}

// take does what a frame asks for.
func (r *reader) take(f *Frame) {
	st := r.c.s.env.Stats
	if f.Message != nil {
		st.MessagesIn.Add(1)
		st.BytesIn.Add(uint64(len(f.Message)))
		r.c.alias(f.Message)
		r.c.s.user.Receive(r.c.flow, f.Message)
	}
	if f.KeepAlive {
		st.KeepAlives.Add(1)
	}
	if f.Answer != nil {
		_ = r.c.answer(f.Answer) // no room: the peer does not read anyway
	}
}

// room sees to it that the next read has some.
func (r *reader) room() (transport.Reason, error) {
	most := r.c.s.env.Limits.Message + firstBuffer
	switch {
	case r.r == r.w:
		r.r, r.w = 0, 0
		if len(r.buf) > keptBuffer {
			giveBack(r.buf)
			r.buf = newBuffer(firstBuffer)
		}
	case r.r > 0 && r.w-r.r < firstBuffer && len(r.buf) > keptBuffer:
		small := newBuffer(firstBuffer)
		r.w = copy(small, r.buf[r.r:r.w])
		r.r = 0
		giveBack(r.buf)
		r.buf = small
	case r.w < len(r.buf):
	case r.r > 0:
		r.w = copy(r.buf, r.buf[r.r:])
		r.r = 0
	case len(r.buf) >= most:
		return transport.EndedFraming, errFrame
	default:
		grown := newBuffer(min(2*len(r.buf), most))
		copy(grown, r.buf)
		giveBack(r.buf)
		r.buf = grown
	}
	return 0, nil
}

// unusable says what ended the sequence of messages. A whole header section can be answered;
// who speaks no SIP would not understand.
func (r *reader) unusable(b []byte, err error) (transport.Reason, error) {
	reason := transport.EndedFraming
	var p *sip.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return transport.EndedByPeer, err
	case errors.Is(err, transport.ErrTooLarge):
		return transport.EndedOversized, err
	case !errors.As(err, &p), p.Class == "start-line":
		return reason, err
	case p.Status == 413 || p.Status == 513:
		reason, err = transport.EndedOversized, transport.ErrTooLarge
	}
	end := bytes.Index(b, []byte("\r\n\r\n")) + 4
	if end < 4 || end > r.c.s.env.Limits.Message {
		return reason, err
	}
	if u, ok := r.c.s.user.(transport.Unframed); ok {
		u.Unframed(r.c.flow, b[:end], err)
		r.c.answered = true
	}
	return reason, err
}

// expired judges a deadline of reading that passed between messages; nil: go on.
func (r *reader) expired() (transport.Reason, error) {
	if err := r.c.ping(time.Now()); err != nil {
		return transport.EndedSilent, err
	}
	// Bytes we wrote count as well, and the deadline may lag behind a little.
	if r.c.idle() {
		return transport.EndedIdle, errIdle
	}
	r.armed = time.Time{}
	return 0, nil
}
