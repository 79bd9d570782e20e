package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// registrarPolicy is 03-registrar with a database of its own, and alice and bob in that.
func registrarPolicy(t *testing.T) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "registrar.db")
	sipedge(t, "", "db", "init", "--db", "sqlite:"+db)
	for _, user := range []string{"alice", "bob"} {
		sipedge(t, "secret_of_"+user+"\n", "user", "add", "--db", "sqlite:"+db, user+"@127.0.0.1")
	}
	return movedExample(t, "03-registrar", "file: registrar.db", "file: "+db)
}

// sipedge runs a command that must succeed.
func sipedge(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sipedge", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sipedge %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// register has sipsak register a contact of a user by digest.
func register(s *server, user, password, contact string) (string, error) {
	port := strconv.Itoa(int(s.addr("udp", false).Port()))
	return sipsak(user, password, contact, "-r", port, "-s", "sip:"+user+"@127.0.0.1")
}

// sipsak registers a contact of a user; where says with whom. It sends nothing again that is not
// answered soon: credentials count as often as they come.
func sipsak(user, password, contact string, where ...string) (string, error) {
	args := append([]string{"-U", "-i", "-C", contact, "-u", user, "-a", password, "-x", "600",
		"-vv", "-Z", "10000"}, where...)
	out, err := exec.Command("sipsak", args...).CombinedOutput()
	return string(out), err
}

// Who knows the password of a user registers, and nobody else; what was answered 200 is there
// when the server is killed and comes again.
func TestRegistrarExample(t *testing.T) {
	needs(t, "sipsak")
	policy := registrarPolicy(t)
	s := startServer(t, policy)
	for i, tt := range []struct {
		user, password string
		ok             bool
	}{
		{"alice", "secret_of_alice", true}, {"alice", "guessed", false},
		{"bob", "secret_of_alice", false}, {"carol", "secret_of_alice", false},
		{"bob", "secret_of_bob", true},
	} {
		contact := fmt.Sprintf("sip:%s@127.0.0.1:7%03d", tt.user, i)
		out, err := register(s, tt.user, tt.password, contact)
		if ok := err == nil && strings.Contains(out, "completed successful"); ok != tt.ok {
			t.Errorf("%s with %q: registered %t, %v\n%s", tt.user, tt.password, ok, err, out)
		}
	}
	if n := s.metric(`sipedge_bindings{backend="contacts"}`); n != 2 {
		t.Errorf("%v bindings, want 2", n)
	}
	for result, want := range map[string]float64{
		"accepted": 2, "bad_password": 2, "unknown_user": 1,
	} {
		if n := s.metric(`sipedge_auth_credentials_total{result="` + result + `"}`); n != want {
			t.Errorf("%v credentials %s, want %v", n, result, want)
		}
	}
	s.kill()
	again := startServer(t, policy)
	if n := again.metric(`sipedge_bindings{backend="contacts"}`); n != 2 {
		t.Errorf("%v bindings after kill -9, want 2", n)
	}
}

// Clients of the registrar, each with an address of record of its own, by SIPp.
func TestSIPpRegistrations(t *testing.T) {
	needs(t, "sipp")
	s := startServer(t, testHead+`
domains: [example.net]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, max_contacts: 2}}]
    - do: [{reply: {code: 405}}]
`)
	for _, transport := range []string{"udp", "tcp"} {
		l := load{calls: 100, rate: 100}
		c := startUAC(t, "registrations", transport, s.addr(transport, false), l)
		if ok, failed := c.wait(2 * time.Minute); ok != l.calls {
			t.Errorf("%s: %d clients were served, %d not, want %d", transport, ok, failed, l.calls)
		}
	}
	if n := s.metric("sipedge_bindings"); n != 0 {
		t.Errorf("%v bindings are left", n)
	}
}

// A phone registers by digest again and again, against users in SQLite.
func TestSIPpDigest(t *testing.T) {
	needs(t, "sipp")
	s := startServer(t, registrarPolicy(t))
	l := load{calls: 500, rate: 50}
	if soaking() {
		l.calls = 5000
	}
	c := startUAC(t, "register_digest", "udp", s.addr("udp", false), l)
	if ok, failed := c.wait(2 * time.Minute); ok != l.calls {
		t.Errorf("%d registrations, %d failed, want %d", ok, failed, l.calls)
	}
	if n := s.metric(`sipedge_auth_credentials_total{result="accepted"}`); n < float64(l.calls) {
		t.Errorf("%v credentials were accepted, want %d", n, l.calls)
	}
	if n := s.metric("sipedge_bindings"); n != 1 {
		t.Errorf("%v bindings of one phone", n)
	}
}

// Without its tables the server does not start, and says what makes them.
func TestNoTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	policy := movedExample(t, "03-registrar")
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sipedge", "serve", path)
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 3 ||
		!strings.Contains(string(out), "`sipedge db init` makes tables") {
		t.Errorf("%v\n%s", err, out)
	}
}
