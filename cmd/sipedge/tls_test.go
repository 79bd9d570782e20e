package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openssl makes a CA and certificates of SIP domains in a folder.
func openssl(t *testing.T, domains ...string) (dir string) {
	t.Helper()
	needs(t, "openssl")
	dir = t.TempDir()
	run := func(args ...string) { runOpenssl(t, dir, args...) }
	key := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"}
	run(append([]string{"req", "-x509", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem",
		"-addext", "keyUsage=critical,keyCertSign,cRLSign"}, key...)...)
	for _, d := range domains {
		run(append([]string{"req", "-x509", "-subj", "/CN=" + d, "-keyout", d + ".key",
			"-out", d + ".pem", "-CA", "ca.pem", "-CAkey", "ca.key",
			"-addext", "basicConstraints=critical,CA:false",
			"-addext", "subjectAltName=" + nameOfCertificate(d)}, key...)...)
	}
	return dir
}

// nameOfCertificate is a subjectAltName: of a domain, or of an address.
func nameOfCertificate(d string) string {
	if net.ParseIP(d) != nil {
		return "IP:" + d
	}
	return "URI:sip:" + d + ",DNS:" + d
}

func runOpenssl(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

// secure is a policy's TLS listener with the certificates of dir.
func secure(dir string) string {
	return fmt.Sprintf(`version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8]
listen: [{tls: "127.0.0.1:0", certificate: edge}]
certificates:
  edge:
    {cert: %[1]s/edge.example.pem, key: %[1]s/edge.example.key, ca: %[1]s/ca.pem, client: request}
`, dir)
}

// secureClient is a connection of who has the certificate of domain; "" none.
func secureClient(t *testing.T, s *server, dir, domain string) *tls.Conn {
	t.Helper()
	cfg := &tls.Config{InsecureSkipVerify: true}
	if domain != "" {
		file := filepath.Join(dir, domain)
		pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	c, err := tls.Dial("tcp", s.addr("tls", false).String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// status is that of the answer to a REGISTER of domain.
func registerStatus(t *testing.T, c *tls.Conn, domain string, seq int) string {
	t.Helper()
	text := fmt.Sprintf(`REGISTER sip:%[1]s SIP/2.0
Via: SIP/2.0/TLS c.example;branch=z9hG4bKr%[2]d
From: <sip:pbx@%[1]s>;tag=1
To: <sip:pbx@%[1]s>
Call-ID: %[2]d
CSeq: %[2]d REGISTER
Contact: <sip:pbx@c.example:5061;transport=tls>
Max-Forwards: 70
Content-Length: 0

`, domain, seq)
	fmt.Fprint(c, strings.ReplaceAll(text, "\n", "\r\n"))
	lines := bufio.NewReader(c)
	first, err := lines.ReadString('\n')
	for line := first; err == nil && line != "\r\n"; {
		line, err = lines.ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(first)[1]
}

// The certificate of a domain registers that domain, and no other.
func TestCertificateRegistersItsDomain(t *testing.T) {
	dir := openssl(t, "edge.example", "a.example", "b.example")
	s := startServer(t, secure(dir)+`domains: [a.example, b.example]
backends: {contacts: {memory: {}}}
routes:
  request:
    - name: a registers
      match: {method: REGISTER, peer: {san: "sip:a.example"}, to: {host: a.example}}
      do: [{save: {location: contacts}}]
    - name: b registers
      match:
        method: REGISTER
        peer: {domain: b.example, issuer: "CN=Test CA"}
        to: {host: b.example}
      do: [{save: {location: contacts}}]
    - name: nobody else
      do: [{reply: {code: 403, reason: "Not {peer.domain}"}}]
`)
	seq := 0
	for _, c := range []struct{ shown, domain, want string }{
		{"a.example", "a.example", "200"}, {"a.example", "b.example", "403"},
		{"b.example", "b.example", "200"}, {"b.example", "a.example", "403"},
		{"", "a.example", "403"},
	} {
		seq++
		got := registerStatus(t, secureClient(t, s, dir, c.shown), c.domain, seq)
		if got != c.want {
			t.Errorf("certificate of %q registers %s: %s, want %s", c.shown, c.domain, got, c.want)
		}
	}
	if n := s.metric(`sipedge_transport_handshakes_total{transport="tls"}`); n != 5 {
		t.Errorf("%v handshakes counted, want 5", n)
	}
	ends := s.metric(`sipedge_certificate_not_after_seconds{certificate="edge",of="certificate"}`)
	if int64(ends) < time.Now().Unix() {
		t.Errorf("the certificate ends at %v", ends)
	}
}

// until waits for what a server does in its own time.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Files that change are read again, on SIGHUP and without; those that are no certificates change
// nothing.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := openssl(t, "edge.example", "new.example")
	state := t.TempDir()
	s := startServer(t, secure(dir)+"routes: {request: [{do: [{reply: {code: 404}}]}]}\n",
		"--state", state)
	told := func(want ...string) {
		t.Helper()
		list := sipedge(t, "", "ctl", "--socket", filepath.Join(state, "ctl.sock"), "certificates")
		for _, w := range want {
			if !strings.Contains(list, w) {
				t.Errorf("ctl certificates does not tell of %q:\n%s", w, list)
			}
		}
	}
	pair, err := tls.LoadX509KeyPair(dir+"/edge.example.pem", dir+"/edge.example.key")
	if err != nil {
		t.Fatal(err)
	}
	told("edge", "edge.example", pair.Leaf.NotAfter.Local().Format(time.RFC3339))
	shown := func() string {
		c := secureClient(t, s, dir, "")
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	old := secureClient(t, s, dir, "")
	for _, ext := range []string{".pem", ".key"} {
		to := filepath.Join(dir, "edge.example"+ext)
		if err := os.Rename(filepath.Join(dir, "new.example"+ext), to); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the new one", func() bool { return shown() == "new.example" })
	bad := filepath.Join(dir, "edge.example.pem")
	if err := os.WriteFile(bad, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "a failure", func() bool {
		return s.metric(`sipedge_certificate_reloads_total{result="failed"}`) == 1
	})
	told("new.example", "edge.example.pem")
	if got := shown(); got != "new.example" {
		t.Errorf("a bad file: %s is shown", got)
	}
	if got := registerStatus(t, old, "edge.example", 1); got != "404" {
		t.Errorf("on the connection of before: %s", got)
	}
}

// Who changes his keys, and asks for ours to change, goes on.
func TestKeyUpdate(t *testing.T) {
	dir := openssl(t, "edge.example")
	s := startServer(t, secure(dir)+"routes: {request: [{do: [{reply: {code: 200}}]}]}\n")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client := exec.CommandContext(ctx, "openssl", "s_client", "-tls1_3", "-connect",
		s.addr("tls", false).String())
	in, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	client.Stderr = client.Stdout
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	hear := func(what string) {
		t.Helper()
		for line := ""; !strings.Contains(line, what); {
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	for i := range 3 {
		fmt.Fprintln(in, "K") // s_client does it
		hear("KEYUPDATE")
		text := fmt.Sprintf(`OPTIONS sip:edge.example SIP/2.0
Via: SIP/2.0/TLS c.example;branch=z9hG4bKk%[1]d
From: <sip:a@c.example>;tag=1
To: <sip:edge.example>
Call-ID: keys%[1]d
CSeq: 1 OPTIONS
Max-Forwards: 70
Content-Length: 0

`, i)
		fmt.Fprint(in, strings.ReplaceAll(text, "\n", "\r\n"))
		hear("SIP/2.0 200")
		hear(fmt.Sprintf("keys%d", i))
	}
	in.Close()
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	_ = client.Wait() // its end was asked for
}
