package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is what a service manager is told.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

// newManager listens where servers of this test tell theirs.
func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &manager{t, conn}
}

// told is the next that it is told, but for that the server lives.
func (m *manager) told() string {
	m.t.Helper()
	b := make([]byte, 4096)
	for {
		m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := m.conn.Read(b)
		if err != nil {
			m.t.Fatal(err)
		}
		if text := string(b[:n]); text != "WATCHDOG=1" {
			return text
		}
	}
}

func (m *manager) want(pattern string) {
	m.t.Helper()
	if got := m.told(); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		m.t.Fatalf("told %q, want %s", got, pattern)
	}
}

// A service manager is told what Type=notify-reload and WatchdogSec= want to know.
func TestServiceManager(t *testing.T) {
	m := newManager(t)
	t.Setenv("WATCHDOG_USEC", "200000")
	policy := testHead + "routes: {request: [{do: [{reply: {code: 404}}]}]}\n"
	s := startServer(t, policy)
	m.want("READY=1\nSTATUS=policy of generation 1")
	for range 3 {
		m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		b := make([]byte, 100)
		if n, err := m.conn.Read(b); err != nil || string(b[:n]) != "WATCHDOG=1" {
			t.Fatalf("%q, %v", b[:n], err)
		}
	}
	for _, c := range []struct{ more, want string }{
		{"# another\n", "policy of generation 2"},
		{"x: 1\n", "policy of generation 2 goes on, a reload was refused: the policy has a mistake"},
	} {
		s.write(policy + c.more)
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		m.want("RELOADING=1\nMONOTONIC_USEC=[0-9]+\n")
		m.want("READY=1\nSTATUS=" + c.want)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.want("STOPPING=1")
}

// The unit that is shipped is one, in the words of this systemd.
func TestUnit(t *testing.T) {
	needs(t, "systemd-analyze")
	unit, err := os.ReadFile("../../examples/deploy/systemd/sipedge.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("sipedge")
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(t.TempDir(), "sipedge.service")
	text := strings.Replace(string(unit), "/usr/local/bin/sipedge", program, -1)
	if err := os.WriteFile(here, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", here).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
