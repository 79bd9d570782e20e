package ws

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	edge "sipedge/sip/transport/tls"
	"sipedge/sip/transport/transporttest"
)

// shown are the credentials of a listener on loopback, and the configuration of who trusts them.
func shown(t *testing.T) (transport.Credentials, *tls.Config) {
	t.Helper()
	ca := transporttest.NewAuthority(t)
	cert, key, _ := ca.Issue("edge", transporttest.Names("127.0.0.1", "::1"))
	p, wrong := edge.Prepare(map[string]edge.Files{"edge": {Cert: cert, Key: key}})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	s := edge.NewStore()
	s.Use(p)
	pem, err := os.ReadFile(ca.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return s.Credentials("edge"), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

func TestSecureConformance(t *testing.T) {
	credentials, trust := shown(t)
	drivers := transport.Drivers{sip.WSS: func(e transport.Env) (transport.Socket, error) {
		return listenSecure(e, dialer(e.Listener.Addr.Addr(), trust))
	}}
	transporttest.Run(t, sip.WSS, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers, Credentials: credentials}
	})
}

// secureServer listens by ListenSecure itself.
func secureServer(t *testing.T, l transport.Limits, u transport.User) (
	*transport.Manager, *tls.Config,
) {
	t.Helper()
	credentials, trust := shown(t)
	listener := transport.Listener{Transport: sip.WSS, Credentials: credentials}
	return serving(t, l, listener, u), trust
}

// A listener that shows nothing does not listen.
func TestSecureNeedsCredentials(t *testing.T) {
	_, err := transport.NewManager(transport.Config{Listeners: []transport.Listener{{
		Transport: sip.WSS, Addr: netip.MustParseAddrPort("127.0.0.1:0"),
	}}}, drivers)
	if err == nil {
		t.Error("it listens")
	}
}

// Each of the two handshakes has its time, and what is no TLS never comes to the second.
func TestSecureHandshakesAreBounded(t *testing.T) {
	m, trust := secureServer(t, transport.Limits{
		Handshake: 600 * time.Millisecond, Arrival: 600 * time.Millisecond,
	}, &transporttest.Recorder{})
	st := m.Stats()[0]
	dial(t, m) // says nothing
	plain := dial(t, m)
	if _, err := io.WriteString(plain, request()); err != nil {
		t.Fatal(err)
	}
	slow := tls.Client(dial(t, m), trust)
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "the ends", func() bool {
		return st.Unsuccessful[transport.FaultTime].Load() == 1 &&
			st.Unsuccessful[transport.FaultProtocol].Load() == 1 &&
			st.Ended[transport.EndedSlow].Load() == 1
	})
	if n := st.Handshakes.Load(); n != 1 {
		t.Errorf("%d handshakes of TLS, want 1", n)
	}
	if n := st.Open.Load(); n != 0 {
		t.Errorf("%d connections open", n)
	}
	if n := st.Rejected[transport.RejectedRequest].Load(); n != 1 {
		t.Errorf("%d requests rejected, want 1: that which did not end", n)
	}
}

// Who may not open a WebSocket is told so over TLS, and then the connection ends.
func TestSecureRejection(t *testing.T) {
	m, trust := secureServer(t, transport.Limits{}, &transporttest.Recorder{})
	nc := tls.Client(dial(t, m), trust)
	r := answer(t, nc, request(origin("https://evil.example")...))
	if r.StatusCode != 403 {
		t.Errorf("status %s, want 403", r.Status)
	}
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the answer: %v", err)
	}
	if n := m.Stats()[0].Rejected[transport.RejectedOrigin].Load(); n != 1 {
		t.Errorf("%d origins rejected, want 1", n)
	}
}

// A page of the host it asks may open a WebSocket here, as over WS.
func TestSecureSameOrigin(t *testing.T) {
	m, trust := secureServer(t, transport.Limits{}, &transporttest.Recorder{})
	nc := tls.Client(dial(t, m), trust)
	r := answer(t, nc, request(origin("https://edge.example.net:8080")...))
	if r.StatusCode != 101 {
		t.Errorf("status %s, want 101", r.Status)
	}
}

// A closed browser ends its connection at once.
func TestSecureEnd(t *testing.T) {
	u := &transporttest.Recorder{}
	m, trust := secureServer(t, transport.Limits{}, u)
	nc := tls.Client(dial(t, m), trust)
	if err := upgrade(nc, "ws://edge.example.net/", nil); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	transporttest.Eventually(t, "the end", func() bool { return len(u.Ends()) == 1 })
	if n := m.Stats()[0].Ended[transport.EndedByPeer].Load(); n != 1 {
		t.Errorf("%d ended by the peer, want 1", n)
	}
}

// A WebSocket ends when the certificate is revoked that its client showed.
func TestSecureRevoked(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, _ := ca.Issue("edge", transporttest.Names("127.0.0.1"))
	shown, private, made := ca.Issue("client", transporttest.Names("sip:client.example"))
	p, wrong := edge.Prepare(map[string]edge.Files{"edge": {
		Cert: cert, Key: key, CA: []string{ca.CA}, CRL: []string{ca.Revoke("ca.crl")},
		Client: edge.Request,
	}})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	s := edge.NewStore()
	s.Use(p)
	u := &transporttest.Recorder{}
	m := serving(t, transport.Limits{}, transport.Listener{
		Transport: sip.WSS, Credentials: s.Credentials("edge"),
	}, u)
	pair, err := tls.LoadX509KeyPair(shown, private)
	if err != nil {
		t.Fatal(err)
	}
	nc := tls.Client(dial(t, m), &tls.Config{
		InsecureSkipVerify: true, Certificates: []tls.Certificate{pair},
	})
	if err := upgrade(nc, "ws://edge.example.net/", nil); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	ca.Revoke("ca.crl", made)
	for range 2 { // files are at rest when they look like the time before
		s.Refresh(quiet)
	}
	s.Judge(quiet)
	transporttest.Eventually(t, "the end", func() bool {
		return len(u.Ends()) == 1 && m.Stats()[0].Ended[transport.EndedRevoked].Load() == 1
	})
}
