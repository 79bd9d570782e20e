package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestValidateOffline: validate opens nothing and contacts nobody unless told to. The sockets
// it would meet are held here; --online meets them, so that they are seen to be the right ones.
func TestValidateOffline(t *testing.T) {
	dns, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dns.Close()
	listener, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := fmt.Sprintf(`version: 1
admin: {listen: none}
listen: [{udp: %q}]
dns: {servers: [%q]}
routes: {request: [{do: [{relay: {to: "sip:gw.example"}}]}]}
`, listener.LocalAddr(), dns.LocalAddr())
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := func(within time.Duration) bool {
		if err := dns.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		_, _, err := dns.ReadFrom(make([]byte, 512))
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return err == nil
	}
	out, err := exec.Command("sipedge", "validate", policy).CombinedOutput()
	if err != nil || string(out) != policy+": fine\n" {
		t.Errorf("validate: %v\n%s", err, out)
	}
	if asked(200 * time.Millisecond) {
		t.Error("validate asked the DNS")
	}
	out, err = exec.Command("sipedge", "validate", "--online", "--timeout", "1s", policy).
		CombinedOutput()
	for _, want := range []string{
		fmt.Sprintf("warning SE2005: udp %s is in use", listener.LocalAddr()),
		fmt.Sprintf("error SE2201: the DNS server %s does not answer", dns.LocalAddr()),
	} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("validate --online: %v, want %s in\n%s", err, want, out)
		}
	}
	if !asked(time.Minute) {
		t.Error("validate --online did not ask the DNS")
	}
}

// TestValidateServed: the listeners of a policy that is being served are no failure.
func TestValidateServed(t *testing.T) {
	port, admin := freePort(t), freePort(t)
	s := startServer(t, fmt.Sprintf(`version: 1
log: {format: json}
admin: {listen: "127.0.0.1:%d"}
listen: [{udp: "127.0.0.1:%d"}, {tcp: "127.0.0.1:%[2]d"}]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`, admin, port))
	out, err := exec.Command("sipedge", "validate", "--online", s.policy).CombinedOutput()
	if n := strings.Count(string(out), "warning SE2005: "); err != nil || n != 3 {
		t.Errorf("%v, %d listeners in use, want 3\n%s", err, n, out)
	}
}
