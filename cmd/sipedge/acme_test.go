package main

import (
	"crypto/tls"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/sip/resolve/resolvetest"
	"sipedge/sip/transport/acme/acmetest"
)

// issuing is a server whose certificate edge is issued by a CA, and spare is in files.
type issuing struct {
	*server
	t             *testing.T
	ca            *acmetest.CA
	state, policy string
	port          uint16
}

// startIssuing starts it, and the CA before, which is down.
func startIssuing(t *testing.T) *issuing {
	t.Helper()
	x := &issuing{t: t, state: t.TempDir(), port: freePort(t)}
	dns := resolvetest.Named(t, "edge IN A 127.0.0.1\nsecond IN A 127.0.0.1\n")
	x.ca = acmetest.New(t, acmetest.Config{DNS: dns, TLS: int(x.port), Validity: 9 * time.Second})
	x.ca.Down()
	x.policy = fmt.Sprintf(`version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
listen: [{tls: "127.0.0.1:%d", certificate: [edge, spare]}]
certificates:
  spare: {cert: %[2]s/spare.example.pem, key: %[2]s/spare.example.key}
  edge: {acme: {domain: edge.example, directory: %[3]q, ca: %[4]s, email: ops@edge.example}}
routes: {request: [{do: [{reply: {code: 404}}]}]}
`, x.port, openssl(t, "spare.example"), x.ca.Directory, x.ca.Root)
	x.start()
	return x
}

func (x *issuing) start() {
	x.t.Helper()
	x.server = startServer(x.t, x.policy, "--state", x.state)
}

// dial opens a connection that asks for a name.
func (x *issuing) dial(name string, protocols ...string) (*tls.Conn, error) {
	return dialAt(x.port, name, protocols...)
}

func dialAt(port uint16, name string, protocols ...string) (*tls.Conn, error) {
	d := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 10 * time.Second},
		Config:    &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols},
	}
	c, err := d.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*tls.Conn), nil
}

// shown is the serial number of the certificate of name, which it has to be of; nil: there is none.
func (x *issuing) shown(name string) *big.Int {
	c, err := x.dial(name)
	if err != nil {
		return nil
	}
	defer c.Close()
	leaf := c.ConnectionState().PeerCertificates[0]
	if err := leaf.VerifyHostname(name); err != nil {
		x.t.Error(err)
	}
	return leaf.SerialNumber
}

func (x *issuing) orders(result string) float64 {
	return x.metric(fmt.Sprintf(`sipedge_acme_orders_total{result=%q}`, result))
}

// listed fails unless ctl tells of each of these.
func (x *issuing) listed(want ...string) {
	x.t.Helper()
	list := sipedge(x.t, "", "ctl", "--socket", filepath.Join(x.state, "ctl.sock"), "certificates")
	for _, w := range want {
		if !strings.Contains(list, w) {
			x.t.Errorf("ctl certificates does not tell of %q:\n%s", w, list)
		}
	}
}

// A certificate is issued by Pebble when that comes up, renewed while others connect, and there at
// once after a restart. What does not wait for it is not touched.
func TestACME(t *testing.T) {
	x := startIssuing(t)
	faults := `sipedge_transport_handshakes_failed_total{reason="not_issued",transport="tls"}`
	if x.shown("edge.example") != nil {
		t.Error("a certificate before it is issued")
	}
	until(t, "a handshake refused for that", func() bool { return x.metric(faults) == 1 })
	old, err := x.dial("spare.example")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	until(t, "a CA that is away", func() bool { return x.orders("unreachable") > 0 })
	x.listed("connection refused", "spare.example", "edge.example")
	x.ca.Up()
	until(t, "a certificate", func() bool { return x.shown("edge.example") != nil })
	x.listed("edge.example")
	challenges := `sipedge_transport_acme_challenges_total{transport="tls"}`
	if n := x.metric(challenges); n < 3 {
		t.Errorf("%v challenges answered, and Pebble asks three times", n)
	}
	ends := x.metric(`sipedge_certificate_not_after_seconds{certificate="edge",of="certificate"}`)
	if left := time.Until(time.Unix(int64(ends), 0)); left > 9*time.Second {
		t.Errorf("it ends in %v", left)
	}
	x.renewed()
	x.reloads()
	if got := registerStatus(t, old, "edge.example", 1); got != "404" {
		t.Errorf("on the connection of before: %s", got)
	}
	x.ca.Down()
	x.stop()
	x.start()
	if x.shown("edge.example") == nil {
		t.Error("after a restart there is no certificate")
	}
	x.refusesProofs()
}

