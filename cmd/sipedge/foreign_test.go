package main

import (
	"crypto/md5"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sipedge/backends/backendtest"
)

// house is a database server with somebody else's tables.
type house struct {
	t      *testing.T
	driver string // ours
	dsn    string
	url    string // theirs
	client []string
}

func newHouse(t *testing.T, driver string) *house {
	t.Helper()
	h := &house{t: t, driver: driver}
	switch driver {
	case "mysql":
		s := backendtest.MariaDB(t)
		host, port, _ := net.SplitHostPort(s.Addr)
		h.dsn = s.MySQLDSN()
		h.url = fmt.Sprintf("mysql://sipedge:secret@%s:%s/sipedge", host, port)
		h.client = []string{"mariadb", "--no-defaults", "--protocol=tcp", "-h", host, "-P", port,
			"-usipedge", "-psecret", "-N", "-B", "sipedge"}
	case "postgres":
		s := backendtest.Postgres(t)
		h.dsn, h.url = s.PostgresDSN(), fmt.Sprintf("postgres://sipedge@%s/sipedge", s.Addr)
		h.client = []string{"psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", s.PostgresDSN()}
	}
	needs(t, h.client[0])
	return h
}

// sql runs statements by the database's own client, and returns what it prints.
func (h *house) sql(statements string) string {
	h.t.Helper()
	cmd := exec.Command(h.client[0], h.client[1:]...)
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", h.client[0], err, out)
	}
	return string(out)
}

// load makes the tables of a folder of SQL, that of versions first.
func (h *house) load(folder string) {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*-create.sql"))
	files = slices.DeleteFunc(files, func(f string) bool { // of IMS: they repeat tables of others
		return strings.HasPrefix(filepath.Base(f), "ims_")
	})
	if err != nil || len(files) < 10 {
		h.t.Fatalf("%d files in %s, %v", len(files), folder, err)
	}
	slices.SortStableFunc(files, func(a, b string) int {
		first := func(s string) int { return strings.Count(filepath.Base(s), "standard") }
		return first(b) - first(a)
	})
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(append(all, b...), '\n')
	}
	h.sql(string(all))
}

// subscriber adds alice by the conventions of both: hashes, and no password.
func (h *house) subscriber(more ...string) {
	h.t.Helper()
	ha1 := func(user string) string {
		return fmt.Sprintf("%x", md5.Sum([]byte(user+":127.0.0.1:secret_of_alice")))
	}
	columns, values := "username, domain, ha1", fmt.Sprintf("'alice', '127.0.0.1', '%s'", ha1("alice"))
	for _, c := range more {
		columns, values = columns+", "+c, values+fmt.Sprintf(", '%s'", ha1("alice@127.0.0.1"))
	}
	h.sql(fmt.Sprintf("INSERT INTO subscriber (%s) VALUES (%s);", columns, values))
}

// policy is 03-registrar over the database.
func (h *house) policy(layout string) string {
	return movedExample(h.t, "03-registrar",
		"{sqlite: {file: registrar.db}}", fmt.Sprintf("{%s: {dsn: %q}}", h.driver, h.dsn),
		"database: store}", "database: store, layout: "+layout+"}")
}

// check is what `sipedge db check` says of a table.
func (h *house) check(table string) string {
	out, _ := exec.Command("sipedge", "db", "check", "--db", h.dsn).CombinedOutput()
	line := regexp.MustCompile(`(?m)^` + table + ` +(.*)$`).FindStringSubmatch(string(out))
	if line == nil {
		h.t.Fatalf("nothing of %s:\n%s", table, out)
	}
	return line[1]
}

// startRegistrar starts a Kamailio that registers over the database.
func startRegistrar(t *testing.T, driver, url string) *kamailio {
	t.Helper()
	needs(t, "sipsak")
	return startKamailio(t, "foreign/kamailio.cfg", "@DRIVER@", driver, "@URL@", url)
}

// registers has alice register a contact at a port, with a password.
func registers(t *testing.T, port int, password, contact string, want bool) {
	t.Helper()
	out, err := exec.Command("sipsak", "-U", "-i", "-C", contact, "-u", "alice", "-a", password,
		"-r", strconv.Itoa(port), "-s", "sip:alice@127.0.0.1", "-x", "600", "-vv").CombinedOutput()
	if ok := err == nil && strings.Contains(string(out), "completed successful"); ok != want {
		t.Fatalf("%s registered: %t, want %t\n%s", contact, ok, want, out)
	}
}

