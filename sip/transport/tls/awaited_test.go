package tls

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// shows is the common name of what a listener shows to who asks for a name; "": it refuses.
func shows(t *testing.T, m *transport.Manager, name string, protocols ...string) string {
	t.Helper()
	c, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(), &tls.Config{
		ServerName: name, InsecureSkipVerify: true, NextProtos: protocols,
	})
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].DNSNames[0]
}

// Who asks for a certificate that is awaited is refused until it is there, and from then on
// there is always one. Others are not concerned.
func TestAwaited(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	edge := Files{
		Cert: filepath.Join(ca.Dir, "edge.pem"), Key: filepath.Join(ca.Dir, "edge.key"),
		Awaited: "Edge.Example", CA: []string{ca.CA},
	}
	s := store(t, map[string]Files{"edge": edge, "spare": one(ca, "spare", None, "spare.example")})
	m, _ := node(t, s.Credentials("edge", "spare"), transport.Limits{})
	st := m.Stats()[0]
	see := func(want string, asked string) {
		t.Helper()
		if got := shows(t, m, asked); got != want {
			t.Errorf("asked for %q: it shows %q, want %q", asked, got, want)
		}
	}
	see("", "edge.example")
	see("", "nobody.example") // the first is for those
	see("spare.example", "")
	see("spare.example", "spare.example")
	transporttest.Eventually(t, "two to be counted as not issued", func() bool {
		return st.Unsuccessful[transport.FaultNotIssued].Load() == 2
	})
	if l := s.List(); !l[0].Awaited || l[1].Awaited || len(l[0].Ends) != 1 || l[0].Ends[0].Of != "ca" {
		t.Errorf("%+v", l)
	}
	callee, got := node(t, s.Credentials("spare"), transport.Limits{})
	if err := m.Send(to(callee, "spare.example"), transporttest.Text(1, 0), 1); err != nil {
		t.Error(err)
	}
	arrive(t, got, 1)

	refresh := func() {
		for range 2 {
			s.Refresh(slog.New(slog.DiscardHandler))
		}
	}
	ca.Issue("edge", names("edge.example"))
	refresh()
	see("edge.example", "edge.example")
	if err := os.Remove(edge.Key); err != nil {
		t.Fatal(err)
	}
	refresh()
	see("edge.example", "edge.example")
	if l := s.List(); l[0].Awaited || l[0].Wrong == "" {
		t.Errorf("%+v", l[0])
	}
}

// A CA that asks whose a name is gets what is for it, and nothing else; a message of its never
// passes.
func TestChallenge(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	s := store(t, map[string]Files{"edge": one(ca, "edge", None, "edge.example")})
	cert, key, _ := ca.Issue("proof", names("proof.example"))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s.Challenge = func(name string) *tls.Certificate {
		if name == "edge.example" {
			return &pair
		}
		return nil
	}
	m, got := node(t, s.Credentials("edge"), transport.Limits{})
	if got := shows(t, m, "Edge.Example", "acme-tls/1"); got != "proof.example" {
		t.Errorf("it shows %q", got)
	}
	if got := shows(t, m, "other.example", "acme-tls/1"); got != "" {
		t.Errorf("a stranger's name: it shows %q", got)
	}
	if got := shows(t, m, "edge.example", "sip", "acme-tls/1"); got != "edge.example" {
		t.Errorf("who speaks SIP as well: it shows %q", got)
	}
	c, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(), &tls.Config{
		ServerName: "edge.example", InsecureSkipVerify: true, NextProtos: []string{"acme-tls/1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write(transporttest.Text(1, 0)) // it may be closed already
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n > 0 || os.IsTimeout(err) {
		t.Errorf("the connection goes on: %d bytes, %v", n, err)
	}
	st := m.Stats()[0]
	transporttest.Eventually(t, "an end", func() bool { return st.Proved.Load() == 2 })
	if len(got.Messages()) > 0 {
		t.Error("a message passed")
	}
	transporttest.Eventually(t, "one to be counted as refused", func() bool {
		return st.Unsuccessful[transport.FaultProtocol].Load() == 1
	})
}
