package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
)

// maxReports bounds how many reports may come between before a datagram leaves.
const maxReports = 64

// netConn is Conn over the standard library, one datagram a call.
type netConn struct {
	c      *net.UDPConn
	lost   chan struct{} // of one: the error queue holds something
	closed chan struct{}
}

// openNet is an opener.
func openNet(l transport.Listener, s sharing) (Conn, netip.AddrPort, error) {
	addr, lc := l.Addr, net.ListenConfig{}
	if s == joining {
		lc.Control = func(_, _ string, raw syscall.RawConn) error { return share(raw) }
	}
	p, err := lc.ListenPacket(context.Background(), network(addr.Addr()), addr.String())
	if err != nil {
		return nil, addr, err
	}
	c := p.(*net.UDPConn)
	if s == first {
		raw, err := c.SyscallConn()
		if err == nil {
			err = share(raw)
		}
		if err != nil {
			_ = c.Close()
			return nil, addr, err
		}
	}
	// The system may give less; that is its administrator's choice.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	var unmarked error
	withFD(c, func(fd int) {
		reportErrors(fd, addr.Addr().Is6())
		unmarked = dscp.Set(uintptr(fd), addr.Addr().Is6(), l.DSCP)
	})
	if unmarked != nil {
		_ = c.Close()
		return nil, addr, unmarked
	}
	addr = netip.AddrPortFrom(addr.Addr(), c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	return netConn{c, make(chan struct{}, 1), make(chan struct{})}, addr, nil
}

// withFD hands f the descriptor.
func withFD(c *net.UDPConn, f func(fd int)) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

func (n netConn) ReadBatch(ds []Datagram) (int, error) {
	d := &ds[0]
	size, remote, err := n.c.ReadFromUDPAddrPort(d.Buf)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // Stop sets it
		return 0, net.ErrClosed
	case err != nil:
		n.note(err)
		return 0, err
	}
	d.N, d.Remote = size, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	return 1, nil
}

// Backlog implements Conn: package net does not tell.
func (n netConn) Backlog() uint8 { return 0 }

func (n netConn) WriteBatch(ds []Datagram) (int, error) {
	for i := range ds {
		d := &ds[i]
		_, err := n.c.WriteToUDPAddrPort(d.Buf[:d.N], d.Remote)
		// What ICMP reports is about another datagram: this one has not been tried.
		for tries := 0; n.note(err) && tries < maxReports; tries++ {
			_, err = n.c.WriteToUDPAddrPort(d.Buf[:d.N], d.Remote)
		}
		if err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

// note wakes Undelivered when the error of a call is ICMP's.
func (n netConn) note(err error) bool {
	if err == nil || !isReport(err) {
		return false
	}
	select {
	case n.lost <- struct{}{}:
	default:
	}
	return true
}

// Undelivered implements Conn.
func (n netConn) Undelivered(f func(b []byte, err error)) bool {
	select {
	case <-n.lost:
		withFD(n.c, func(fd int) { drainErrors(fd, f) })
		return true
	case <-n.closed:
		return false
	}
}

// Stop implements Conn.
func (n netConn) Stop() error {
	close(n.closed)
	return n.c.SetReadDeadline(time.Unix(1, 0))
}

// Close implements Conn.
func (n netConn) Close() error { return n.c.Close() }
