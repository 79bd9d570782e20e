package ws

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
	"sipedge/sip/transport/transporttest"
)

// client is the connection of a client, spoken to as a server speaks: what is written is masked,
// and so is what is read, for a Socket that can but serve.
type client struct {
	net.Conn
	in bytes.Buffer
}

func (c *client) Read(b []byte) (int, error) {
	for c.in.Len() == 0 {
		f, err := readFrame(c.Conn)
		if err != nil {
			return 0, err
		}
		if err := ws.WriteFrame(&c.in, ws.MaskFrameInPlace(f)); err != nil {
			return 0, err
		}
	}
	return c.in.Read(b)
}

func (c *client) Write(b []byte) (int, error) {
	var out bytes.Buffer
	for in := bytes.NewReader(b); in.Len() > 0; {
		f, err := readFrame(in)
		if err != nil {
			return 0, err
		}
		if err := ws.WriteFrame(&out, ws.MaskFrameInPlace(f)); err != nil {
			return 0, err
		}
	}
	_, err := c.Conn.Write(out.Bytes())
	return len(b), err
}

// dialer opens WebSockets from the address of its listener, as the Sockets under test do not;
// with a configuration, over TLS.
func dialer(from netip.Addr, secure *tls.Config) stream.Dial {
	return func(ctx context.Context, to netip.AddrPort, _ sip.HostName) (net.Conn, error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		nc, err := d.DialContext(ctx, "tcp", to.String())
		if err != nil {
			return nil, err
		}
		if secure != nil {
			nc = tls.Client(nc, secure)
		}
		if err := upgrade(nc, "ws://"+to.String()+"/", nil); err != nil {
			nc.Close()
			return nil, err
		}
		return &client{Conn: nc}, nil
	}
}

// upgrade asks for a WebSocket; the answer's error.
func upgrade(nc net.Conn, url string, header http.Header) error {
	d := ws.Dialer{
		Protocols: []string{subprotocol}, Header: ws.HandshakeHeaderHTTP(header),
		NetDial: func(context.Context, string, string) (net.Conn, error) { return nc, nil },
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _, _, err := d.Dial(ctx, url)
	return err
}

func TestConformance(t *testing.T) {
	drivers := transport.Drivers{sip.WS: func(e transport.Env) (transport.Socket, error) {
		return listen(e, dialer(e.Listener.Addr.Addr(), nil))
	}}
	transporttest.Run(t, sip.WS, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers}
	})
}

// drivers are what a server of a test listens by.
var drivers = transport.Drivers{sip.WS: Listen, sip.WSS: ListenSecure}

// server listens on loopback.
func server(
	t *testing.T, l transport.Limits, c *transport.WebSocket, u transport.User,
) *transport.Manager {
	t.Helper()
	return serving(t, l, transport.Listener{Transport: sip.WS, WebSocket: c}, u)
}

// serving listens on loopback by what listener says.
func serving(
	t *testing.T, l transport.Limits, listener transport.Listener, u transport.User,
) *transport.Manager {
	t.Helper()
	listener.Addr = netip.MustParseAddrPort("127.0.0.1:0")
	m, err := transport.NewManager(transport.Config{
		Limits: l, Listeners: []transport.Listener{listener},
	}, drivers)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(u)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// dial connects to a server, for less time than the test may take.
func dial(t *testing.T, m *transport.Manager) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", m.Listeners()[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return nc
}

// connect opens a WebSocket.
func connect(t *testing.T, m *transport.Manager) net.Conn {
	t.Helper()
	nc := dial(t, m)
	if err := upgrade(nc, "ws://"+nc.RemoteAddr().String()+"/", nil); err != nil {
		t.Fatal(err)
	}
	return nc
}

// readFrame reads a frame, of at most 1 MiB.
func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	if f.Header.Length > 1<<20 {
		return f, fmt.Errorf("a frame of %d bytes", f.Header.Length)
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}
