package tcp

import (
	"context"
	"net"
	"net/netip"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
	"sipedge/sip/transport/stream"
)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) {
	r, err := Open(&e.Listener)
	if err != nil {
		return nil, err
	}
	return stream.New(e, r, stream.Protocol{}), nil
}

// Open binds l.Addr and fills in the port: how TCP connections come to be, for what is built
// upon them.
func Open(l *transport.Listener) (stream.Road, error) {
	addr, mark := l.Addr, dscp.Control(l.DSCP)
	lc := net.ListenConfig{Control: mark}
	bound, err := lc.Listen(context.Background(), network(addr.Addr()), addr.String())
	if err != nil {
		return stream.Road{}, err
	}
	port := bound.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Addr = netip.AddrPortFrom(addr.Addr(), port)

	d := net.Dialer{Control: mark}
	if !addr.Addr().IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr.Addr(), 0))
	}
	dial := func(ctx context.Context, remote netip.AddrPort, _ sip.HostName) (net.Conn, error) {
		return d.DialContext(ctx, network(remote.Addr()), remote.String())
	}
	return stream.Road{Listener: bound, Dial: dial}, nil
}

// network keeps the families apart: an IPv6 wildcard takes no IPv4.
func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}
