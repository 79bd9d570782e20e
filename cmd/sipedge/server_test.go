package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a `sipedge serve` of its own process. Its policy logs JSON and listens on port 0;
// where it listens is read from the log.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	policy string // path
	admin  string
	exited chan struct{}
	killed bool

	mu     sync.Mutex
	log    []string
	listen map[string][]netip.AddrPort // by transport
}

// testHead begins a policy of a test: every transport and family, any port.
const testHead = `version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8, "::1"]
listen:
  - {udp: "127.0.0.1:0"}
  - {tcp: "127.0.0.1:0"}
  - {udp: "[::1]:0"}
  - {tcp: "[::1]:0"}
`

// startServer runs a policy, with flags of serve, until the test ends, when the server must
// drain and exit 0.
func startServer(t *testing.T, policy string, flags ...string) *server {
	t.Helper()
	s := &server{
		t: t, policy: filepath.Join(t.TempDir(), "policy.yaml"),
		exited: make(chan struct{}), listen: map[string][]netip.AddrPort{},
	}
	s.write(policy)
	args := append([]string{"serve", "--drain", "200ms"}, flags...)
	s.cmd = exec.Command("sipedge", append(args, s.policy)...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go s.read(stderr, ready)
	t.Cleanup(s.stop)
	select {
	case <-ready:
	case <-s.exited:
		t.Fatalf("sipedge serve ended:\n%s", s.lines())
	case <-time.After(30 * time.Second):
		t.Fatalf("sipedge serve is not ready:\n%s", s.lines())
	}
	return s
}

func (s *server) write(policy string) {
	s.t.Helper()
	if err := os.WriteFile(s.policy, []byte(policy), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// read follows the log until the process ends.
func (s *server) read(log io.Reader, ready chan struct{}) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct{ Msg, Transport, Addr string }
		structured := json.Unmarshal(lines.Bytes(), &entry) == nil
		s.mu.Lock()
		s.log = append(s.log, lines.Text())
		if addr, err := netip.ParseAddrPort(entry.Addr); structured && err == nil {
			switch entry.Msg {
			case "listening":
				s.listen[entry.Transport] = append(s.listen[entry.Transport], addr)
			case "admin":
				s.admin = entry.Addr
			}
		}
		s.mu.Unlock()
		if structured && entry.Msg == "ready" {
			close(ready)
		}
	}
	s.cmd.Wait()
	close(s.exited)
}

func (s *server) lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// addr returns where the server listens with a transport, "udp" or "tcp", in a family.
func (s *server) addr(transport string, v6 bool) netip.AddrPort {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.listen[transport] {
		if a.Addr().Is6() == v6 {
			return a
		}
	}
	s.t.Fatalf("no listener of %s (IPv6: %v)", transport, v6)
	return netip.AddrPort{}
}

// stop ends the server by SIGTERM; one that does not drain, fails or panicked fails the test.
func (s *server) stop() {
	if s.killed {
		return
	}
	if s.t.Failed() && s.admin != "" {
		s.t.Logf("counters of sipedge:\n%s", s.counters())
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.exited
		s.t.Error("sipedge did not end after SIGTERM")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("sipedge serve: exit code %d", code)
	}
	if strings.Contains(s.lines(), "panic") {
		s.t.Error("sipedge panicked")
	}
	if s.t.Failed() {
		all := s.lines()
		s.t.Logf("log of sipedge:\n%s", all[max(0, len(all)-20000):])
	}
}

// kill ends the server by SIGKILL.
func (s *server) kill() {
	s.killed = true
	s.cmd.Process.Kill()
	<-s.exited
}

// reload swaps the policy and waits until the server says what became of it.
func (s *server) reload(policy string, good bool) {
	s.t.Helper()
	name := map[bool]string{true: "sipedge_policy_generation", false: "sipedge_reload_failures_total"}
	before := s.metric(name[good])
	s.write(policy)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	await(s.t, 20*time.Second, func() (string, bool) {
		now := s.metric(name[good])
		return fmt.Sprintf("%s is %v", name[good], now), now == before+1
	})
}

func (s *server) get(path string) (int, string) {
	s.t.Helper()
	r, err := http.Get("http://" + s.admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// metric sums all series of a metric.
func (s *server) metric(name string) (sum float64) {
	s.t.Helper()
	_, text := s.get("/metrics")
	found := false
	for l := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(l, name)
		if !ok || (rest[0] != ' ' && rest[0] != '{') {
			continue
		}
		fields := strings.Fields(rest)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			s.t.Fatalf("metric %q: %v", l, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		s.t.Fatalf("no metric %s", name)
	}
	return sum
}

// counters lists what is not zero.
func (s *server) counters() string {
	_, text := s.get("/metrics")
	var b strings.Builder
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "sipedge_") && !strings.HasSuffix(l, " 0\n") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// figures are what a process holds.
type figures struct{ Goroutines, FDs, Heap int }

func (s *server) figures() (f figures) {
	s.t.Helper()
	_, body := s.get("/debug/runtime")
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		s.t.Fatalf("/debug/runtime: %v in %q", err, body)
	}
	return f
}

// await asks until done, and fails with the last answer after the bound.
func await(t *testing.T, bound time.Duration, ask func() (string, bool)) {
	t.Helper()
	var last string
	for end := time.Now().Add(bound); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var done bool
		if last, done = ask(); done {
			return
		}
	}
	t.Fatalf("not within %v: %s", bound, last)
}
