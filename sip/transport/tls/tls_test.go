package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var drivers = transport.Drivers{sip.TLS: Listen}

// store has certificates of names.
func store(t testing.TB, all map[string]Files) *Store {
	t.Helper()
	p, wrong := Prepare(all)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	s := NewStore()
	s.Use(p)
	return s
}

var names = transporttest.Names

// one is a certificate of ca's for these names.
func one(ca *transporttest.Authority, file string, mode ClientMode, of ...string) Files {
	cert, key, _ := ca.Issue(file, names(of...))
	return Files{Cert: cert, Key: key, CA: []string{ca.CA}, Client: mode}
}

func TestConformance(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	s := store(t, map[string]Files{"edge": one(ca, "edge", Require, "127.0.0.1", "::1")})
	transporttest.Run(t, sip.TLS, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers, Credentials: s.Credentials("edge")}
	})
}

// node is a Manager with one listener on 127.0.0.1.
func node(t testing.TB, c transport.Credentials, l transport.Limits) (
	*transport.Manager, *transporttest.Recorder,
) {
	t.Helper()
	m, err := transport.NewManager(transport.Config{Limits: l, Listeners: []transport.Listener{{
		Transport: sip.TLS, Addr: netip.MustParseAddrPort("127.0.0.1:0"), Credentials: c,
	}}}, drivers)
	if err != nil {
		t.Fatal(err)
	}
	r := &transporttest.Recorder{}
	m.Start(r)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m, r
}

func to(m *transport.Manager, name string) transport.Target {
	return transport.Target{
		Transport: sip.TLS, Listener: transport.AnyListener, Remote: m.Listeners()[0].Addr,
		Name: sip.NewHostName(name),
	}
}

func arrive(t *testing.T, r *transporttest.Recorder, count int) {
	t.Helper()
	transporttest.Eventually(t, "the message", func() bool { return len(r.Messages()) == count })
}

// fault waits for the one handshake of m that fails, and says why.
func fault(t *testing.T, m *transport.Manager) transport.Fault {
	t.Helper()
	var found transport.Fault
	transporttest.Eventually(t, "a handshake that fails", func() bool {
		for f := range transport.Faults {
			if m.Stats()[0].Unsuccessful[f].Load() > 0 {
				found = transport.Fault(f)
				return true
			}
		}
		return false
	})
	return found
}

// Whom we call proves to be who we asked for, RFC 5922 §7.
func TestServerIsWhoWeAskedFor(t *testing.T) {
	ca, stranger := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	past := names("b.example")
	past.NotAfter = time.Now().Add(-time.Minute)
	future := names("b.example")
	future.NotBefore = time.Now().Add(time.Hour)
	signing := names("b.example")
	signing.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	forSIP := names("b.example")
	forSIP.UnknownExtKeyUsage = append(forSIP.UnknownExtKeyUsage, sipDomain)
	common := x509.Certificate{}
	common.Subject.CommonName = "B.example"
	both := names("other.example")
	both.Subject.CommonName = "b.example"
	client := store(t, map[string]Files{"a": one(ca, "a", None, "a.example")}).Credentials("a")
	const fine = 255
	for name, c := range map[string]struct {
		by   *transporttest.Authority
		cert x509.Certificate
		want transport.Fault
	}{
		"DNS name":              {ca, names("x.example", "B.example"), fine},
		"SIP URI":               {ca, names("sip:b.example"), fine},
		"for SIP alone":         {ca, forSIP, fine},
		"common name":           {ca, common, fine},
		"another":               {ca, names("c.example"), transport.FaultName},
		"common name besides":   {ca, both, transport.FaultName},
		"DNS besides a SIP URI": {ca, names("sip:c.example", "b.example"), transport.FaultName},
		"URI of a user":         {ca, names("sip:me@b.example"), transport.FaultName},
		"sips URI":              {ca, names("sips:b.example"), transport.FaultName},
		"wildcard":              {ca, names("*.example"), transport.FaultName},
		"suffix":                {ca, names("sip.b.example"), transport.FaultName},
		"the address alone":     {ca, names("127.0.0.1"), transport.FaultName},
		"expired":               {ca, past, transport.FaultExpired},
		"not yet":               {ca, future, transport.FaultExpired},
		"of an unknown CA":      {stranger, names("b.example"), transport.FaultUnknownCA},
		"for signing programs":  {ca, signing, transport.FaultCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key, _ := c.by.Issue("b", c.cert)
			b := store(t, map[string]Files{"b": {Cert: cert, Key: key}})
			server, got := node(t, b.Credentials("b"), transport.Limits{})
			m, sent := node(t, client, transport.Limits{})
			if err := m.Send(to(server, "b.example"), transporttest.Text(1, 0), 7); err != nil {
				t.Fatal(err)
			}
			if c.want == fine {
				arrive(t, got, 1)
				return
			}
			transporttest.Eventually(t, "a failure", func() bool { return len(sent.Failures()) == 1 })
			h, ok := errors.AsType[*transport.HandshakeError](sent.Failures()[0].Err)
			if !ok || h.Fault != c.want {
				t.Errorf("error %v, want %s", sent.Failures()[0].Err, c.want)
			}
			if f := fault(t, m); f != c.want {
				t.Errorf("counted %s, want %s", f, c.want)
			}
			if len(got.Messages()) > 0 {
				t.Error("the message left")
			}
		})
	}
}

