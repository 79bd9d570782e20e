package tcp

import (
	"context"
	"net"
	"net/netip"

	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
	"sipedge/sip/transport/stream"
)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) {
	addr := e.Listener.Addr
	mark := dscp.Control(e.Listener.DSCP)
	lc := net.ListenConfig{Control: mark}
	l, err := lc.Listen(context.Background(), network(addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	e.Listener.Addr = netip.AddrPortFrom(addr.Addr(), port)

	d := net.Dialer{Control: mark}
	if !addr.Addr().IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr.Addr(), 0))
	}
	dial := func(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
		return d.DialContext(ctx, network(remote.Addr()), remote.String())
	}
	return stream.New(e, l, dial, stream.Protocol{}), nil
}

// network keeps the families apart: an IPv6 wildcard takes no IPv4.
func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}
