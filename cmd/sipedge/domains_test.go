package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/postgres"
	"sipedge/backends/sqlite"
)

// inDomain has sipsak register a contact of user@domain by the server.
func inDomain(s *server, aor, password, contact string) (string, bool) {
	user, _, _ := strings.Cut(aor, "@")
	out, err := sipsak(user, password, contact, "-p", s.addr("udp", false).String(),
		"-s", "sip:"+aor)
	return out, err == nil && strings.Contains(out, "completed successful")
}

// soon waits until something holds.
func soon(t *testing.T, bound time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(bound); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", bound, what)
		}
	}
}

// addDomain inserts one, or several.
func addDomain(t *testing.T, db backends.DB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := db.Insert(t.Context(), "domain", []string{"domain"}, backends.Row{name}); err != nil {
			t.Fatal(err)
		}
	}
}

// Two users of one name in two domains: each registers with his own password alone, and each has
// bindings of his own. A domain counts when the table was read.
func TestMultiDomainExample(t *testing.T) {
	needs(t, "sipsak")
	file := filepath.Join(t.TempDir(), "domains.db")
	sipedge(t, "", "db", "init", "--db", "sqlite:"+file)
	sipedge(t, "first\n", "user", "add", "--db", "sqlite:"+file, "alice@a.example")
	sipedge(t, "second\n", "user", "add", "--db", "sqlite:"+file, "alice@b.example")
	db := backendtest.OpenDB(t, &sqlite.Driver, fmt.Sprintf("file: %q", file))
	addDomain(t, db, "a.example")
	s := startServer(t, movedExample(t, "04-multi-domain", "file: domains.db", "file: "+file,
		"refresh: 5s", "refresh: 1s"))
	for i, tt := range []struct {
		aor, password string
		ok            bool
	}{
		{"alice@a.example", "first", true}, {"alice@a.example", "second", false},
		{"alice@b.example", "second", false}, // not served yet
	} {
		out, ok := inDomain(s, tt.aor, tt.password, fmt.Sprintf("sip:alice@127.0.0.1:71%02d", i))
		if ok != tt.ok {
			t.Errorf("%s with %q: registered %t\n%s", tt.aor, tt.password, ok, out)
		}
	}
	version := s.metric(`sipedge_table_version{table="served"}`)
	addDomain(t, db, "B.example")
	soon(t, 10*time.Second, "the table is read again", func() bool {
		return s.metric(`sipedge_table_version{table="served"}`) > version
	})
	if out, ok := inDomain(s, "alice@b.example", "second", "sip:alice@127.0.0.1:7202"); !ok {
		t.Errorf("in the new domain: %s", out)
	}
	if out, ok := inDomain(s, "alice@b.example", "first", "sip:alice@127.0.0.1:7203"); ok {
		t.Errorf("with the other's password: %s", out)
	}
	if n := s.metric(`sipedge_bindings{backend="contacts"}`); n != 2 {
		t.Errorf("%v bindings, want one of each", n)
	}
}

// Domains that come and go in PostgreSQL, reloads of the policy, and the table broken for a
// while, under 100 registrations a second, or as many as the database is up to with 4 under way:
// none fails, and the alarm tells.
func TestPostgresExample(t *testing.T) {
	needs(t, "sipp")
	server := backendtest.Postgres(t)
	dsn := server.PostgresDSN()
	sipedge(t, "", "db", "init", "--db", dsn)
	sipedge(t, "secret_of_alice\n", "user", "add", "--db", dsn, "alice@127.0.0.1")
	db := backendtest.OpenDB(t, &postgres.Driver, fmt.Sprintf("dsn: %q\ntimeout: 30s", dsn))
	addDomain(t, db, "127.0.0.1", "a.example")
	policy := movedExample(t, "05-postgres",
		`"postgres://sipedge@127.0.0.1/sipedge?sslmode=disable"`, fmt.Sprintf("%q, timeout: 20s", dsn))
	s := startServer(t, policy)
	rows := func() float64 { return s.metric(`sipedge_table_rows{table="served"}`) }
	failed := func() float64 { return s.metric(`sipedge_table_failed{table="served"}`) }
	c := startUAC(t, "register_digest", "udp", s.addr("udp", false), endless(100), atOnce(4)...)
	for i := range 4 {
		before := rows()
		addDomain(t, db, fmt.Sprintf("d%d.example", i))
		soon(t, 30*time.Second, "a new domain counts", func() bool { return rows() == before+1 })
		s.reload(fmt.Sprintf("# reload %d\n%s", i, policy), true)
	}
	exec := func(statement string) {
		if _, err := db.(backends.Querier).Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	before := rows()
	exec("SELECT pg_notify('sipedge_changed', 'domain')")
	exec("ALTER TABLE domain RENAME TO gone")
	exec("SELECT pg_notify('sipedge_changed', 'domain')")
	soon(t, 30*time.Second, "the alarm tells", func() bool { return failed() == 1 })
	if rows() != before {
		t.Errorf("%v rows while the table is away, want %v", rows(), before)
	}
	exec("ALTER TABLE gone RENAME TO domain")
	soon(t, 30*time.Second, "it is well again", func() bool { return failed() == 0 })
	if ok, bad := c.finish(); ok < 100 || bad > 0 {
		t.Errorf("%d registrations, %d failed, want 100 at least and none", ok, bad)
	}
}

// That a database is away which tells of changes is known at once, though none is due to be read.
func TestPostgresAway(t *testing.T) {
	server := backendtest.Postgres(t)
	dsn := server.PostgresDSN()
	sipedge(t, "", "db", "init", "--db", dsn)
	s := startServer(t, movedExample(t, "05-postgres",
		`"postgres://sipedge@127.0.0.1/sipedge?sslmode=disable"`, fmt.Sprintf("%q, timeout: 20s", dsn)))
	failed := func() float64 { return s.metric(`sipedge_table_failed{table="served"}`) }
	soon(t, 30*time.Second, "it listens, and the table is read for that", func() bool {
		return s.metric(`sipedge_table_reloads_total{result="done",table="served"}`) > 0
	})
	server.Stop(t)
	soon(t, 30*time.Second, "the alarm tells", func() bool { return failed() == 1 })
	server.Start(t)
	soon(t, 60*time.Second, "it is well again", func() bool { return failed() == 0 })
}
