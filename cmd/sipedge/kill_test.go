package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/postgres"
	"sipedge/backends/sqlite"
)

// database is one of a test: as a policy has it, as commands have it, and opened.
type database struct {
	settings, url string
	open          func(t *testing.T) backends.DB
}

func sqliteDatabase(t *testing.T) database {
	path := filepath.Join(t.TempDir(), "x.db")
	settings := fmt.Sprintf("{file: %q, timeout: 5s}", path)
	return database{"{sqlite: " + settings + "}", "sqlite:" + path, func(t *testing.T) backends.DB {
		return backendtest.OpenDB(t, &sqlite.Driver, settings)
	}}
}

func postgresDatabase(t *testing.T) database {
	return postgresAt(backendtest.Postgres(t).PostgresDSN())
}

func postgresAt(dsn string) database {
	settings := fmt.Sprintf("{dsn: %q}", dsn)
	return database{"{postgres: " + settings + "}", dsn, func(t *testing.T) backends.DB {
		return backendtest.OpenDB(t, &postgres.Driver, settings)
	}}
}

// registrarAt is a policy with a location store in a database.
func registrarAt(at netip.AddrPort, persist string, db database) string {
	return fmt.Sprintf(`version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8]
listen: [{udp: %q}]
domains: [example.net]
backends:
  store: %s
  contacts: {memory: {persist: %s, database: store}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - do: [{lookup: {location: contacts}}, {relay: {}}]
`, at, db.settings, persist)
}

// subscribers are bindings that nobody touches.
func subscribers(t *testing.T, db backends.DB, n int) {
	t.Helper()
	columns := []string{
		"contact_id", "username", "domain", "contact", "expires", "q", "callid", "cseq",
		"last_modified", "flags", "user_agent", "socket", "methods",
	}
	list := make([]backends.Row, n)
	now := time.Now()
	for i := range list {
		list[i] = backends.Row{
			int64(i + 1), fmt.Sprintf("s%d", i), "example.net", fmt.Sprintf("sip:s%d@192.0.2.1:5060", i),
			now.Add(24 * time.Hour).Unix(), 1.0, fmt.Sprintf("%d@192.0.2.1", i), int64(1), now.UTC(),
			int64(0), "a phone", "udp:127.0.0.1:5060", int64(5951),
		}
	}
	for page := range slices.Chunk(list, 2000) {
		if err := db.Insert(t.Context(), "location", columns, page...); err != nil {
			t.Fatal(err)
		}
	}
}

// What was acknowledged is there after kill -9, in whatever moment, and the server is back soon.
func TestKill(t *testing.T) {
	kills, load, others, bound := 3, 500*time.Millisecond, 2000, 20*time.Second
	if soaking() {
		kills, load, others, bound = 20, 2*time.Second, 100_000, 2*time.Second
	}
	for _, tt := range []struct {
		persist, name string
		open          func(*testing.T) database
	}{
		{"write_through", "sqlite", sqliteDatabase},
		{"write_back", "sqlite", sqliteDatabase},
		{"database_only", "sqlite", sqliteDatabase},
		{"write_through", "postgres", postgresDatabase},
		{"write_back", "postgres", postgresDatabase},
		{"database_only", "postgres", postgresDatabase},
	} {
		t.Run(tt.persist+"/"+tt.name, func(t *testing.T) {
			db := tt.open(t)
			sipedge(t, "", "db", "init", "--db", db.url)
			opened := db.open(t)
			subscribers(t, opened, others)
			at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
			policy, state := registrarAt(at, tt.persist, db), t.TempDir()
			s := startServer(t, policy, "--state", state)
			p := newClients(t, 600)
			all, slowest := map[int]int{}, time.Duration(0)
			for range kills {
				stop := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() { p.run(at, 500, stop) })
				time.Sleep(load/2 + rand.N(load))
				await(t, 20*time.Second, func() (string, bool) {
					n := p.count()
					return fmt.Sprintf("answers %v: too few 200", n), n[200] >= 10
				})
				s.kill()
				close(stop)
				wg.Wait()
				for status, n := range p.count() {
					all[status] += n
				}
				p.settle()
				began := time.Now()
				s = startServer(t, policy, "--state", state)
				await(t, 20*time.Second, func() (string, bool) {
					code, _ := s.get("/readyz")
					return fmt.Sprintf("/readyz is %d", code), code == 200
				})
				took := time.Since(began)
				slowest = max(slowest, took)
				if took > bound {
					t.Errorf("ready after %v with %d bindings", took, others)
				}
				if lost := p.verify(at); lost > 0 {
					t.Fatalf("%d clients are not what was acknowledged", lost)
				}
				p.settle()
			}
			t.Logf("%d kills, answers %v, ready within %v", kills, all, slowest.Round(time.Millisecond))
			untouched, err := opened.Select(t.Context(), backends.Select{
				Table: "location", Columns: []string{"username"},
				Where: []backends.Where{{Column: "user_agent", Op: backends.Equal, Value: "a phone"}},
			})
			if err != nil || len(untouched) != others {
				t.Errorf("%v, %d bindings of others, want %d", err, len(untouched), others)
			}
		})
	}
}
