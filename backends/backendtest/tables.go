package backendtest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sipedge/backends"
	"sipedge/schema"
)

// RunTables holds an empty database against the contract of backends.Migrator, and looks accounts
// up in it: in tables of this program and, where there is SQL to make them, of OpenSIPS 1.6 and
// Kamailio, and of somebody's own.
func RunTables(t *testing.T, db backends.DB) {
	x := accounts{db, db.(backends.Querier), db.(backends.Migrator)}
	for _, c := range []struct {
		name  string
		needs backends.Capability
		test  func(*testing.T, accounts)
	}{
		{"init", 0, initialise}, {"old", backends.CanRaw, old}, {"newer", 0, newer},
		{"foreign", backends.CanRaw, foreign}, {"subscribers", 0, subscribers},
		{"other layouts", backends.CanRaw, layouts}, {"aliases", 0, aliases},
		{"identities", 0, identities}, {"domains", 0, domains},
		{"other domains", backends.CanRaw, otherDomains},
	} {
		if db.Can()&c.needs == c.needs {
			t.Run(c.name, func(t *testing.T) { c.test(t, x) })
		}
	}
}

type accounts struct {
	backends.DB
	backends.Querier
	backends.Migrator
}

func (x accounts) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		_, err := x.Exec(t.Context(), s)
		check(t, err)
	}
}

// findings are those that are not fine.
func (x accounts) findings(t *testing.T) (out []backends.Finding) {
	t.Helper()
	all, err := x.Check(t.Context(), backends.Tables)
	check(t, err)
	if len(all) != len(backends.Tables) {
		t.Fatalf("%d findings of %d tables", len(all), len(backends.Tables))
	}
	for _, f := range all {
		if !f.Fine() {
			out = append(out, f)
		}
	}
	return out
}

func (x accounts) expect(t *testing.T, want ...backends.Finding) {
	t.Helper()
	if diff := cmp.Diff(want, x.findings(t)); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
}

func initialise(t *testing.T, x accounts) {
	for _, f := range x.findings(t) {
		if !f.Absent {
			t.Errorf("%+v in an empty database", f)
		}
	}
	check(t, x.Migrate(t.Context(), backends.Tables))
	x.expect(t)
	check(t, x.Insert(t.Context(), "subscriber", []string{"username", "domain", "password"},
		backends.Row{"alice", "example.org", "secret"}))
	check(t, x.Migrate(t.Context(), backends.Tables)) // once more is nothing
	err := x.Insert(t.Context(), "subscriber", []string{"username", "domain"},
		backends.Row{"alice", "example.org"})
	if !errors.Is(err, backends.ErrExists) {
		t.Errorf("the same subscriber: %v, want ErrExists", err)
	}
}

// A table of an older version gets its columns; what is in it stays.
func old(t *testing.T, x accounts) {
	x.exec(t, "ALTER TABLE subscriber DROP COLUMN ha1_sha512t256",
		"UPDATE version SET table_version = 7 WHERE table_name = 'subscriber'")
	x.expect(t, backends.Finding{Table: "subscriber", Version: 7, Want: 8,
		Missing: []string{"ha1_sha512t256"}})
	check(t, x.Migrate(t.Context(), backends.Tables))
	x.expect(t)
	c, err := backends.SubscribersOf(x, &schema.Value{}).Credential(t.Context(), "alice", "", "")
	check(t, err)
	if c.Password != "secret" {
		t.Errorf("password %q", c.Password)
	}
}

// version sets that of subscriber.
func (x accounts) version(t *testing.T, v int64) {
	t.Helper()
	n, err := x.Update(t.Context(), "version", []backends.Cell{{Column: "table_version", Value: v}},
		[]backends.Where{is("table_name", "subscriber")})
	if n != 1 || err != nil {
		t.Fatalf("updated %d, %v; want 1", n, err)
	}
}

func newer(t *testing.T, x accounts) {
	x.version(t, 9)
	want := backends.Finding{Table: "subscriber", Version: 9, Want: 8}
	x.expect(t, want)
	check(t, x.Migrate(t.Context(), backends.Tables))
	x.expect(t, want)
	// Kamailio's table of versions has itself.
	x.version(t, 8)
	check(t, x.Insert(t.Context(), "version", []string{"table_name", "table_version"},
		backends.Row{"version", int64(1)}))
	x.expect(t)
}

