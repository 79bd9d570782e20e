package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"sipedge/sip/transport"
)

const (
	maxDatagram  = 65535   // bytes; what a datagram can carry at most
	socketBuffer = 4 << 20 // bytes asked of the system, each way: a burst of some thousand messages
	errorPause   = 10 * time.Millisecond
)

// Socket is one listener: one Conn or, where the system spreads datagrams over
// several sockets of one address, one for each worker.
type Socket struct {
	env     transport.Env
	conns   []Conn
	readers sync.WaitGroup
}

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) {
	conns, addr, err := bind(e.Listener.Addr, e.Workers)
	if err != nil {
		return nil, err
	}
	e.Listener.Addr = addr
	return &Socket{env: e, conns: conns}, nil
}

// network keeps the families apart: an IPv6 wildcard takes no IPv4.
func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

func open(lc *net.ListenConfig, addr netip.AddrPort) (*net.UDPConn, error) {
	p, err := lc.ListenPacket(context.Background(), network(addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	c := p.(*net.UDPConn)
	// The system may give less; that is its administrator's choice.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	return c, nil
}

// bound is addr with the port that c got.
func bound(c *net.UDPConn, addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr(), c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

// Listener implements transport.Socket.
func (s *Socket) Listener() transport.Listener { return s.env.Listener }

// Start implements transport.Socket.
func (s *Socket) Start(u transport.User) {
	for _, c := range s.conns {
		s.readers.Go(func() { s.read(c, u) })
		s.readers.Go(func() { s.watch(c, u) })
	}
}

func (s *Socket) read(c Conn, u transport.User) {
	f := transport.Flow{
		Transport: s.env.Listener.Transport,
		Listener:  s.env.Index,
		Local:     s.env.Listener.Addr,
	}
	ds := make([]Datagram, c.Batch())
	for i := range ds {
		ds[i].Buf = make([]byte, maxDatagram)
	}
	for {
		n, err := c.ReadBatch(ds)
		for i := range ds[:n] {
			f.Remote = ds[i].Remote
			s.receive(u, f, ds[i].Buf[:ds[i].N])
		}
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// What ICMP reports of something sent, or want of memory: neither ends the listener.
			s.env.Stats.ReadErrors.Add(1)
			if !isReport(err) {
				time.Sleep(errorPause)
			}
		}
	}
}

// watch tells the user of datagrams that could not be delivered.
func (s *Socket) watch(c Conn, u transport.User) {
	f := transport.Flow{
		Transport: s.env.Listener.Transport, Listener: s.env.Index, Local: s.env.Listener.Addr,
	}
	told, _ := u.(transport.Undelivered)
	for c.Undelivered(func(b []byte, err error) {
		s.env.Stats.Undelivered.Add(1)
		if told != nil {
			told.Undelivered(f, b, err)
		}
	}) {
	}
}

func (s *Socket) receive(u transport.User, f transport.Flow, b []byte) {
	st := s.env.Stats
	switch {
	case blank(b):
		st.KeepAlives.Add(1)
	case len(b) > s.env.Limits.Message:
		st.Oversized.Add(1)
	default:
		st.MessagesIn.Add(1)
		st.BytesIn.Add(uint64(len(b)))
		u.Receive(f, b)
	}
}

// blank reports whether b only keeps a NAT binding: CRLF, or the zero bytes that some phones send.
func blank(b []byte) bool {
	for _, c := range b {
		if c != '\r' && c != '\n' && c != 0 && c != ' ' {
			return false
		}
	}
	return true
}

// Send implements transport.Socket. The datagram has been given to the system when it returns.
func (s *Socket) Send(t transport.Target, b []byte, _ uint64) error {
	// Any of the sockets will do; the port spreads the senders over their locks.
	c := s.conns[int(t.Remote.Port())%len(s.conns)]
	remote := netip.AddrPortFrom(t.Remote.Addr().Unmap(), t.Remote.Port())
	err := c.Write(b, remote)
	if err == nil {
		s.env.Stats.MessagesOut.Add(1)
		s.env.Stats.BytesOut.Add(uint64(len(b)))
		return nil
	}
	s.env.Stats.SendErrors.Add(1)
	switch {
	case errors.Is(err, syscall.EMSGSIZE):
		return transport.ErrTooLarge
	case errors.Is(err, net.ErrClosed):
		return transport.ErrClosed
	}
	return err
}

// Close implements transport.Socket. Nothing is queued; it waits for the readers only.
func (s *Socket) Close(context.Context) error {
	var all error
	for _, c := range s.conns {
		all = errors.Join(all, c.Close())
	}
	s.readers.Wait()
	return all
}