// Kamailio and sipedge take turns on one database, in the tables that Kamailio publishes: each
// lets the users in and knows the bindings that the other wrote.
func TestKamailioTables(t *testing.T) {
	for driver, theirs := range map[string]string{"mysql": "db_mysql", "postgres": "db_postgres"} {
		t.Run(driver, func(t *testing.T) {
			versions := backendtest.Need(t, "standard-create.sql", "/usr/share/kamailio/"+driver)
			h := newHouse(t, driver)
			h.load(filepath.Dir(versions))
			h.subscriber("ha1b")
			const first, second = "sip:alice@127.0.0.1:7001", "sip:alice@127.0.0.1:7002"

			k := startRegistrar(t, theirs, h.url)
			registers(t, k.port, "secret_of_alice", first, true)
			k.stop()

			for table, want := range map[string]string{
				"subscriber": "version 7, want 8, lacks ha1_sha256",
				"location":   "of another program, lacks contact_id",
			} {
				if got := h.check(table); !strings.HasPrefix(got, want) {
					t.Errorf("db check: %s %s, want %s", table, got, want)
				}
			}
			h.sql("INSERT INTO address (grp, ip_addr, mask, tag) VALUES (2, '127.0.0.0', 8, 'here');")
			s := startServer(t, h.policy("kamailio")+
				"tables: {peers: {address: {sql: {backend: store}}}}\n")
			if n := s.metric("sipedge_bindings"); n != 1 {
				t.Errorf("%v bindings of Kamailio's, want 1", n)
			}
			if n := s.metric(`sipedge_table_rows{table="peers"}`); n != 1 {
				t.Errorf("%v addresses of Kamailio's, want 1", n)
			}
			port := int(s.addr("udp", false).Port())
			registers(t, port, "guessed", second, false)
			registers(t, port, "secret_of_alice", second, true)
			registers(t, port, "secret_of_alice", first, true) // a refresh, of what Kamailio wrote
			s.stop()
			s.killed = true
			got, want := h.sql("SELECT contact FROM location ORDER BY contact;"), first+"\n"+second+"\n"
			if got != want {
				t.Errorf("rows of the table: want, got:\n%s\n%s", want, got)
			}

			k = startRegistrar(t, theirs, h.url)
			await(t, 10*time.Second, func() (string, bool) { // it reads the table after it began
				dump, err := k.ask("ul.dump")
				return "Kamailio does not know what sipedge wrote: " + dump,
					err == nil && strings.Contains(dump, first) && strings.Contains(dump, second)
			})
			registers(t, k.port, "secret_of_alice", second, true)
		})
	}
}

// Users and bindings in the tables of OpenSIPS, written as it writes them.
func TestOpenSIPSTables(t *testing.T) {
	needs(t, "sipsak")
	for _, driver := range []string{"mysql", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			h := newHouse(t, driver)
			if real := os.Getenv("SIPEDGE_OPENSIPS_SQL"); real != "" {
				h.load(filepath.Join(real, driver))
			} else {
				b, err := os.ReadFile("testdata/foreign/opensips-" + driver + ".sql")
				if err != nil {
					t.Fatal(err)
				}
				h.sql(string(b))
			}
			h.subscriber()
			const first, second = "sip:alice@127.0.0.1:7001", "sip:alice@127.0.0.1:7002"
			h.sql(fmt.Sprintf("INSERT INTO location (contact_id, username, domain, contact, expires, q, "+
				"callid, cseq, last_modified, flags, cflags, user_agent, socket, methods) VALUES "+
				"(3617797875662073346, 'alice', '127.0.0.1', '%s', %d, -1.00, 'x', 13, "+
				"'2026-01-01 00:00:01', 0, '', 'phone', 'udp:127.0.0.1:5060', NULL);",
				first, time.Now().Add(time.Hour).Unix()))
			for _, table := range []string{"subscriber", "location"} {
				if got := h.check(table); got != "fine" {
					t.Errorf("db check: %s %s", table, got)
				}
			}
			s := startServer(t, h.policy("opensips"))
			if n := s.metric("sipedge_bindings"); n != 1 {
				t.Errorf("%v bindings, want 1", n)
			}
			port := int(s.addr("udp", false).Port())
			registers(t, port, "guessed", second, false)
			registers(t, port, "secret_of_alice", second, true)
			registers(t, port, "secret_of_alice", first, true)
			s.stop()
			s.killed = true
			got := h.sql("SELECT contact, username, domain FROM location ORDER BY contact;")
			got = strings.ReplaceAll(got, "|", "\t")
			const who = "\talice\t127.0.0.1\n"
			if want := first + who + second + who; got != want {
				t.Errorf("rows of the table: want, got:\n%s\n%s", want, got)
			}
		})
	}
}

// The same over text files: Kamailio's db_text and ours.
func TestKamailioText(t *testing.T) {
	versions := backendtest.Need(t, "version", "/usr/share/kamailio/dbtext/kamailio")
	folder := filepath.Join(t.TempDir(), "people")
	if err := os.CopyFS(folder, os.DirFS(filepath.Dir(versions))); err != nil {
		t.Fatal(err)
	}
	ha1 := fmt.Sprintf("%x", md5.Sum([]byte("alice:127.0.0.1:secret_of_alice")))
	subscriber := "id(int,auto) username(string) domain(string) password(string) ha1(string) " +
		"ha1b(string)\n1:alice:127.0.0.1:-:" + ha1 + ":-\n"
	err := os.WriteFile(filepath.Join(folder, "subscriber"), []byte(subscriber), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	const first, second = "sip:alice@127.0.0.1:7001", "sip:alice@127.0.0.1:7002"
	k := startRegistrar(t, "db_text", "text://"+folder)
	registers(t, k.port, "secret_of_alice", first, true)
	k.stop() // it writes when it ends
	s := startServer(t, movedExample(t, "03-registrar",
		"{sqlite: {file: registrar.db}}", fmt.Sprintf("{text: {folder: %q}}", folder),
		"database: store}", "database: store, layout: kamailio}"))
	if n := s.metric("sipedge_bindings"); n != 1 {
		t.Errorf("%v bindings of Kamailio's, want 1", n)
	}
	port := int(s.addr("udp", false).Port())
	registers(t, port, "guessed", second, false)
	registers(t, port, "secret_of_alice", second, true)
	s.stop()
	s.killed = true
	k = startRegistrar(t, "db_text", "text://"+folder)
	await(t, 10*time.Second, func() (string, bool) {
		dump, err := k.ask("ul.dump")
		return "Kamailio does not know what sipedge wrote: " + dump,
			err == nil && strings.Contains(dump, first) && strings.Contains(dump, second)
	})
	registers(t, k.port, "secret_of_alice", second, true)
}