// Somebody else's table of that name is left alone.
func foreign(t *testing.T, x accounts) {
	x.exec(t, "DROP TABLE grp", "CREATE TABLE grp (username VARCHAR(64), domain VARCHAR(64), "+
		"grp VARCHAR(64), last_modified TIMESTAMP)")
	want := backends.Finding{Table: "grp", Version: 3, Want: 3, Missing: []string{"id"}, Foreign: true}
	x.expect(t, want)
	check(t, x.Migrate(t.Context(), backends.Tables))
	x.expect(t, want)
	x.exec(t, "DROP TABLE grp")
	check(t, x.Migrate(t.Context(), backends.Tables))
	x.expect(t)
}

// settings are those of backends.SubscriberCUE.
func settings(t *testing.T, yaml string) *schema.Value {
	t.Helper()
	form := schema.NewForm("\n#Settings: "+backends.SubscriberCUE, "#Settings")
	v, diags := form.Read("subscribers.yaml", []byte(yaml))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return &v
}

func subscribers(t *testing.T, x accounts) {
	check(t, x.Insert(t.Context(), "subscriber",
		[]string{"username", "domain", "password", "ha1", "ha1_sha256", "ha1_sha512t256"},
		backends.Row{"bob", "example.org", "", "h1", "h2", "h5"},
		backends.Row{"bob", "example.net", "p", "", "", ""}))
	s := backends.SubscribersOf(x, &schema.Value{}, "domain")
	c, err := s.Credential(t.Context(), "bob", "example.org", "example.org")
	check(t, err)
	want := &backends.Credential{HA1: "h1", SHA256: "h2", SHA512256: "h5",
		Extra: []backends.Cell{{Column: "domain", Value: "example.org"}}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	if _, err := s.Credential(t.Context(), "bob", "", ""); !errors.Is(err, backends.ErrRefused) {
		t.Errorf("two subscribers: %v, want ErrRefused", err)
	}
	for _, user := range append(Hostile, "BOB", "bob ", "alice'--") {
		if user == "bob" {
			continue
		}
		_, err := s.Credential(t.Context(), user, "example.org", "")
		if !errors.Is(err, backends.ErrNotFound) && !errors.Is(err, backends.ErrRefused) {
			t.Errorf("%q: %v, want ErrNotFound", user, err)
		}
	}
}

func layouts(t *testing.T, x accounts) {
	x.exec(t, "CREATE TABLE subscriber16 (id INTEGER, username VARCHAR(64), domain VARCHAR(64), "+
		"password VARCHAR(25), email_address VARCHAR(64), ha1 VARCHAR(64), ha1b VARCHAR(64), "+
		"rpid VARCHAR(64))",
		"INSERT INTO subscriber16 VALUES (1, 'carol', 'example.org', 'p', 'c@example.org', 'h', "+
			"'hb', NULL)",
		"CREATE TABLE people (login VARCHAR(64), digest VARCHAR(64))",
		"INSERT INTO people VALUES ('carol', 'h')")
	for yaml, want := range map[string]*backends.Credential{
		"table: subscriber16": {Password: "p", HA1: "h", HA1b: "hb"},
		"{table: people, columns: {username: login, ha1: digest, domain: '', password: '', " +
			"ha1b: '', ha1_sha256: '', ha1_sha512t256: ''}}": {HA1: "h"},
	} {
		s := backends.SubscribersOf(x, settings(t, yaml))
		for range 2 {
			c, err := s.Credential(t.Context(), "carol", "example.org", "example.org")
			check(t, err)
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("%s: want, got:\n%s", yaml, diff)
			}
		}
		_, err := s.Credential(t.Context(), "mallory", "", "")
		if !errors.Is(err, backends.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", yaml, err)
		}
	}
	none := backends.SubscribersOf(x, settings(t, "table: nosuch"))
	_, err := none.Credential(t.Context(), "a", "", "")
	if !errors.Is(err, backends.ErrRefused) {
		t.Errorf("no such table: %v", err)
	}
}

