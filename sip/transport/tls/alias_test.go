package tls

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/porttest"
	"sipedge/sip/transport/transporttest"
)

// asking is a request of i with a sent-by and Via parameters.
func asking(i int, sentBy, params string) []byte {
	via := fmt.Appendf(nil, "SIP/2.0/TLS %s%s;branch", sentBy, params)
	return bytes.Replace(transporttest.Text(i, 0), []byte("SIP/2.0/TCP a.example.org;branch"), via, 1)
}

// Requests for who showed his certificate go over the connection he opened, if he asks for it, and
// for nobody else. RFC 5923.
func TestAlias(t *testing.T) {
	ca, stranger := transporttest.NewAuthority(t), transporttest.NewAuthority(t)
	ca.Issue("a", names("a.example", "also.example"))
	ca.Issue("address", names("a.example", "127.0.0.1"))
	stranger.Issue("a", names("a.example"))
	edge := one(ca, "edge", Request, "edge.example")
	public := one(stranger, "public", Request, "public.example")
	for name, c := range map[string]struct {
		dir, file string // of the certificate; "": none
		asked     string // for which domain
		via       string // parameters
		to        string // for whom
		port      uint16 // 0: that of the sent-by
		want      bool
	}{
		"its domain":            {ca.Dir, "a", "", ";alias", "a.example", 0, true},
		"written otherwise":     {ca.Dir, "a", "", ";x=y; Alias ", "a.example", 0, true},
		"its other domain":      {ca.Dir, "a", "", ";alias", "also.example", 0, true},
		"another domain":        {ca.Dir, "a", "", ";alias", "b.example", 0, false},
		"another port":          {ca.Dir, "a", "", ";alias", "a.example", 1, false},
		"its address, unproved": {ca.Dir, "a", "", ";alias", "", 0, false},
		"its address":           {ca.Dir, "address", "", ";alias", "", 0, true},
		"not asked for":         {ca.Dir, "a", "", "", "a.example", 0, false},
		"no certificate":        {"", "", "", ";alias", "a.example", 0, false},
		"of a CA for callers only": {
			stranger.Dir, "a", "public.example", ";alias", "a.example", 0, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := store(t, map[string]Files{"edge": edge, "public": public})
			m, got := node(t, s.Credentials("edge", "public"), transport.Limits{})
			cfg := &tls.Config{InsecureSkipVerify: true, ServerName: c.asked}
			if c.file != "" {
				file := filepath.Join(c.dir, c.file)
				pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
				if err != nil {
					t.Fatal(err)
				}
				cfg.Certificates = []tls.Certificate{pair}
			}
			peer, err := tls.Dial("tcp", m.Listeners()[0].Addr.String(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			// Where the peer says he listens nobody does: a connection to it is refused.
			listens := refusing(t)
			if _, err := peer.Write(asking(1, listens.String(), c.via)); err != nil {
				t.Fatal(err)
			}
			arrive(t, got, 1)
			target := transport.Target{
				Transport: sip.TLS, Listener: transport.AnyListener, Remote: listens,
				Name: sip.NewHostName(c.to),
			}
			if c.port != 0 {
				target.Remote = refusing(t)
			}
			text := transporttest.Text(2, 0)
			if err := m.Send(target, text, 7); err != nil {
				t.Fatal(err)
			}
			if !c.want {
				transporttest.Eventually(t, "a failure", func() bool {
					return len(got.Failures()) == 1
				})
				return
			}
			_ = peer.SetReadDeadline(time.Now().Add(10 * time.Second))
			read := make([]byte, len(text))
			if _, err := peer.Read(read); err != nil || !bytes.Equal(read, text) {
				t.Fatalf("read %q, %v", read, err)
			}
			if n := m.Stats()[0].Aliased.Load(); n != 1 {
				t.Errorf("%d aliases counted, want 1", n)
			}
			// When it is gone, so is the alias.
			peer.Close()
			transporttest.Eventually(t, "the end", func() bool { return len(got.Ends()) == 1 })
			if err := m.Send(target, text, 8); err != nil {
				t.Fatal(err)
			}
			transporttest.Eventually(t, "a failure", func() bool { return len(got.Failures()) == 1 })
		})
	}
}

// refusing is a place of this host where nobody listens.
func refusing(t *testing.T) netip.AddrPort { return porttest.Free(t) }

// Two of our own: one connection carries requests of both, whoever opened it.
func TestAliasBetweenTwo(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	a, fromB := node(t, store(t, map[string]Files{
		"a": one(ca, "a", Require, "a.example"),
	}).Credentials("a"), transport.Limits{})
	b, fromA := node(t, store(t, map[string]Files{
		"b": one(ca, "b", Require, "b.example"),
	}).Credentials("b"), transport.Limits{})
	at := a.Listeners()[0].Addr.String()
	if err := a.Send(to(b, "b.example"), asking(1, at, ";alias"), 1); err != nil {
		t.Fatal(err)
	}
	arrive(t, fromA, 1)
	if err := b.Send(to(a, "a.example"), transporttest.Text(2, 0), 1); err != nil {
		t.Fatal(err)
	}
	arrive(t, fromB, 1)
	if n := b.Stats()[0].Dialled.Load(); n != 0 {
		t.Errorf("%d connections back, want none", n)
	}
	if p := fromB.Messages()[0].Flow.Peer; p == nil || p.Domains[0] != "b.example" {
		t.Errorf("peer %+v, want b.example", p)
	}
}
