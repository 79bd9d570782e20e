package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
	"sipedge/sip/transport/tcp"
)

var (
	errNoCredentials = errors.New("no certificate")
	errProved        = errors.New("it asked whose a name is, and was told")
)

// Listen implements transport.Listen. The listener has Credentials.
func Listen(e transport.Env) (transport.Socket, error) {
	r, err := Open(&e)
	if err != nil {
		return nil, err
	}
	return stream.New(e, r, stream.Protocol{}), nil
}

// Open binds e.Listener, which has Credentials, and fills in the port: how TLS connections come to
// be, for what is built upon them.
func Open(e *transport.Env) (stream.Road, error) {
	if e.Listener.Credentials == nil {
		return stream.Road{}, errNoCredentials
	}
	r, err := tcp.Open(e)
	if err != nil {
		return stream.Road{}, err
	}
	return secure(*e, r), nil
}

// secure is the road r with TLS on it.
func secure(e transport.Env, r stream.Road) stream.Road {
	credentials, st := e.Listener.Credentials, e.Stats
	server := credentials.Server()
	return stream.Road{
		Listener: r.Listener,
		Greet: func(ctx context.Context, nc net.Conn) (net.Conn, error) {
			w := newWire(nc, credentials)
			return shake(ctx, w, tls.Server(w, server), credentials, st)
		},
		Dial: func(
			ctx context.Context, remote netip.AddrPort, name sip.HostName,
		) (net.Conn, error) {
			nc, err := r.Dial(ctx, remote, name)
			if err != nil {
				return nil, err
			}
			w := newWire(nc, credentials)
			client := credentials.Client(name, remote.Addr())
			return shake(ctx, w, tls.Client(w, client), credentials, st)
		},
	}
}

// shake is the handshake of a connection over w. One that asked whose a name is ends there.
func shake(
	ctx context.Context, w *wire, c *tls.Conn, ours transport.Credentials, st *transport.Stats,
) (net.Conn, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		_ = w.Close()
		return nil, faultOf(ctx, err)
	}
	w.shaking = false
	st.Handshakes.Add(1)
	state := c.ConnectionState()
	if state.NegotiatedProtocol == proof {
		st.Proved.Add(1)
		_ = (&secured{Conn: c, wire: w}).Close()
		return nil, errProved
	}
	if state.DidResume {
		st.Resumed.Add(1)
	}
	s := &secured{Conn: c, wire: w, ours: ours}
	if len(state.PeerCertificates) > 0 {
		s.peer = peerOf(state.PeerCertificates[0])
	}
	return s, nil
}

// faultOf says what an error of a handshake means.
func faultOf(ctx context.Context, err error) error {
	if h, ok := errors.AsType[*transport.HandshakeError](err); ok {
		return h
	}
	fault := transport.FaultProtocol
	var op *net.OpError
	switch {
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		fault = transport.FaultTime
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &op) && op.Op == "remote error":
		fault = transport.FaultPeer
	}
	return &transport.HandshakeError{Fault: fault, Err: err}
}

// secured is a connection after its handshake.
type secured struct {
	*tls.Conn
	wire *wire
	peer *transport.Peer
	ours transport.Credentials
}

// Peer is who is at the other end; nil: nobody proved to be anyone.
func (s *secured) Peer() *transport.Peer { return s.peer }

// Is reports whether the peer would do for name, or without one for address, had we called him:
// whom we trust in those who call may be others.
func (s *secured) Is(name sip.HostName, address netip.Addr) bool {
	return s.ours.Client(name, address).VerifyConnection(s.ConnectionState()) == nil
}

// Below implements stream.Upon.
func (s *secured) Below() net.Conn { return s.wire.Conn }

// Move implements stream.Upon: crypto/tls goes on reading where a deadline had it leave off.
func (s *secured) Move(to net.Conn) { s.wire.Conn = to }

// Close says goodbye if there is room for it, and does not wait.
func (s *secured) Close() error {
	if c, ok := s.ours.(*credentials); ok {
		c.store.peers.forget(s)
	}
	s.wire.ending.Store(true)
	return s.Conn.Close()
}

// parting is how long a goodbye may take to be written.
const parting = 10 * time.Millisecond

// wire is the connection below TLS.
type wire struct {
	net.Conn
	ending  atomic.Bool
	shaking bool   // its handshake is under way
	judge   string // the certificate whose CAs and lists the peer is verified by
	begun   uint64 // of Store.swaps, when its handshake began
}

// newWire is that of a connection whose handshake begins.
func newWire(nc net.Conn, ours transport.Credentials) *wire {
	w := &wire{Conn: nc, shaking: true}
	if c, ok := ours.(*credentials); ok {
		w.judge, w.begun = c.names[0], c.store.swaps.Load()
	}
	return w
}

// SetWriteDeadline leaves little time in the end: TLS would wait seconds for a peer that does
// not read.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.ending.Load() {
		t = time.Now().Add(parting)
	}
	return w.Conn.SetWriteDeadline(t)
}
