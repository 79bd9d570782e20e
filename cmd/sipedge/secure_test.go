package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

// Certificates that openssl made and that are no good are refused, each for its reason, whichever
// end shows them.
func TestCertificatesRefused(t *testing.T) {
	dir := openssl(t, "edge.example", "revoked.example", "a.example", "wrong.example")
	strange := openssl(t, "stranger.example")
	expireAndRevoke(t, dir, "expired.example", "revoked.example")
	for _, name := range []string{"stranger.example.pem", "stranger.example.key"} {
		if err := os.Rename(filepath.Join(strange, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	peer := serveTLS(t, filepath.Join(dir, "wrong.example"))
	go func() { // its handshake, until it is given up
		for c, err := peer.Accept(); err == nil; c, err = peer.Accept() {
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
	}()
	policy := strings.Replace(secure(dir), "client: request",
		"client: require, crl: "+dir+"/crl.pem", 1)
	s := startServer(t, policy+fmt.Sprintf(`routes:
  request:
    - match: {method: REGISTER}
      do: [{reply: {code: 200}}]
    - do: [{relay: {to: "sips:%s"}}]
`, peer.Addr()))
	refused := func(reason string) float64 {
		return s.metric(fmt.Sprintf(
			`sipedge_transport_handshakes_failed_total{reason=%q,transport="tls"}`, reason))
	}
	for shown, reason := range map[string]string{
		"expired.example": "expired", "revoked.example": "revoked", "stranger.example": "unknown_ca",
		"": "no_certificate",
	} {
		c := secureClient(t, s, dir, shown)
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: read %d bytes, want the end", shown, n)
		}
		until(t, reason, func() bool { return refused(reason) == 1 })
	}
	// It is right for a caller, and not the one of the address that is called.
	c := secureClient(t, s, dir, "a.example")
	if got := registerStatus(t, c, "a.example", 1); got != "200" {
		t.Errorf("a good certificate: %s", got)
	}
	fmt.Fprint(c, secureRequest("OPTIONS", "sips:x@edge.example",
		"Call-ID: wrong\r\nCSeq: 1 OPTIONS\r\n"))
	if m := readMessage(t, bufio.NewReader(c)); m.Status() != 500 {
		t.Errorf("a callee of another name: %d, want 500", m.Status())
	}
	until(t, "wrong name", func() bool { return refused("wrong_name") == 1 })
}

// expireAndRevoke issues a certificate of the past, and writes crl.pem that has another.
func expireAndRevoke(t *testing.T, dir, expired, revoked string) {
	t.Helper()
	const config = `[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 1
policy = any
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
[any]
commonName = supplied
`
	for name, text := range map[string]string{"ca.cnf": config, "index.txt": "", "serial": "77\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ca := []string{"ca", "-config", "ca.cnf", "-batch"}
	runOpenssl(t, dir, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
		"-nodes", "-subj", "/CN="+expired, "-keyout", expired+".key", "-out", expired+".csr")
	runOpenssl(t, dir, append(ca, "-in", expired+".csr", "-out", expired+".pem", "-notext",
		"-startdate", "20200101000000Z", "-enddate", "20200201000000Z")...)
	runOpenssl(t, dir, append(ca, "-revoke", revoked+".pem")...)
	runOpenssl(t, dir, append(ca, "-gencrl", "-out", "crl.pem")...)
}

// A call of sips from a caller to a callee of TLS, both ways, through Record-Route; and none to who
// is reached without.
func TestSecureCall(t *testing.T) {
	dir := openssl(t, "edge.example", "a.example", "127.0.0.1")
	callee := serveTLS(t, filepath.Join(dir, "127.0.0.1"))
	plain, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	policy := strings.Replace(secure(dir), `listen: [`,
		`listen: [{udp: "127.0.0.1:0"}, {tcp: "127.0.0.1:0"}, `, 1)
	s := startServer(t, policy+`domains: [edge.example]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {}}, {relay: {}}]
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - match: {uri: {myself: true}}
      do: [{record_route: {}}, {lookup: {location: contacts}}, {relay: {}}]
    - match: {source: 127.0.0.0/8}
      do: [{record_route: {}}, {relay: {}}]
    - do: [{reply: {code: 403}}]
`)
	alice := &secureAgent{t: t, conn: secureClient(t, s, dir, "a.example")}
	alice.in = bufio.NewReader(alice.conn)
	// Not over less: neither to an address of UDP, nor to a binding that is not secure.
	for i, uri := range []string{
		fmt.Sprintf("sips:bob@%s;transport=udp", plain.LocalAddr()), "sips:bob@edge.example",
	} {
		alice.ask("REGISTER", "sip:edge.example", fmt.Sprintf("Call-ID: r%d\r\nCSeq: 1 REGISTER\r\n"+
			"Contact: <sip:bob@%s>\r\n", i, plain.LocalAddr()), 200)
		alice.ask("INVITE", uri, fmt.Sprintf("Call-ID: n%d\r\nCSeq: 1 INVITE\r\n", i), []int{500, 480}[i])
	}
	_ = plain.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, _, err := plain.ReadFrom(make([]byte, 2000)); err == nil {
		t.Errorf("%d bytes of a sips request came by UDP", n)
	}

	fmt.Fprint(alice.conn, secureRequest("INVITE", "sips:bob@"+callee.Addr().String(),
		"Call-ID: call\r\nCSeq: 1 INVITE\r\nContact: <sips:alice@127.0.0.1:9>\r\n"))
	bob := acceptTLS(t, callee)
	invite := bob.read("INVITE")
	route := string(invite.Get(sip.RecordRoute))
	if !strings.HasPrefix(route, "<sips:") {
		t.Errorf("Record-Route %s, want sips", route)
	}
	v, _ := invite.TopVia()
	if _, alias := sip.Param(v.Params, "alias"); v.Transport != sip.TLS || !alias {
		t.Errorf("Via %s, want TLS with alias", v.Element.Value)
	}
	bob.answer(invite, "Contact: <sips:bob@"+callee.Addr().String()+">\r\n")
	alice.status("INVITE", 200)
	within := "Route: " + route + "\r\nCall-ID: call\r\nCSeq: "
	fmt.Fprint(alice.conn,
		secureRequest("ACK", "sips:bob@"+callee.Addr().String(), within+"1 ACK\r\n"))
	bob.read("ACK")
	fmt.Fprint(alice.conn,
		secureRequest("INFO", "sips:bob@"+callee.Addr().String(), within+"2 INFO\r\n"))
	bob.answer(bob.read("INFO"), "")
	alice.status("INFO", 200)
	if n := s.metric(`sipedge_transport_connections_dialled_total{transport="tls"}`); n != 1 {
		t.Errorf("%v connections opened, want 1", n)
	}
}

// secureAgent is one end of a TLS connection.
type secureAgent struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// ask sends a request and waits for its final response.
func (a *secureAgent) ask(method, uri, lines string, want int) {
	a.t.Helper()
	fmt.Fprint(a.conn, secureRequest(method, uri, lines))
	a.status(method+" "+uri, want)
}

func (a *secureAgent) status(what string, want int) {
	a.t.Helper()
	m := readMessage(a.t, a.in)
	for m.Status() == 100 {
		m = readMessage(a.t, a.in)
	}
	if m.Status() != want {
		a.t.Fatalf("%s: %d, want %d\n%s", what, m.Status(), want, m.Raw())
	}
}

func (a *secureAgent) read(method string) *sip.Message {
	a.t.Helper()
	m := readMessage(a.t, a.in)
	if m.Method().String() != method {
		a.t.Fatalf("want %s, got\n%s", method, m.Raw())
	}
	return m
}

func (a *secureAgent) answer(m *sip.Message, lines string) {
	_, _ = a.conn.Write(sip.AppendReply(nil, m, 200, "", []byte("b"), []byte(lines)))
}

// secureRequest is a request of alice's; lines have Call-ID and CSeq.
func secureRequest(method, uri, lines string) string {
	tag := ""
	if strings.Contains(lines, "Route: ") {
		tag = ";tag=b"
	}
	_, id, _ := strings.Cut(lines, "CSeq: ")
	id, _, _ = strings.Cut(id, " ")
	_, call, _ := strings.Cut(lines, "Call-ID: ")
	call, _, _ = strings.Cut(call, "\r\n")
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/TLS c.example;branch=z9hG4bK%s%s\r\n"+
		"From: <sip:alice@a.example>;tag=1\r\nTo: <sip:bob@edge.example>%s\r\nMax-Forwards: 70\r\n"+
		"%sContent-Length: 0\r\n\r\n", method, uri, call, id, tag, lines)
}

// readMessage reads one without a body.
func readMessage(t *testing.T, in *bufio.Reader) *sip.Message {
	t.Helper()
	var b []byte
	for !strings.HasSuffix(string(b), "\r\n\r\n") {
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, b)
		}
		b = append(b, line...)
	}
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	return m
}

// serveTLS listens with a certificate.
func serveTLS(t *testing.T, file string) net.Listener {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func acceptTLS(t *testing.T, l net.Listener) *secureAgent {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &secureAgent{t, c, bufio.NewReader(c)}
}