// Who calls shows a certificate that can be trusted, where one is asked for.
func TestClientCertificates(t *testing.T) {
	ca, stranger := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	edge := one(ca, "edge", Require, "edge.example")
	_, _, void := ca.Issue("void", names("void.example"))
	edge.CRL = []string{ca.Revoke("ca.crl", void)}
	past := names("a.example")
	past.NotAfter = time.Now().Add(-time.Minute)
	ca.Issue("past", past)
	ca.Issue("a", names("sip:a.example"))
	stranger.Issue("a", names("sip:a.example"))
	const fine = 255
	for name, c := range map[string]struct {
		mode ClientMode
		dir  string
		file string // "": none
		want transport.Fault
	}{
		"required":               {Require, ca.Dir, "a", fine},
		"required, none":         {Require, "", "", transport.FaultNoCertificate},
		"required, expired":      {Require, ca.Dir, "past", transport.FaultExpired},
		"required, revoked":      {Require, ca.Dir, "void", transport.FaultRevoked},
		"required, unknown CA":   {Require, stranger.Dir, "a", transport.FaultUnknownCA},
		"asked for":              {Request, ca.Dir, "a", fine},
		"asked for, none":        {Request, "", "", fine},
		"asked for, revoked":     {Request, ca.Dir, "void", transport.FaultRevoked},
		"not asked for, unknown": {None, stranger.Dir, "a", fine},
	} {
		t.Run(name, func(t *testing.T) {
			edge.Client = c.mode
			edges := store(t, map[string]Files{"edge": edge})
			m, got := node(t, edges.Credentials("edge"), transport.Limits{})
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				cfg := &tls.Config{InsecureSkipVerify: true, MaxVersion: version}
				if c.file != "" {
					file := filepath.Join(c.dir, c.file)
					pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
					if err != nil {
						t.Fatal(err)
					}
					cfg.Certificates = []tls.Certificate{pair}
				}
				before := len(got.Messages())
				nc, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(), cfg)
				if err == nil {
					defer nc.Close()
					_, _ = nc.Write(transporttest.Text(1, 0))
				}
				if c.want != fine {
					if f := fault(t, m); f != c.want {
						t.Errorf("%#x: refused for %s, want %s", version, f, c.want)
					}
					continue
				}
				arrive(t, got, before+1)
				p := got.Messages()[before].Flow.Peer
				if shown := c.file != "" && c.mode != None; shown != (p != nil) {
					t.Errorf("%#x: peer %+v, want one: %v", version, p, shown)
				} else if shown && (p.SAN[0] != "sip:a.example" || p.Domains[0] != "a.example") {
					t.Errorf("%#x: peer %+v", version, p)
				}
			}
			if c.want != fine && len(got.Messages()) > 0 {
				t.Error("a message came through")
			}
		})
	}
}

// A certificate for every domain, and settings with it.
func TestDomainsByName(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	m, _ := node(t, store(t, map[string]Files{
		"a": one(ca, "a", None, "a.example"),
		"b": one(ca, "b", None, "sip:b.example"),
		"c": one(ca, "c", Require, "c.example", "*.c.example"),
	}).Credentials("a", "b", "c"), transport.Limits{})
	for asked, want := range map[string]string{
		"": "a.example", "nobody.example": "a.example", "a.example": "a.example",
		"B.example": "b.example", "c.example": "c.example", "x.c.example": "c.example",
	} {
		nc, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(),
			&tls.Config{InsecureSkipVerify: true, ServerName: asked, MaxVersion: tls.VersionTLS13})
		if err != nil {
			t.Fatalf("%q: %v", asked, err)
		}
		if got := domains(nc.ConnectionState().PeerCertificates[0])[0]; got != want {
			t.Errorf("asked for %q, shown %q, want %q", asked, got, want)
		}
		nc.Close()
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}
	old.MinVersion = tls.VersionTLS10
	if nc, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(), old); err == nil {
		nc.Close()
		t.Error("TLS 1.1 was spoken")
	}
}

