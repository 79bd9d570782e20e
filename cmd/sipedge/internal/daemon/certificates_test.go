package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// A reload takes a TLS listener and its certificate away while peers with certificates of theirs
// send requests over it and ask for aliases: they are cut off, and who calls by UDP is served.
func TestReloadTakesCertificateAway(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, _ := ca.Issue("edge", transporttest.Names("edge.example"))
	ca.Issue("a", transporttest.Names("a.example"))
	file := filepath.Join(ca.Dir, "a")
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		t.Fatal(err)
	}
	r := startPolicy(t, strings.Replace(testPolicy, `"}]`, fmt.Sprintf(
		`"}, {tls: "127.0.0.1:0", certificate: edge}]
certificates: {edge: {cert: %q, key: %q, ca: %q, client: request}}`, cert, key, ca.CA), 1))
	var at string
	for _, l := range r.manager.Listeners() {
		if l.Transport == sip.TLS {
			at = l.Addr.String()
		}
	}
	request := func(id string) string {
		return "OPTIONS sip:edge.example SIP/2.0\r\n" +
			"Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK" + id + ";alias\r\nMax-Forwards: 70\r\n" +
			"From: <sip:a@a.example>;tag=1\r\nTo: <sip:edge.example>\r\nCall-ID: " + id + "\r\n" +
			"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	}
	var peers, cutOff sync.WaitGroup
	for i := range 20 {
		peers.Add(1)
		cutOff.Go(func() {
			c, err := tls.Dial("tcp", at, &tls.Config{
				InsecureSkipVerify: true, Certificates: []tls.Certificate{pair},
			})
			peers.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			time.Sleep(time.Duration(i) * time.Millisecond) // some ask first when it is gone
			for n := 0; err == nil; n++ {
				_, err = c.Write([]byte(request(fmt.Sprintf("%d.%d", i, n))))
			}
		})
	}
	peers.Wait()
	r.set(testPolicy)
	r.signals <- syscall.SIGHUP
	cutOff.Wait()
	if n := r.generation.Load(); n != 2 {
		t.Fatalf("policy %d runs, want 2:\n%s", n, r.log.String())
	}
	r.options(t, "afterwards")
}

// A reload reads revocation lists: who is connected with a certificate that is void now is cut off,
// and who has another stays.
func TestReloadRevokes(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, _ := ca.Issue("edge", transporttest.Names("edge.example"))
	_, _, void := ca.Issue("void", transporttest.Names("void.example"))
	ca.Issue("good", transporttest.Names("good.example"))
	list := ca.Revoke("ca.crl")
	r := startPolicy(t, strings.Replace(testPolicy, `"}]`, fmt.Sprintf(
		`"}, {tls: "127.0.0.1:0", certificate: edge}]
certificates: {edge: {cert: %q, key: %q, ca: %q, crl: %q, client: require}}`,
		cert, key, ca.CA, list), 1))
	i := slices.IndexFunc(r.manager.Listeners(), func(l transport.Listener) bool {
		return l.Transport == sip.TLS
	})
	at := r.manager.Listeners()[i].Addr
	dial := func(name string) *tls.Conn {
		t.Helper()
		file := filepath.Join(ca.Dir, name)
		pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
		if err != nil {
			t.Fatal(err)
		}
		c, err := tls.Dial("tcp", at.String(), &tls.Config{
			InsecureSkipVerify: true, Certificates: []tls.Certificate{pair},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, "\r\n\r\n"); err != nil { // a keep-alive, RFC 5626 §3.5.1
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	gone, stays := dial("void"), dial("good")
	ca.Revoke("ca.crl", void)
	r.signals <- syscall.SIGHUP
	if _, err := gone.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("whose certificate is revoked: %v", err)
	}
	if _, err := io.WriteString(stays, "\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(stays, make([]byte, 2)); err != nil {
		t.Errorf("whose is not: %v", err)
	}
	const told = "connections ended: the certificate of their peer does not count any more"
	transporttest.Eventually(t, "one counted and logged", func() bool {
		return r.manager.Stats()[i].Ended[transport.EndedRevoked].Load() == 1 &&
			r.log.entry(told, "reason") == "revoked"
	})
}
