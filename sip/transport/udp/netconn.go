package udp

import (
	"net"
	"net/netip"
)

// netConn is Conn over the standard library, one datagram a call.
type netConn struct{ c *net.UDPConn }

func (n netConn) Batch() int { return 1 }

func (n netConn) ReadBatch(ds []Datagram) (int, error) {
	d := &ds[0]
	size, remote, err := n.c.ReadFromUDPAddrPort(d.Buf)
	if err != nil {
		return 0, err
	}
	d.N, d.Remote = size, netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	return 1, nil
}

func (n netConn) Write(b []byte, remote netip.AddrPort) error {
	_, err := n.c.WriteToUDPAddrPort(b, remote)
	return err
}

func (n netConn) Close() error { return n.c.Close() }
