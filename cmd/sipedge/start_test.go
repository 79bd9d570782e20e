package main

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/backends/backendtest"
)

// statusOf is the status of what a client is answered.
func (p *clients) statusOf(to netip.AddrPort, i int, ask string) (status int) {
	p.t.Helper()
	p.settle()
	p.mu.Lock()
	p.send(to, i, ask)
	p.mu.Unlock()
	await(p.t, 15*time.Second, func() (string, bool) {
		for s := range p.count() {
			status = s
		}
		return "no answer", status != 0
	})
	return status
}

// A server whose database is away at the start begins without: with write_back it goes on with
// what its journal has, else it answers 503, and is not ready until the bindings are read.
func TestStartWithoutDatabase(t *testing.T) {
	for _, persist := range []string{"write_through", "write_back", "database_only"} {
		t.Run(persist, func(t *testing.T) {
			server := backendtest.Postgres(t)
			db := postgresAt(server.PostgresDSN())
			sipedge(t, "", "db", "init", "--db", db.url)
			at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
			policy, state := registrarAt(at, persist, db), t.TempDir()
			s, p := startServer(t, policy, "--state", state), newClients(t, 2)
			if got := p.statusOf(at, 0, "0.5"); got != 200 {
				t.Fatalf("registered: %d", got)
			}
			server.Stop(t)
			if got, want := p.statusOf(at, 1, "0.7") == 200, persist == "write_back"; got != want {
				t.Fatalf("registered without the database: %t", got)
			}
			s.kill()
			s = startServer(t, policy, "--state", state)
			ready, want := 503, 503
			switch persist {
			case "write_back":
				ready, want = 200, 200
			case "database_only": // which is asked each time
				ready = 200
			}
			if code, _ := s.get("/readyz"); code != ready {
				t.Errorf("/readyz is %d, want %d", code, ready)
			}
			for i := range p.list {
				if got := p.statusOf(at, i, queries); got != want {
					t.Errorf("client %d asked what is registered: %d, want %d", i, got, want)
				}
			}
			server.Start(t)
			await(t, 10*time.Second, func() (string, bool) {
				code, _ := s.get("/readyz")
				return fmt.Sprintf("/readyz is %d", code), code == 200
			})
			p.verify(at)
		})
	}
}

// Who says that the server must not begin without its bindings has it end.
func TestStartFails(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	nowhere := fmt.Sprintf("postgres://x@127.0.0.1:%d/x?sslmode=disable", freePort(t))
	for _, persist := range []string{"write_through", "write_back", "database_only"} {
		text := registrarAt(netip.MustParseAddrPort("127.0.0.1:0"),
			persist+", on_start_error: fail", postgresAt(nowhere))
		(&server{t: t, policy: policy}).write(text)
		out, err := exec.Command("sipedge", "serve", "--state", t.TempDir(), policy).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "backend contacts: load location: ") {
			t.Errorf("%s: %v\n%s", persist, err, out)
		}
	}
}
