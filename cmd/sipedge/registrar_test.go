package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// registrarPolicy is 03-registrar with a database of its own, and alice and bob in that.
func registrarPolicy(t *testing.T) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "registrar.db")
	sipedge(t, "", "db", "init", "--db", "sqlite:"+db)
	for _, user := range []string{"alice", "bob"} {
		sipedge(t, "secret of "+user+"\n", "user", "add", "--db", "sqlite:"+db, user+"@127.0.0.1")
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
	out, err := exec.Command("sipsak", "-U", "-i", "-C", contact, "-u", user, "-a", password,
		"-r", port, "-s", "sip:"+user+"@127.0.0.1", "-x", "600", "-vv").CombinedOutput()
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
		{"alice", "secret of alice", true}, {"alice", "guessed", false},
		{"bob", "secret of alice", false}, {"carol", "secret of alice", false},
		{"bob", "secret of bob", true},
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
