package stream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/proxyheader"
)

// Road is how connections come to be.
type Road struct {
	Listener net.Listener
	Dial     Dial
	Greet    Greet // nil: what is accepted needs no handshake
}

// Dial connects to remote, where name is to be. The connection is ready for messages when it
// returns. An error of the handshake is a *transport.HandshakeError.
type Dial func(ctx context.Context, remote netip.AddrPort, name sip.HostName) (net.Conn, error)

// Greet makes an accepted connection safe, on the goroutine of that connection; then
// Protocol.Open has it.
// It closes nc when it fails, with a *transport.HandshakeError, or when the handshake was all that
// the client wanted, with another error.
type Greet func(ctx context.Context, nc net.Conn) (net.Conn, error)

// known is what a connection may be that knows who is at the other end.
type known interface{ Peer() *transport.Peer }

// revocable is what a connection may be that others end, while it is open: it calls end with why.
type revocable interface {
	Revocable(end func(transport.Reason, error))
}

// Socket is a listener and the connections that bear its identity.
type Socket struct {
	env      transport.Env
	road     Road
	protocol Protocol
	user     transport.User     // set by Start
	started  chan struct{}      // closed by Start
	life     context.Context    // of every attempt to connect
	end      context.CancelFunc // of life
	work     sync.WaitGroup     // all goroutines, and the connections that loops have

	mu      sync.Mutex
	closing bool
	live    map[*conn]struct{} // that are not over
	conns   map[uint64]*conn   // that take messages
	leading map[place]*conn    // of these, by where they lead: ones we opened, and aliases

	accepted map[netip.AddrPort]*conn // and those we did not, by where they come from
}

// place is where a connection leads: the same address may prove to be one name and not another.
type place struct {
	remote netip.AddrPort
	name   sip.HostName
}

// New returns the Socket of an open listener, which bears e.Listener.
func New(e transport.Env, r Road, p Protocol) *Socket {
	r.Listener = proxyheader.Listen(e, r.Listener)
	s := &Socket{
		env: e, road: r, protocol: p.defaults(), started: make(chan struct{}),
		live:    make(map[*conn]struct{}),
		conns:   make(map[uint64]*conn),
		leading: make(map[place]*conn),

		accepted: make(map[netip.AddrPort]*conn),
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Listener implements transport.Socket.
func (s *Socket) Listener() transport.Listener { return s.env.Listener }

// Start implements transport.Socket.
func (s *Socket) Start(u transport.User) {
	s.user = u
	close(s.started)
	s.work.Go(s.acceptAll)
}

const (
	firstPause = 5 * time.Millisecond // after an accept that failed, as for want of descriptors
	lastPause  = time.Second
)

func (s *Socket) acceptAll() {
	pause := firstPause
	for {
		nc, err := s.road.Listener.Accept()
		switch {
		case err == nil:
			pause = firstPause
			s.admit(nc)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.env.Stats.AcceptErrors.Add(1)
			select {
			case <-time.After(pause):
			case <-s.life.Done():
				return
			}
			pause = min(2*pause, lastPause)
		}
	}
}

// admit gives a new connection its goroutine, or turns it away.
func (s *Socket) admit(nc net.Conn) {
	remote := addrPort(nc.RemoteAddr())
	if !s.env.Gate.Accept(remote.Addr()) {
		s.env.Stats.Refused.Add(1)
		_ = nc.Close()
		return
	}
	c := s.newConn(remote)
	c.from = remote.Addr()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		c.leave()
		_ = nc.Close()
		return
	}
	s.live[c] = struct{}{}
	s.env.Stats.Accepted.Add(1)
	if s.road.Greet != nil {
		s.work.Go(func() { c.greet(nc) })
		return
	}
	c.has(nc)
	s.list(c)
	s.work.Go(c.run)
}

// list has an accepted connection found. It is called with mu held.
func (s *Socket) list(c *conn) {
	s.conns[c.flow.Conn] = c
	s.accepted[c.flow.Remote] = c
}

func (s *Socket) newConn(remote netip.AddrPort) *conn {
	return &conn{s: s, flow: transport.Flow{
		Transport: s.env.Listener.Transport,
		Listener:  s.env.Index,
		Conn:      s.env.NextConn(),
		Local:     s.env.Listener.Addr,
		Remote:    remote,
	}}
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.AddrPort{}
	}
	p := t.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// Send implements transport.Socket.
func (s *Socket) Send(t transport.Target, b []byte, ref uint64) error {
	if len(b) > sip.MaxMessage {
		return transport.ErrTooLarge
	}
	remote := netip.AddrPortFrom(t.Remote.Addr().Unmap(), t.Remote.Port())
	to := place{remote, t.Name}
	for {
		s.mu.Lock()
		c := s.conns[t.Conn]
		if c == nil && (t.Conn == 0 || !t.NoDial) {
			c = s.leading[to]
		}
		if c == nil && t.Conn == 0 && t.Accepted && t.Name == (sip.HostName{}) {
			c = s.accepted[remote]
		}
		if c == nil {
			defer s.mu.Unlock()
			if s.closing || t.NoDial {
				return transport.ErrClosed
			}
			return s.connect(to, b, ref)
		}
		s.mu.Unlock()
		if err := c.send(b, ref); err != errOver {
			return err
		}
		// It ended since we looked, and is out of the tables.
	}
}

// connect begins to dial, with b waiting. It is called with mu held.
func (s *Socket) connect(to place, b []byte, ref uint64) error {
	if !s.env.Gate.Dial(to.remote.Addr()) {
		s.env.Stats.Refused.Add(1)
		return transport.ErrLimit
	}
	c := s.newConn(to.remote)
	c.name, c.leads = to.name, []place{to}
	c.out = outboxes.Get().(*outbox)
	c.out.add(s.protocol.Append(c.out.data, b), ref, false)
	c.waiting = len(c.out.data)
	s.live[c] = struct{}{}
	s.conns[c.flow.Conn] = c
	s.leading[to] = c
	s.work.Go(c.connect)
	return nil
}

// forget takes c out of the tables: nobody finds it any more.
func (s *Socket) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.flow.Conn)
	for _, to := range c.leads {
		if s.leading[to] == c {
			delete(s.leading, to)
		}
	}
	if s.accepted[c.flow.Remote] == c {
		delete(s.accepted, c.flow.Remote)
	}
}

// gone says that nothing of c runs any more.
func (s *Socket) gone(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, c)
}

// Close implements transport.Socket.
func (s *Socket) Close(ctx context.Context) error {
	err := s.road.Listener.Close()
	s.end()
	for _, c := range s.close() {
		c.interrupt()
	}
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		for _, c := range s.close() {
			c.cut()
		}
		<-done
	}
	if errors.Is(err, net.ErrClosed) {
		return nil // closed before
	}
	return err
}

// close lets no new connection in and returns those that are still there.
func (s *Socket) close() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	all := make([]*conn, 0, len(s.live))
	for c := range s.live {
		all = append(all, c)
	}
	return all
}