// renewed waits for another certificate while connections come; none is refused.
func (x *issuing) renewed() {
	x.t.Helper()
	first := x.shown("edge.example")
	if first == nil {
		x.t.Fatal("no certificate")
	}
	var mu sync.Mutex
	var dialling sync.WaitGroup
	count, after := 0, 0 // those that got the certificate that came
	knock := func() {
		c, err := x.dial("edge.example")
		if err != nil {
			x.t.Errorf("a connection is refused: %v", err)
			return
		}
		defer c.Close()
		mu.Lock()
		defer mu.Unlock()
		count++
		if c.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(first) != 0 {
			after++
		}
	}
	done := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return after > 50
	}
	for end := time.Now().Add(20 * time.Second); !done() && !x.t.Failed(); {
		if time.Now().After(end) {
			x.t.Error("it is not renewed")
			break
		}
		dialling.Go(knock)
		time.Sleep(10 * time.Millisecond)
	}
	dialling.Wait()
	x.t.Logf("%d connections, %d of them after the renewal", count, after)
}

// reloads adds a certificate and takes it out again: the other goes on.
func (x *issuing) reloads() {
	x.t.Helper()
	port := freePort(x.t)
	x.reload(strings.NewReplacer(
		"listen: [", fmt.Sprintf(`listen: [{tls: "127.0.0.1:%d", certificate: second}, `, port),
		"routes:", fmt.Sprintf("  second: {acme: {domain: second.example, directory: %q, ca: %s}}\n"+
			"routes:", x.ca.Directory, x.ca.Root),
	).Replace(x.policy), true)
	if x.shown("edge.example") == nil {
		x.t.Error("a reload loses what was issued")
	}
	until(x.t, "another", func() bool {
		c, err := dialAt(port, "second.example")
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	x.listed("second.example", "edge.example")
	x.reload(x.policy, true)
	if x.shown("edge.example") == nil {
		x.t.Error("a reload that takes out another loses what was issued")
	}
}

// refusesProofs: who asks whose a name is gets no connection for SIP, and no proof unless an order
// is under way, which is a matter of luck as long as there is a CA: it has to be down.
func (x *issuing) refusesProofs() {
	x.t.Helper()
	before := x.metric("sipedge_transport_connections_accepted_total")
	for _, name := range []string{"edge.example", "stranger.example"} {
		if c, err := x.dial(name, "acme-tls/1"); err == nil {
			c.Close()
			x.t.Errorf("a proof of %s is shown to anybody", name)
		}
	}
	if n := x.metric("sipedge_transport_connections_accepted_total") - before; n != 2 {
		x.t.Errorf("%v connections accepted, want 2", n)
	}
}

// Without a state folder what is issued would be lost.
func TestACMEWithoutState(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := `version: 1
listen: [{tls: "127.0.0.1:0", certificate: edge}]
certificates:
  edge: {acme: {domain: edge.example, directory: "https://127.0.0.1:1/"}}
routes: {request: [{do: [{reply: {code: 404}}]}]}
`
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sipedge", "serve", policy)
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY=")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "policy.yaml:4:3: error SE2126: ") ||
		strings.Count(string(out), "error") != 1 {
		t.Errorf("%v\n%s", err, out)
	}
}
