package ws

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
	"sipedge/sip/transport/tcp"
)

// Listen implements transport.Listen.
func Listen(e transport.Env) (transport.Socket, error) { return listen(e, refuse) }

// errNoServer: RFC 7118 has clients open connections, and nobody else.
var errNoServer = errors.New("a WebSocket is opened by its client")

func refuse(context.Context, netip.AddrPort, sip.HostName) (net.Conn, error) {
	return nil, errNoServer
}

func listen(e transport.Env, dial stream.Dial) (transport.Socket, error) {
	r, err := tcp.Open(&e.Listener)
	if err != nil {
		return nil, err
	}
	r.Dial = dial
	return stream.New(e, r, stream.Protocol{
		Open:    newOpener(e.Listener.WebSocket, e.Stats).open,
		Framing: newFraming,
		Append:  appendMessage,
	}), nil
}
