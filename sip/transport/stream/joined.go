package stream

import (
	"net"
	"sync"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
)

// joined is what a connection is in a loop.
type joined struct {
	loop *poll.Loop // nil: a goroutine reads it. It is set once, before messages can leave
	sock poll.Socket
	line line // over sock

	// These are of the connection's mu.
	left    bool      // writing is the loop's to do
	stuck   *outbox   // what there was no room for; then it is left
	gone    int       // bytes of stuck that left
	since   time.Time // that it is stuck
	severed bool      // it is to end without what waits
	torn    bool      // writing has failed

	// And these of the loop.
	fresh   bool           // what stands upon TCP may have read more than it gave, as it began
	half    *reader        // what has come of a message; nil: nothing
	asked   poll.Readiness // what the loop is told of
	ending  bool           // nothing is read any more
	lingers time.Time      // since when the peer is given time to read our last answer
	silent  bool           // that is over
	owing   time.Time      // since when only the line owes the peer something
	pressed bool           // the loop knows of a bound
	closed  bool
}

// join has a loop read the connection, if there is one for it. It is called with mu held.
func (c *conn) join() {
	below := c.nc
	top, upon := c.nc.(Upon)
	if upon {
		below = top.Below()
	}
	nc := plain(below)
	if nc == nil || c.stopping.Load() {
		return
	}
	l := c.s.env.Loops.Next()
	if l == nil {
		return
	}
	c.active.set(time.Now())
	sock, err := l.Take(nc, c.flow.Conn, c)
	if err != nil {
		return // it has a goroutine
	}
	c.s.work.Add(1)
	c.loop, c.sock, c.asked = l, sock, poll.Read
	c.framing = c.s.protocol.Framing()
	c.s.env.Stats.Looped.Add(1)
	if upon {
		c.line, c.fresh = newLayer(top, sock), true
	} else {
		c.line, c.nc = bare{sock}, nil
	}
	if upon || c.restless() {
		l.Leave(c)
	}
}

// plain is the TCP connection that nc is, and no more; nil: it is not.
func plain(nc net.Conn) *net.TCPConn {
	switch c := nc.(type) {
	case *net.TCPConn:
		return c
	case interface{ Plain() *net.TCPConn }:
		return c.Plain()
	}
	return nil
}

// lookEvery is how often a loop looks at all of its connections.
const lookEvery = 5 * time.Second

// restless reports whether the connection is pinged more often than it would be looked at.
func (c *conn) restless() bool {
	every := c.s.protocol.Pings.Every
	return every > 0 && every < 2*lookEvery
}

// push writes what waits until nothing does, or there is no room. It is for who has writing to do.
func (c *conn) push(now time.Time) {
	o, n, since := c.resumeWrite()
	for o != nil {
		k, err := c.line.Write(o.data[n:])
		if n += k; k > 0 {
			c.wrote.set(now)
		}
		switch {
		case err != nil:
			c.lost(o, n, transport.EndedByPeer, err)
			return
		case n < len(o.data):
			if since.IsZero() {
				since = now
			}
			c.stick(o, n, since)
			return
		}
		c.count(o, n)
		o, n, since = c.take(o), 0, time.Time{}
	}
}

// resumeWrite is what is to be written first, how much of it left before, and since when it is
// stuck.
func (c *conn) resumeWrite() (o *outbox, n int, since time.Time) {
	c.mu.Lock()
	o, n, since = c.stuck, c.gone, c.since
	c.stuck = nil
	c.mu.Unlock()
	if o == nil {
		return c.take(nil), 0, time.Time{}
	}
	return o, n, since
}

// stick leaves what there is no room for to the loop, which waits for some.
func (c *conn) stick(o *outbox, n int, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck, c.gone, c.since, c.left = o, n, since, true
	c.loop.Leave(c)
}

// unstick returns what has been stuck since then, if it has.
func (c *conn) unstick(then time.Time) (*outbox, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stuck == nil || c.since.After(then) {
		return nil, 0
	}
	o := c.stuck
	c.stuck, c.left = nil, false
	return o, c.gone
}

// lost ends the connection: of o only the first n bytes left.
func (c *conn) lost(o *outbox, n int, reason transport.Reason, err error) {
	c.count(o, n)
	c.stop(reason, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsent = o.refs(c.unsent, n)
	o.release()
	c.writing, c.torn = false, true
	c.loop.Leave(c)
}

// tear has the connection end without what waits.
func (c *conn) tear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.torn = true
}

// looked is what there is to do: whether it is the loop that is to write, with room if that was
// wanting, and whether somebody else wants the connection to end.
func (c *conn) looked(room bool) (write, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	write = c.left && (c.stuck == nil || room)
	c.left = c.left && !write
	return write, c.over || c.stopping.Load()
}

// Attend implements poll.Member.
func (c *conn) Attend(ready poll.Readiness, now time.Time) {
	if c.closed {
		return
	}
	room := ready&poll.Write != 0
	write, over := c.looked(room) // from here on the connection has joined
	if room {
		_ = c.line.flush() // an error is read, too
	}
	if write {
		c.push(now)
	}
	if c.fresh {
		c.fresh = false
		ready |= poll.Read
	}
	switch {
	case over && !c.ending:
		c.end(transport.EndedByShutdown, errStop) // if it is not over for another reason
	case ready&poll.Read == 0:
	case !c.ending:
		c.readOnce(now)
	case !c.lingers.IsZero():
		b := newBuffer(loopBuffer)
		n, err := c.sock.Read(b)
		giveBack(b)
		c.silent = n == 0 && err != nil
	}
	c.settle(now)
}

