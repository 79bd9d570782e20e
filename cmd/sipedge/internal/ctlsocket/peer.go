package ctlsocket

import (
	"fmt"
	"net"
)

// Peer is the process that connected to the socket. As an address it is that of a connection.
type Peer struct{ UID, PID int }

func (Peer) Network() string  { return "unix" }
func (p Peer) String() string { return fmt.Sprintf("uid %d, pid %d", p.UID, p.PID) }

// known is a connection whose address is the peer's.
type known struct {
	net.Conn
	peer Peer
}

func (c known) RemoteAddr() net.Addr { return c.peer }

// Accept waits for a connection; who connected is its address, where the system tells.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	if p, ok := peerOf(c); ok {
		return known{c, p}, nil
	}
	return c, nil
}