func aliases(t *testing.T, x accounts) {
	check(t, x.Insert(t.Context(), "dbaliases",
		[]string{"alias_username", "alias_domain", "username", "domain"},
		backends.Row{"100", "example.org", "alice", "example.org"},
		backends.Row{"100", "example.net", "bob", "example.net"}))
	a := backends.AliasesOf(x, "")
	got, err := a.Alias(t.Context(), "100", "example.net")
	check(t, err)
	if diff := cmp.Diff([]backends.Address{{User: "bob", Domain: "example.net"}}, got); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	if got, err := a.Alias(t.Context(), "100", ""); len(got) != 2 || err != nil {
		t.Errorf("in any domain: %v, %v; want two", got, err)
	}
	if _, err := a.Alias(t.Context(), "' OR ''='", ""); !errors.Is(err, backends.ErrNotFound) {
		t.Errorf("no alias: %v, want ErrNotFound", err)
	}
	check(t, x.Insert(t.Context(), "speed_dial",
		[]string{"username", "domain", "sd_username", "sd_domain", "new_uri"},
		backends.Row{"alice", "example.org", "2", "example.org", "sip:bob@example.org"}))
	s := backends.SpeedDialsOf(x, "")
	alice := backends.Address{User: "alice", Domain: "example.org"}
	uri, err := s.SpeedDial(t.Context(), alice, backends.Address{User: "2"})
	if uri != "sip:bob@example.org" || err != nil {
		t.Errorf("speed dial 2: %q, %v", uri, err)
	}
	_, err = s.SpeedDial(t.Context(), backends.Address{User: "bob"}, backends.Address{User: "2"})
	if !errors.Is(err, backends.ErrNotFound) {
		t.Errorf("another's speed dial: %v, want ErrNotFound", err)
	}
}

func identities(t *testing.T, x accounts) {
	check(t, x.Insert(t.Context(), "uri", []string{"username", "domain", "uri_user"},
		backends.Row{"alice", "example.org", "boss"}))
	i := backends.IdentitiesOf(x, "")
	for _, tt := range []struct {
		user, domain, other string
		want                bool
	}{
		{"alice", "example.org", "boss", true}, {"alice", "", "boss", true},
		{"alice", "example.net", "boss", false}, {"bob", "example.org", "boss", false},
		{"alice", "example.org", "ceo", false}, {"alice", "example.org", "BOSS", false},
		{"ALICE", "example.org", "boss", false}, {"alice", "example.org", "' OR ''='", false},
	} {
		got, err := i.May(t.Context(), tt.user, tt.domain, tt.other)
		if got != tt.want || err != nil {
			t.Errorf("%s of %q as %s: %t, %v", tt.user, tt.domain, tt.other, got, err)
		}
	}
	if _, err := backends.IdentitiesOf(x, "nosuch").May(t.Context(), "a", "", "b"); err == nil {
		t.Error("no such table, and no error")
	}
}

func domains(t *testing.T, x accounts) {
	check(t, x.Insert(t.Context(), "domain", []string{"domain", "attrs", "accept_subdomain"},
		backends.Row{"example.org", "gold", int64(1)}))
	x.domain(t, "", backends.Domain{Name: "example.org", Attributes: "gold", Subdomains: true})
	_, err := backends.DomainsOf(x, "nosuch").Domains(t.Context())
	if !errors.Is(err, backends.ErrRefused) {
		t.Errorf("no such table: %v", err)
	}
}

func otherDomains(t *testing.T, x accounts) {
	x.exec(t, "CREATE TABLE domain_kamailio (id INTEGER, domain VARCHAR(64), did VARCHAR(64))",
		"INSERT INTO domain_kamailio VALUES (1, 'example.net', NULL)")
	x.domain(t, "domain_kamailio", backends.Domain{Name: "example.net"})
}

// domain expects one domain in a table.
func (x accounts) domain(t *testing.T, table string, want backends.Domain) {
	t.Helper()
	got, err := backends.DomainsOf(x, table).Domains(t.Context())
	check(t, err)
	if diff := cmp.Diff([]backends.Domain{want}, got); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
}
