package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/keep"
)

// conn is one connection, from the first attempt to open it to Closed. A goroutine of its own reads
// it, or a loop.
type conn struct {
	s        *Socket
	flow     transport.Flow // Local and Peer are set before anybody else sees it
	from     netip.Addr     // where it was accepted from; zero: we opened it
	name     sip.HostName   // whom it was opened to
	stopping atomic.Bool    // Close wants the goroutine to end
	wrote    moment         // when bytes left last
	writer   sync.WaitGroup // the goroutine that writes, while there is one
	due      moment         // when the next ping is; none: there is none, or not yet
	pinging  pinging        // of who reads
	answered bool           // the User has answered what ended the reading
	aliased  bool           // requests to the peer may leave by it, though he opened it
	leads    []place        // where it is found; of the Socket's mu
	framing  Framing        // of the reader, nil until it begins
	active   moment         // when bytes came last

	mu      sync.Mutex
	nc      net.Conn // nil: dialling
	open    bool     // messages can leave
	over    bool     // nothing is taken any more
	reason  transport.Reason
	cause   error
	out     *outbox  // what waits; nil: nothing
	waiting int      // bytes in out and in the writer's hands
	writing bool     // somebody does, or is to
	unsent  []uint64 // refs of what could not be sent

	joined
}

// errOver: the connection ended since it was found.
var errOver = errors.New("over")

// connect is the goroutine of a connection we open.
func (c *conn) connect() {
	<-c.s.started
	st := c.s.env.Stats
	ctx, cancel := context.WithTimeout(c.s.life, c.s.env.Limits.Dial)
	nc, err := c.s.road.Dial(ctx, c.flow.Remote, c.name)
	cancel()
	c.s.env.Gate.Dialled()
	if err != nil {
		st.DialErrors.Add(1)
		c.failed(err)
		c.stop(transport.EndedByError, err)
		c.report(fmt.Errorf("connect: %w", err))
		c.leave()
		c.s.gone(c)
		return
	}
	st.Dialled.Add(1)
	keep.GiveWay()
	c.has(nc)
	c.run()
}

// leave gives the place of the connection back.
func (c *conn) leave() {
	if c.from.IsValid() {
		c.s.env.Gate.Leave(c.from)
	} else {
		c.s.env.Gate.Hung(c.flow.Remote.Addr())
	}
}

// greet is the goroutine of an accepted connection that begins with a handshake.
func (c *conn) greet(nc net.Conn) {
	if c.s.env.Greeting.Accept(c.from) {
		ctx, cancel := context.WithTimeout(c.s.life, c.s.env.Limits.Handshake)
		safe, err := c.s.road.Greet(ctx, nc)
		cancel()
		c.s.env.Greeting.Leave(c.from)
		if err == nil {
			c.has(safe)
			c.s.mu.Lock()
			c.s.list(c)
			c.s.mu.Unlock()
			c.run()
			return
		}
		c.failed(err)
	} else {
		c.s.env.Stats.Refused.Add(1)
		_ = nc.Close()
	}
	c.leave()
	c.s.gone(c)
}

// failed counts a handshake that did.
func (c *conn) failed(err error) {
	if h, ok := errors.AsType[*transport.HandshakeError](err); ok {
		c.s.env.Stats.Unsuccessful[h.Fault].Add(1)
	}
}

// has gives the connection what it reads and writes.
func (c *conn) has(nc net.Conn) {
	if a := addrPort(nc.LocalAddr()); a.IsValid() {
		c.flow.Local = a
	}
	if k, ok := nc.(known); ok {
		c.flow.Peer = k.Peer()
	}
	c.mu.Lock()
	c.nc = nc
	c.mu.Unlock()
	if r, ok := nc.(revocable); ok {
		r.Revocable(c.revoke)
	}
}

// revoke makes run go on to its third step, for a reason of others. It does not wait.
func (c *conn) revoke(why transport.Reason, cause error) {
	c.stop(why, cause)
	c.interrupt()
}

// ready says that messages can leave. The connection may be a loop's from here on.
func (c *conn) ready() {
	c.wrote.set(time.Now())
	c.mu.Lock()
	c.join()
	c.open = true
	mine := c.startWriter()
	c.mu.Unlock()
	if mine {
		c.push(time.Now())
		keep.GiveWay()
	}
}

// run is the life of a connection that has been made:
//
//  1. one that was accepted is opened, as its protocol asks for;
//  2. read until there is nothing more to read, or a limit is reached: by a loop, which does all
//     that follows, or here;
//  3. take no more messages, let those that wait leave;
//  4. close, and tell the User what did not leave and that it is over.
func (c *conn) run() {
	c.s.env.Stats.Open.Add(1)
	if reason, err := c.begin(); err != nil {
		c.finish(reason, err)
		return
	}
	if c.loop == nil {
		c.finish(c.read())
	}
}

// finish is the end of run.
func (c *conn) finish(reason transport.Reason, err error) {
	c.stop(reason, err)
	c.writer.Wait()
	if c.answered {
		c.linger()
	}
	_ = c.nc.Close()
	c.ended()
}

// ended tells everybody that the connection is closed.
func (c *conn) ended() {
	st := c.s.env.Stats
	c.report(fmt.Errorf("%w: %w", transport.ErrClosed, c.cause))
	c.leave()
	st.Open.Add(-1)
	st.Ended[c.reason].Add(1)
	c.s.user.Closed(c.flow)
	c.s.gone(c)
}

// begin opens the connection, or says why it is over.
func (c *conn) begin() (transport.Reason, error) {
	if !c.from.IsValid() { // Dial has
		c.ready()
		return 0, nil
	}
	_ = c.nc.SetDeadline(time.Now().Add(c.s.env.Limits.Arrival))
	err := errStop
	if !c.stopping.Load() {
		err = c.s.protocol.Open(c.nc)
	}
	switch {
	case c.stopping.Load():
		return transport.EndedByShutdown, errStop
	case err == nil:
		c.ready()
		return 0, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return transport.EndedSlow, err
	}
	c.answered = true
	return transport.EndedUnopened, err
}

// stop ends the taking of messages. The first reason counts.
func (c *conn) stop(r transport.Reason, cause error) {
	c.s.forget(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.over, c.reason, c.cause = true, r, cause
	}
}

// report tells the User of everything that did not leave. Nobody else touches c by then.
func (c *conn) report(err error) {
	lost := c.unsent
	if c.out != nil {
		lost = c.out.refs(lost, 0)
		c.out.release()
		c.out = nil
	}
	c.s.env.Stats.Unsent.Add(uint64(len(lost)))
	for _, ref := range lost {
		if ref != 0 {
			c.s.user.Failed(c.flow, ref, err)
		}
	}
}

// linger lets the peer read our last answer: closing with unread bytes here would
// reset the connection, and a reset may overtake the answer.
func (c *conn) linger() {
	w, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || w.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.s.env.Limits.Arrival))
	if !c.stopping.Load() {
		_, _ = io.Copy(io.Discard, c.nc)
	}
}

// interrupt makes run go on to its third step.
func (c *conn) interrupt() {
	c.stopping.Store(true)
	c.mu.Lock()
	switch {
	case c.loop != nil:
		c.loop.Leave(c)
	case c.nc != nil:
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
	c.mu.Unlock()
}

// cut makes run go on to its fourth step.
func (c *conn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.loop != nil:
		c.severed = true
		c.loop.Leave(c)
	case c.nc != nil:
		_ = c.nc.Close()
	}
}
