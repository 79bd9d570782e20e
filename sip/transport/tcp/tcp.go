package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
	"sipedge/sip/transport/stream"
)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) {
	r, err := Open(&e)
	if err != nil {
		return nil, err
	}
	return stream.New(e, r, stream.Protocol{}), nil
}

// The system takes what is written to a peer that has vanished, and sends it again for a quarter of
// an hour: so long requests would be lost on that connection, though another one could be opened.
// So one that we opened ends when nothing is acknowledged for so many times Limits.Write. Who
// called us may be without a network for a moment, and has the time after which the system gives
// up a connection that is idle.
const (
	patienceDialled  = 6
	patienceAccepted = 30
)

// Open binds e.Listener.Addr and fills in the port: how TCP connections come to be, for what is
// built upon them.
func Open(e *transport.Env) (stream.Road, error) {
	l, write := &e.Listener, e.Limits.Write
	addr := l.Addr
	lc := net.ListenConfig{Control: control(l.DSCP, patienceAccepted*write)}
	lc.SetMultipathTCP(false) // its sockets have no TCP_USER_TIMEOUT
	bound, err := lc.Listen(context.Background(), network(addr.Addr()), addr.String())
	if err != nil {
		return stream.Road{}, err
	}
	port := bound.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Addr = netip.AddrPortFrom(addr.Addr(), port)

	d := net.Dialer{Control: control(l.DSCP, patienceDialled*write)}
	if !addr.Addr().IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr.Addr(), 0))
	}
	dial := func(ctx context.Context, remote netip.AddrPort, _ sip.HostName) (net.Conn, error) {
		return d.DialContext(ctx, network(remote.Addr()), remote.String())
	}
	return stream.Road{Listener: bound, Dial: dial}, nil
}

// control prepares a socket before it is bound or connected. What a listener accepts has its
// options.
func control(
	codePoint uint8, unacknowledged time.Duration,
) func(network, address string, c syscall.RawConn) error {
	mark := dscp.Control(codePoint)
	return func(network, address string, c syscall.RawConn) error {
		if mark != nil {
			if err := mark(network, address, c); err != nil {
				return err
			}
		}
		var failed error
		err := c.Control(func(fd uintptr) { failed = endAfter(fd, unacknowledged) })
		return errors.Join(err, failed)
	}
}

// network keeps the families apart: an IPv6 wildcard takes no IPv4.
func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}
