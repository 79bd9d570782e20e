package tls

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// A policy that has neither a listener nor its certificate any more takes the certificate first.
// Until the listener is closed nobody proves to be anyone by it, and messages arrive.
func TestCertificateTakenAway(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	ca.Issue("a", names("a.example"))
	file := filepath.Join(ca.Dir, "a")
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}
	s := store(t, map[string]Files{"edge": one(ca, "edge", Request, "edge.example")})
	m, got := node(t, s.Credentials("edge"), transport.Limits{})
	at := m.Listeners()[0].Addr.String()
	peer, err := tls.Dial("tcp", at, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	transporttest.Eventually(t, "the connection", func() bool {
		return m.Stats()[0].Open.Load() == 1
	})
	s.Use(&Prepared{})

	if _, err := peer.Write(asking(1, refusing(t).String(), ";alias")); err != nil {
		t.Fatal(err)
	}
	arrive(t, got, 1)
	if n := m.Stats()[0].Aliased.Load(); n != 0 {
		t.Errorf("%d aliases, want none", n)
	}

	called, err := tls.Listen("tcp4", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer called.Close()
	go func() {
		if c, err := called.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	if err := m.Send(transport.Target{
		Transport: sip.TLS, Listener: transport.AnyListener, Name: sip.NewHostName("a.example"),
		Remote: called.Addr().(*net.TCPAddr).AddrPort(),
	}, transporttest.Text(2, 0), 7); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "a failure", func() bool { return len(got.Failures()) == 1 })

	if c, err := tls.Dial("tcp", at, cfg); err == nil {
		c.Close()
		t.Error("who called was taken")
	}
}
