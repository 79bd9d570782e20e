package ws

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) { return listen(e, refuse) }

// errNoServer: RFC 7118 has clients open connections, and nobody else.
var errNoServer = errors.New("a WebSocket is opened by its client")

func refuse(context.Context, netip.AddrPort) (net.Conn, error) { return nil, errNoServer }

func listen(e transport.Env, dial stream.Dial) (transport.Socket, error) {
	addr := e.Listener.Addr
	network := "tcp6" // the families stay apart, as in package tcp
	if addr.Addr().Is4() {
		network = "tcp4"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), network, addr.String())
	if err != nil {
		return nil, err
	}
	e.Listener.Addr = netip.AddrPortFrom(addr.Addr(), l.Addr().(*net.TCPAddr).AddrPort().Port())
	return stream.New(e, l, dial, stream.Protocol{
		Open:    newOpener(e.Listener.WebSocket, e.Stats).open,
		Framing: newFraming,
		Append:  appendMessage,
	}), nil
}
