package udp

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"sipedge/sip/transport"
)

// One datagram:
//
//  1. The reader of a socket gets a batch, ReadBatch.
//  2. It carries each message to its end, User.Receive; what is sent meanwhile is held.
//  3. What was held leaves together, outbox.release.

const (
	maxDatagram  = 65535   // bytes; what a datagram can carry at most, with its header
	socketBuffer = 4 << 20 // bytes asked of the system, each way: a burst of some thousand messages
	errorPause   = 10 * time.Millisecond
	odd          = 0x9E3779B1 // mixes addresses
)

// headers are the bytes of IP and UDP that count against maxDatagram.
func headers(to netip.Addr) int {
	if to.Is4() {
		return 28
	}
	return 8
}

// Socket is one listener: one Conn or, where the system spreads datagrams over
// several sockets of one address, one for each worker.
type Socket struct {
	env     transport.Env
	outs    []*outbox
	readers sync.WaitGroup
}

// Listen implements transport.Listen by the fastest way this system has.
func Listen(e transport.Env) (transport.Socket, error) { return listen(e, openBest) }

// ListenPortable implements transport.Listen by package net alone.
func ListenPortable(e transport.Env) (transport.Socket, error) { return listen(e, openNet) }

// opener binds one Conn of a listener.
type opener func(l transport.Listener, s sharing) (Conn, netip.AddrPort, error)

// sharing is what a Conn shares its address with.
type sharing uint8

const (
	unshared sharing = iota
	first            // with those that join it; it fails where somebody has the address
	joining
)

func listen(e transport.Env, open opener) (transport.Socket, error) {
	conns, addr, err := bind(e.Listener, e.Workers, open)
	if err != nil {
		return nil, err
	}
	e.Listener.Addr = addr
	s := &Socket{env: e}
	for _, c := range conns {
		s.outs = append(s.outs, newOutbox(&s.env, c))
	}
	return s, nil
}

// bind opens one socket for each worker; the kernel spreads what arrives by source and
// destination. The first is bound before it lets others in: sockets that share an address would
// silently share it with another process, too.
func bind(l transport.Listener, workers int, open opener) ([]Conn, netip.AddrPort, error) {
	how := first
	if workers <= 1 || !spreads {
		how, workers = unshared, 1
	}
	c, addr, err := open(l, how)
	if err != nil {
		return nil, addr, err
	}
	l.Addr = addr
	conns := []Conn{c}
	for range workers - 1 {
		c, _, err := open(l, joining)
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			return nil, addr, err
		}
		conns = append(conns, c)
	}
	return conns, addr, nil
}

// network keeps the families apart: an IPv6 wildcard takes no IPv4.
func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

// Listener implements transport.Socket.
func (s *Socket) Listener() transport.Listener { return s.env.Listener }

// Start implements transport.Socket.
func (s *Socket) Start(u transport.User) {
	for _, o := range s.outs {
		s.readers.Go(func() { s.read(o, u) })
		s.readers.Go(func() { s.watch(o.conn, u) })
		s.readers.Go(func() { o.tell(u) })
	}
}

func (s *Socket) read(o *outbox, u transport.User) {
	f := transport.Flow{
		Transport: s.env.Listener.Transport,
		Listener:  s.env.Index,
		Local:     s.env.Listener.Addr,
	}
	ds := make([]Datagram, batch)
	for i := range ds {
		ds[i].Buf = make([]byte, maxDatagram)
	}
	for {
		n, err := o.conn.ReadBatch(ds)
		if n > 0 {
			o.hold()
			if f.Backlog = 0; n == len(ds) { // there is more
				f.Backlog = o.conn.Backlog()
			}
			for i := range ds[:n] {
				f.Remote = ds[i].Remote
				if to := ds[i].Local; to.IsValid() {
					f.Local = netip.AddrPortFrom(to, f.Local.Port())
				}
				s.receive(u, f, ds[i].Buf[:ds[i].N])
			}
			o.release()
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

// Send implements transport.Socket. What goes to one remote goes one way, and so keeps its order.
func (s *Socket) Send(t transport.Target, b []byte, ref uint64) error {
	if len(b) > maxDatagram-headers(t.Remote.Addr()) {
		s.env.Stats.SendErrors.Add(1)
		return transport.ErrTooLarge
	}
	return s.outs[s.way(t.Remote)].send(&t, b, ref)
}

// way spreads the remotes over the outboxes.
func (s *Socket) way(to netip.AddrPort) int {
	if len(s.outs) == 1 {
		return 0
	}
	a := to.Addr().As16()
	sum := uint32(to.Port())
	for i := 0; i < len(a); i += 4 {
		sum = sum*odd + binary.BigEndian.Uint32(a[i:])
	}
	return int(uint64(sum*odd) * uint64(len(s.outs)) >> 32)
}

// Close implements transport.Socket. What is held leaves with its batch; it waits for the
// readers only.
func (s *Socket) Close(context.Context) error {
	var all error
	for _, o := range s.outs {
		all = errors.Join(all, o.stop())
	}
	s.readers.Wait()
	for _, o := range s.outs {
		all = errors.Join(all, o.close())
	}
	return all
}
