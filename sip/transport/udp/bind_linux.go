package udp

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// bind opens one socket for each worker; the kernel spreads what arrives by source and destination.
func bind(addr netip.AddrPort, workers int) ([]Conn, netip.AddrPort, error) {
	// Alone first: sockets that share an address would silently share it with another process too.
	c, err := open(&net.ListenConfig{}, addr)
	if err != nil {
		return nil, addr, err
	}
	addr = bound(c, addr)
	if workers <= 1 {
		return []Conn{newNetConn(c)}, addr, nil
	}
	if err := c.Close(); err != nil {
		return nil, addr, err
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	var conns []Conn
	for range workers {
		c, err := open(&lc, addr)
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			return nil, addr, err
		}
		conns = append(conns, newNetConn(c))
	}
	return conns, addr, nil
}
