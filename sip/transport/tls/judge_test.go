package tls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
	"sipedge/sip/transport/transporttest"
)

// caller connects to m with a certificate of ca, and has m take a message.
func caller(
	t *testing.T, m *transport.Manager, got *transporttest.Recorder, ca *transporttest.Authority,
	name string,
) *tls.Conn {
	t.Helper()
	file := filepath.Join(ca.Dir, name)
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(),
		&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	before := len(got.Messages())
	if _, err := c.Write(transporttest.Text(1, 0)); err != nil {
		t.Fatal(err)
	}
	arrive(t, got, before+1)
	return c
}

// over reports whether the server ended a connection.
func over(t *testing.T, c *tls.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	if err == nil {
		t.Fatal("it answers")
	}
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// ends waits until a connection of m has ended for a reason.
func ends(t *testing.T, m *transport.Manager, why transport.Reason) {
	t.Helper()
	transporttest.Eventually(t, "the end", func() bool { return m.Stats()[0].Ended[why].Load() == 1 })
}

// refreshed has a store read what changed, and judge by it.
func refreshed(t *testing.T, s *Store) (log string) {
	t.Helper()
	var b bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&b, nil))
	any := false
	for range 2 { // files are at rest when they look like the time before
		any = s.Refresh(l) || any
	}
	if !any {
		t.Fatal("nothing was read again")
	}
	s.Judge(l)
	return b.String()
}

// A list that revokes the certificate of who is connected ends his connection, and nobody else's.
func TestRevokedWhileOpen(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	_, _, void := ca.Issue("void", names("sip:void.example"))
	ca.Issue("good", names("good.example"))
	files := one(ca, "edge", Request, "edge.example")
	files.CRL = []string{ca.Revoke("ca.crl")}
	other := one(ca, "other", None, "other.example")
	s := store(t, map[string]Files{"other": other, "edge": files})
	m, got := node(t, s.Credentials("edge", "other"), transport.Limits{})
	first, second := caller(t, m, got, ca, "void"), caller(t, m, got, ca, "good")
	if over(t, first) || over(t, second) {
		t.Fatal("a connection ended at once")
	}
	ca.Revoke("ca.crl", void)
	log := refreshed(t, s)
	ends(t, m, transport.EndedRevoked)
	if !over(t, first) || over(t, second) {
		t.Error("not the one alone whose certificate was revoked is over")
	}
	if strings.Count(log, "connections ended") != 1 || !strings.Contains(log, `"reason":"revoked"`) ||
		!strings.Contains(log, `"san":["sip:void.example"],"connections":1`) {
		t.Errorf("logged %s", log)
	}
	s.Judge(slog.New(slog.DiscardHandler))
	if n := m.Stats()[0].Ended[transport.EndedRevoked].Load(); n != 1 {
		t.Errorf("%d ended, want 1", n)
	}
}

// A connection of ours ends as well when whom we called is revoked.
func TestCalledIsRevoked(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, void := ca.Issue("b", names("b.example"))
	server, got := node(t, store(t, map[string]Files{"b": {Cert: cert, Key: key}}).Credentials("b"),
		transport.Limits{})
	files := one(ca, "a", None, "a.example")
	files.CRL = []string{ca.Revoke("ca.crl")}
	s := store(t, map[string]Files{"a": files})
	m, sent := node(t, s.Credentials("a"), transport.Limits{})
	if err := m.Send(to(server, "b.example"), transporttest.Text(1, 0), 1); err != nil {
		t.Fatal(err)
	}
	arrive(t, got, 1)
	ca.Revoke("ca.crl", void)
	refreshed(t, s)
	ends(t, m, transport.EndedRevoked)
	if err := m.Send(to(server, "b.example"), transporttest.Text(2, 0), 2); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "a failure", func() bool { return len(sent.Failures()) == 1 })
	if f := fault(t, m); f != transport.FaultRevoked {
		t.Errorf("refused for %s, want revoked", f)
	}
}

// Who was let in by a CA that is trusted no more is let out. One that is only another certificate
// of the same key, or a peer whose time is over, ends nothing.
func TestCATakenAway(t *testing.T) {
	ca, next := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	brief := names("brief.example")
	brief.NotAfter = time.Now().Add(4 * time.Second)
	ca.Issue("brief", brief)
	files := one(ca, "edge", Require, "edge.example")
	s := store(t, map[string]Files{"edge": files})
	m, got := node(t, s.Credentials("edge"), transport.Limits{})
	c := caller(t, m, got, ca, "brief")
	judged := func(cas ...string) {
		t.Helper()
		files.CA = cas
		p, wrong := Prepare(map[string]Files{"edge": files})
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		s.Use(p)
		s.Judge(slog.New(slog.DiscardHandler))
	}
	judged(ca.CA, next.CA)
	time.Sleep(time.Until(brief.NotAfter.Add(time.Second))) // times of certificates have no fractions
	judged(ca.CA)
	if over(t, c) {
		t.Fatal("a connection ended whose CA is trusted")
	}
	judged(next.CA)
	ends(t, m, transport.EndedUntrusted)
	if !over(t, c) {
		t.Error("it goes on")
	}
}

// Who was verified by the list of before, and is ready when that of now is there, is let out.
func TestRevokedDuringHandshake(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, void := ca.Issue("void", names("void.example"))
	files := one(ca, "edge", Require, "edge.example")
	files.CRL = []string{ca.Revoke("ca.crl")}
	s := store(t, map[string]Files{"edge": files})
	road := secure(transport.Env{
		Listener: transport.Listener{Credentials: s.Credentials("edge")}, Stats: new(transport.Stats),
	}, stream.Road{})
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	var calling sync.WaitGroup
	calling.Go(func() {
		c := tls.Client(far, &tls.Config{
			InsecureSkipVerify: true, Certificates: []tls.Certificate{pair},
		})
		_ = c.Handshake()
		_, _ = io.Copy(io.Discard, c)
	})
	nc, err := road.Greet(t.Context(), near)
	if err != nil {
		t.Fatal(err)
	}
	ca.Revoke("ca.crl", void)
	refreshed(t, s)
	var why []transport.Reason
	nc.(*secured).Revocable(func(r transport.Reason, _ error) { why = append(why, r) })
	if !slices.Equal(why, []transport.Reason{transport.EndedRevoked}) {
		t.Errorf("ended for %v", why)
	}
	// Who is late to read the goodbye does not get it.
	if err := nc.Close(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	calling.Wait()
	if n := len(s.peers.all()); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}
