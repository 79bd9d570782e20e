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

// Dial connects to remote. The connection is ready for messages when it returns.
type Dial func(ctx context.Context, remote netip.AddrPort) (net.Conn, error)

// Socket is a listener and the connections that bear its identity.
type Socket struct {
	env    transport.Env
	accept net.Listener
	dial   Dial

	protocol Protocol
	user     transport.User     // set by Start
	life     context.Context    // of every attempt to connect
	end      context.CancelFunc // of life
	work     sync.WaitGroup     // the accept loop and every connection

	mu      sync.Mutex
	closing bool
	live    map[*conn]struct{}       // whose goroutine runs
	conns   map[uint64]*conn         // that take messages
	dialled map[netip.AddrPort]*conn // of these, the ones we opened, by where they lead

	accepted map[netip.AddrPort]*conn // and the others, by where they come from
}

// New returns the Socket of an open listener, which bears e.Listener.
func New(e transport.Env, l net.Listener, d Dial, p Protocol) *Socket {
	s := &Socket{
		env: e, accept: proxyheader.Listen(e, l), dial: d, protocol: p.defaults(),
		live:    make(map[*conn]struct{}),
		conns:   make(map[uint64]*conn),
		dialled: make(map[netip.AddrPort]*conn),

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
	s.work.Go(s.acceptAll)
}

const (
	firstPause = 5 * time.Millisecond // after an accept that failed, as for want of descriptors
	lastPause  = time.Second
)

func (s *Socket) acceptAll() {
	pause := firstPause
	for {
		nc, err := s.accept.Accept()
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
	c.has(nc)
	s.mu.Lock()
	closing := s.closing
	if !closing {
		s.live[c] = struct{}{}
		s.conns[c.flow.Conn] = c
		s.accepted[remote] = c
		s.env.Stats.Accepted.Add(1)
		s.work.Go(c.run)
	}
	s.mu.Unlock()
	if closing {
		s.env.Gate.Leave(c.from)
		_ = nc.Close()
	}
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
	for {
		s.mu.Lock()
		c := s.conns[t.Conn]
		if c == nil && (t.Conn == 0 || !t.NoDial) {
			c = s.dialled[remote]
		}
		if c == nil && t.Conn == 0 && t.Accepted {
			c = s.accepted[remote]
		}
		if c == nil {
			defer s.mu.Unlock()
			if s.closing || t.NoDial {
				return transport.ErrClosed
			}
			return s.connect(remote, b, ref)
		}
		s.mu.Unlock()
		if err := c.send(b, ref); err != errOver {
			return err
		}
		// It ended since we looked, and is out of the tables.
	}
}

// connect begins to dial, with b waiting. It is called with mu held.
func (s *Socket) connect(remote netip.AddrPort, b []byte, ref uint64) error {
	if !s.env.Gate.Dial() {
		s.env.Stats.Refused.Add(1)
		return transport.ErrLimit
	}
	c := s.newConn(remote)
	c.out = outboxes.Get().(*outbox)
	c.out.add(s.protocol.Append(c.out.data, b), ref, false)
	c.waiting = len(c.out.data)
	s.live[c] = struct{}{}
	s.conns[c.flow.Conn] = c
	s.dialled[remote] = c
	s.work.Go(c.connect)
	return nil
}

// forget takes c out of the tables: nobody finds it any more.
func (s *Socket) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.flow.Conn)
	if s.dialled[c.flow.Remote] == c {
		delete(s.dialled, c.flow.Remote)
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
	err := s.accept.Close()
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