// Judge implements poll.Member.
func (c *conn) Judge(now time.Time) {
	limits := &c.s.env.Limits
	switch {
	case !c.lingers.IsZero():
		c.silent = now.Sub(c.lingers) >= limits.Arrival
	case c.half != nil && !c.half.begun.IsZero() && now.Sub(c.half.begun) >= limits.Arrival:
		c.end(transport.EndedSlow, errSlow)
	case !c.owing.IsZero() && now.Sub(c.owing) >= limits.Write:
		c.end(transport.EndedStalled, errStalled)
		c.tear()
	}
	if o, n := c.unstick(now.Add(-limits.Write)); o != nil {
		c.lost(o, n, transport.EndedStalled, errStalled)
	}
	c.Look(now)
}

// Look implements poll.Member: it pings the peer, or ends the connection when it is idle.
func (c *conn) Look(now time.Time) {
	if c.closed {
		return
	}
	if !c.ending {
		c.untilPing(now)
		if err := c.ping(now); err != nil {
			c.end(transport.EndedSilent, err)
		} else if c.idle() {
			c.end(transport.EndedIdle, errIdle)
		}
	}
	c.settle(now)
}

// readers read from connections that have nothing half read.
var readers = sync.Pool{New: func() any { return &reader{buf: newBuffer(loopBuffer)} }}

const loopBuffer = keptBuffer // bytes read from a connection at once

// readOnce gives the User what came.
func (c *conn) readOnce(now time.Time) {
	r := c.half
	if r == nil {
		r = readers.Get().(*reader)
		r.c, r.framing = c, c.framing
	}
	var reason transport.Reason
	var err error
	for more := true; more && err == nil; {
		var n int
		if n, more, err = c.line.Read(r.buf[r.w:]); err != nil {
			reason, err = r.failed(err)
		} else if n > 0 {
			r.came(n, now)
			reason, err = r.frames()
		}
	}
	c.putDown(r)
	if err != nil {
		c.end(reason, err)
	}
}

// putDown keeps what has come of a message with its connection, and only that.
func (c *conn) putDown(r *reader) {
	rest := r.buf[r.r:r.w]
	clean := len(rest) == 0 && !r.partial && r.begun.IsZero()
	switch {
	case r == c.half && clean:
		c.drop()
		return
	case r == c.half:
		return
	case !clean:
		h := *r
		most := c.s.env.Limits.Message + firstBuffer
		h.buf = newBuffer(max(firstBuffer, min(2*len(rest), most)))
		h.r, h.w = 0, copy(h.buf, rest)
		c.half = &h
	}
	if len(r.buf) != loopBuffer {
		giveBack(r.buf)
		r.buf = newBuffer(loopBuffer)
	}
	*r = reader{buf: r.buf}
	readers.Put(r)
}

// drop forgets what has come of a message.
func (c *conn) drop() {
	if c.half != nil {
		giveBack(c.half.buf)
		c.half = nil
	}
}

// end has a connection take no more messages, in either direction; what waits may leave.
func (c *conn) end(reason transport.Reason, err error) {
	c.stop(reason, err)
	c.ending = true
	c.drop()
}

// settle closes a connection that is at its end, or says what it waits for.
func (c *conn) settle(now time.Time) {
	c.mu.Lock()
	writing, stuck := c.writing, c.stuck != nil
	if c.severed && stuck {
		writing = false
	}
	hurry := c.torn || c.stopping.Load()
	c.mu.Unlock()
	if c.ending && !writing {
		if c.answered && c.lingers.IsZero() && !hurry && c.line.CloseWrite() == nil {
			c.lingers = now
		}
		if c.lingers.IsZero() || c.silent || hurry {
			c.close()
			return
		}
	}
	var ask poll.Readiness
	if !c.ending || !c.lingers.IsZero() {
		ask |= poll.Read
	}
	owes := c.line.owes()
	if stuck || owes {
		ask |= poll.Write
	}
	switch {
	case !owes || stuck || writing: // who writes has a bound of his own
		c.owing = time.Time{}
	case c.owing.IsZero():
		c.owing = now
	}
	if ask != c.asked && c.loop.Ask(c.sock, c.flow.Conn, ask) == nil {
		c.asked = ask
	}
	pressed := stuck || !c.owing.IsZero() || !c.lingers.IsZero() ||
		c.half != nil && !c.half.begun.IsZero() || c.restless()
	if pressed != c.pressed {
		c.pressed = pressed
		c.loop.Press(c, pressed)
	}
}

// close is the end of a connection.
func (c *conn) close() {
	c.mu.Lock()
	if c.stuck != nil {
		c.count(c.stuck, c.gone)
		c.unsent = c.stuck.refs(c.unsent, c.gone)
		c.stuck.release()
		c.stuck = nil
	}
	c.mu.Unlock()
	c.closed = true
	_ = c.line.Close()
	c.loop.Remove(c.flow.Conn, c)
	c.s.env.Stats.Looped.Add(-1)
	c.ended()
	c.s.work.Done()
}
