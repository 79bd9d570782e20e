package sctp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
)

// ErrNoSCTP is of a system that cannot.
var ErrNoSCTP = fmt.Errorf(
	"this kernel has no SCTP (%w); load module sctp", syscall.EPROTONOSUPPORT)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) {
	addr, mark := e.Listener.Addr, e.Listener.DSCP
	l, err := listen(addr, mark)
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	e.Listener.Addr = netip.AddrPortFrom(addr.Addr(), port)
	d := func(ctx context.Context, remote netip.AddrPort, _ sip.HostName) (net.Conn, error) {
		return dial(ctx, addr.Addr(), mark, remote)
	}
	return stream.New(e, stream.Road{Listener: l, Dial: d}, stream.Protocol{}), nil
}
