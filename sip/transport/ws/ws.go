package ws

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/gobwas/ws"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/tls"
)

// Listen implements transport.Listen for WS.
func Listen(e transport.Env) (transport.Socket, error) { return listen(e, refuse) }

// ListenSecure implements transport.Listen for WSS: the listener has Credentials. A connection
// has its handshakes one after the other, each in its own time: TLS in Limits.Handshake, then
// the WebSocket in Limits.Arrival.
func ListenSecure(e transport.Env) (transport.Socket, error) { return listenSecure(e, refuse) }

// errNoServer: RFC 7118 has clients open connections, and nobody else.
var errNoServer = errors.New("a WebSocket is opened by its client")

func refuse(context.Context, netip.AddrPort, sip.HostName) (net.Conn, error) {
	return nil, errNoServer
}

func listen(e transport.Env, dial stream.Dial) (transport.Socket, error) {
	r, err := tcp.Open(&e)
	if err != nil {
		return nil, err
	}
	r.Dial = dial
	return serve(e, r), nil
}

func listenSecure(e transport.Env, dial stream.Dial) (transport.Socket, error) {
	r, err := tls.Open(&e)
	if err != nil {
		return nil, err
	}
	r.Dial = dial
	return serve(e, r), nil
}

// pings are those of a listener, RFC 6455 §5.5.2.
func pings(c *transport.WebSocket) stream.Pings {
	if c == nil {
		return stream.Pings{}
	}
	return stream.Pings{
		Frame: appendFrame(nil, ws.OpPing, nil), Every: c.Ping, Lost: c.Lost,
	}
}

// serve is the Socket of WebSockets on a road.
func serve(e transport.Env, r stream.Road) transport.Socket {
	return stream.New(e, r, stream.Protocol{
		Open:    newOpener(e.Listener.WebSocket, e.Stats).open,
		Framing: newFraming,
		Append:  appendMessage,
		Pings:   pings(e.Listener.WebSocket),
	})
}