// A connection is used for the name it was opened for, and for no other of the same address.
func TestConnectionsAreOfTheirName(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	server, got := node(t, store(t, map[string]Files{
		"b": one(ca, "b", None, "b.example", "c.example"),
	}).Credentials("b"), transport.Limits{})
	a := store(t, map[string]Files{"a": one(ca, "a", None, "a.example")})
	m, sent := node(t, a.Credentials("a"), transport.Limits{})
	send := func(name string, want int) {
		t.Helper()
		if err := m.Send(to(server, name), transporttest.Text(1, 0), 1); err != nil {
			t.Fatal(err)
		}
		arrive(t, got, want)
	}
	send("b.example", 1)
	send("b.example", 2)
	send("c.example", 3)
	list := got.Messages()
	if list[0].Flow.Conn != list[1].Flow.Conn || list[0].Flow.Conn == list[2].Flow.Conn {
		t.Errorf("flows %+v", list)
	}
	if err := m.Send(to(server, "d.example"), transporttest.Text(1, 0), 2); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "a failure", func() bool { return len(sent.Failures()) == 1 })
	if f := fault(t, m); f != transport.FaultName {
		t.Errorf("refused for %s", f)
	}
}

// Sessions are resumed, but not those of whom was revoked since.
func TestResumption(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, made := ca.Issue("b", names("b.example"))
	server, got := node(t, store(t, map[string]Files{"b": {Cert: cert, Key: key}}).Credentials("b"),
		transport.Limits{})
	a := one(ca, "a", None, "a.example")
	s := store(t, map[string]Files{"a": a})
	m, sent := node(t, s.Credentials("a"), transport.Limits{Idle: 200 * time.Millisecond})
	for i := range 2 {
		if err := m.Send(to(server, "b.example"), transporttest.Text(1, 0), 1); err != nil {
			t.Fatal(err)
		}
		arrive(t, got, i+1)
		transporttest.Eventually(t, "the end", func() bool { return len(sent.Ends()) == i+1 })
	}
	if n := m.Stats()[0].Resumed.Load(); n != 1 {
		t.Errorf("%d sessions resumed, want 1", n)
	}
	a.CRL = []string{ca.Revoke("ca.crl", made)}
	p, wrong := Prepare(map[string]Files{"a": a})
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	s.Use(p)
	if err := m.Send(to(server, "b.example"), transporttest.Text(1, 0), 1); err != nil {
		t.Fatal(err)
	}
	if f := fault(t, m); f != transport.FaultRevoked {
		t.Errorf("refused for %s, want revoked", f)
	}
}

// Who does not go on with his handshake costs himself, and not those who come after.
func TestHalfHandshakes(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	c := store(t, map[string]Files{"edge": one(ca, "edge", None, "edge.example")}).Credentials("edge")
	m, got := node(t, c, transport.Limits{Handshakes: 40, Handshake: time.Second})
	st := m.Stats()[0]
	for range 12 { // a quarter of the handshakes, and two more
		nc, err := net.Dial("tcp", m.Listeners()[0].Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	transporttest.Eventually(t, "two refused", func() bool { return st.Refused.Load() == 2 })
	transporttest.Eventually(t, "ten out of time", func() bool {
		return st.Unsuccessful[transport.FaultTime].Load() == 10
	})
	nc, err := net.Dial("tcp", m.Listeners()[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "OPTIONS sip:edge.example SIP/2.0\r\n\r\n")
	transporttest.Eventually(t, "one that is no TLS", func() bool {
		return st.Unsuccessful[transport.FaultProtocol].Load() == 1
	})
	good, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(),
		&tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	if _, err := good.Write(transporttest.Text(1, 0)); err != nil {
		t.Fatal(err)
	}
	arrive(t, got, 1)
}

func TestFilesThatAreNoCertificates(t *testing.T) {
	ca, other := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	good := one(ca, "good", None, "a.example")
	second := one(ca, "second", None, "a.example")
	broken := ca.Dir + "/broken.pem"
	if err := os.WriteFile(broken, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Files){
		"no file":             func(f *Files) { f.Cert = ca.Dir + "/none.pem" },
		"another's key":       func(f *Files) { f.Key = second.Key },
		"no CA":               func(f *Files) { f.CA = []string{broken} },
		"a CA that is a key":  func(f *Files) { f.CA = []string{good.Key} },
		"no list":             func(f *Files) { f.CRL = []string{broken} },
		"a list that is a CA": func(f *Files) { f.CRL = []string{ca.CA} },
		"a stranger's list":   func(f *Files) { f.CRL = []string{other.Revoke("x.crl")} },
	} {
		f := good
		change(&f)
		if _, wrong := Prepare(map[string]Files{"edge": f}); wrong["edge"] == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
