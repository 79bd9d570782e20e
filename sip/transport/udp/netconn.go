package udp

import (
	"net"
	"net/netip"
)

// maxReports bounds how many reports may come between before a datagram leaves.
const maxReports = 64

// netConn is Conn over the standard library, one datagram a call.
type netConn struct {
	c      *net.UDPConn
	lost   chan struct{} // of one: the error queue holds something
	closed chan struct{}
}

func newNetConn(c *net.UDPConn) Conn {
	reportErrors(c)
	return netConn{c, make(chan struct{}, 1), make(chan struct{})}
}

func (n netConn) Batch() int { return 1 }

func (n netConn) ReadBatch(ds []Datagram) (int, error) {
	d := &ds[0]
	size, remote, err := n.c.ReadFromUDPAddrPort(d.Buf)
	if err != nil {
		n.note(err)
		return 0, err
	}
	d.N, d.Remote = size, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	return 1, nil
}

func (n netConn) Write(b []byte, remote netip.AddrPort) error {
	_, err := n.c.WriteToUDPAddrPort(b, remote)
	// What ICMP reports is about another datagram: this one has not been tried.
	for tries := 0; n.note(err) && tries < maxReports; tries++ {
		_, err = n.c.WriteToUDPAddrPort(b, remote)
	}
	return err
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
		drainErrors(n.c, f)
		return true
	case <-n.closed:
		return false
	}
}

func (n netConn) Close() error {
	close(n.closed)
	return n.c.Close()
}
