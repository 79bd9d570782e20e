package virtual

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/flat"
	"sipedge/backends/mysql"
	"sipedge/backends/postgres"
	"sipedge/backends/sqlite"
	"sipedge/backends/text"
	"sipedge/schema"
)

// others are backends by their names.
type others map[string]backends.Backend

func (o others) get(name string) backends.Backend { return o[name] }

// opened is a virtual database of all of them, in the order of a, b, c.
func (o others) opened(t *testing.T, mode string) backends.DB {
	t.Helper()
	names := strings.Join([]string{"a", "b", "c"}[:len(o)], ", ")
	settings := fmt.Sprintf("{mode: %s, members: [%s]}", mode, names)
	return backendtest.Open(t, &Driver, settings, o.get).(backends.DB)
}

const table = "CREATE TABLE %s (id INTEGER, name VARCHAR(255) UNIQUE, body TEXT, raw BLOB, " +
	"score DOUBLE, at DATETIME)"

func TestDB(t *testing.T) {
	for _, mode := range []string{"failover", "round_robin", "parallel"} {
		t.Run(mode, func(t *testing.T) {
			folder := t.TempDir()
			members := others{}
			for _, name := range []string{"a", "b"} {
				file := name
				if mode == "round_robin" { // nodes of one cluster
					file = "a"
				}
				members[name] = backendtest.OpenDB(t, &sqlite.Driver,
					fmt.Sprintf("{file: %s/%s.db, timeout: 20s}", folder, file)) // the race detector is slow
			}
			each := func(f func(db backends.Backend) error) {
				for _, name := range []string{"a", "b"} {
					if err := f(members[name]); err != nil {
						t.Fatal(err)
					}
					if mode == "round_robin" {
						return
					}
				}
			}
			backendtest.RunDB(t, backendtest.Subject{
				DB: members.opened(t, mode),
				Table: func(t *testing.T, name string) {
					each(func(db backends.Backend) error {
						_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf(table, name))
						return err
					})
				},
				Make: func(t *testing.T, table backends.Table) {
					each(func(db backends.Backend) error {
						return db.(backends.Migrator).Migrate(t.Context(), []backends.Table{{Name: "version",
							Columns: backends.Tables[0].Columns}, table})
					})
				},
			})
		})
	}
}

// fake is a member that says what a test wants, and counts.
type fake struct {
	backends.DB
	err   error
	can   backends.Capability
	asked int
}

func (f *fake) Can() backends.Capability { return f.can }

func (f *fake) Select(context.Context, backends.Select) ([]backends.Row, error) {
	f.asked++
	return nil, f.err
}

func (f *fake) Update(context.Context, string, []backends.Cell, []backends.Where) (int, error) {
	f.asked++
	return f.asked, f.err
}

func (f *fake) Ping(context.Context) error { return f.err }

// Who is asked, and what counts, by mode and by who can answer.
func TestModes(t *testing.T) {
	dead := fmt.Errorf("gone: %w", backends.ErrUnavailable)
	for _, c := range []struct {
		mode    string
		errs    [3]error
		reads   string // how often each is asked by three reads
		writes  string // by three writes
		want    error
		changed int // rows of the third write: how often who counts was asked to write
	}{
		{"failover", [3]error{}, "[3 0 0]", "[3 0 0]", nil, 3},
		{"failover", [3]error{dead, nil, nil}, "[3 3 0]", "[3 3 0]", nil, 3},
		{"failover", [3]error{dead, dead, dead}, "[3 3 3]", "[3 3 3]", backends.ErrUnavailable, 0},
		{"failover", [3]error{backends.ErrRefused, nil, nil}, "[3 0 0]", "[3 0 0]",
			backends.ErrRefused, 3},
		{"round_robin", [3]error{}, "[1 1 1]", "[1 1 1]", nil, 1},
		{"round_robin", [3]error{nil, dead, nil}, "[1 1 2]", "[1 1 2]", nil, 2},
		{"parallel", [3]error{}, "[3 0 0]", "[3 3 3]", nil, 3},
		{"parallel", [3]error{dead, backends.ErrExists, nil}, "[3 3 0]", "[3 3 3]", nil, 3},
		{"parallel", [3]error{dead, backends.ErrExists, dead}, "[3 3 0]", "[3 3 3]",
			backends.ErrExists, 3},
		{"parallel", [3]error{dead, dead, dead}, "[3 3 3]", "[3 3 3]", backends.ErrUnavailable, 0},
	} {
		var fakes [3]*fake
		members := others{}
		for i, name := range []string{"a", "b", "c"} {
			fakes[i] = &fake{err: c.errs[i], can: able}
			members[name] = fakes[i]
		}
		db := members.opened(t, c.mode)
		asked := func() string {
			list := []int{fakes[0].asked, fakes[1].asked, fakes[2].asked}
			for _, f := range fakes {
				f.asked = 0
			}
			return fmt.Sprint(list)
		}
		for range 3 {
			_, err := db.Select(t.Context(), backends.Select{})
			if want := c.want; want != nil && c.errs[1] != backends.ErrExists && !errors.Is(err, want) {
				t.Errorf("%s %v: read: %v, want %v", c.mode, c.errs, err, want)
			}
		}
		if got := asked(); got != c.reads {
			t.Errorf("%s %v: reads asked %s, want %s", c.mode, c.errs, got, c.reads)
		}
		n := 0
		for range 3 {
			var err error
			if n, err = db.Update(t.Context(), "", nil, nil); !errors.Is(err, c.want) {
				t.Errorf("%s %v: write: %v, want %v", c.mode, c.errs, err, c.want)
			}
		}
		if got := asked(); got != c.writes || n != c.changed {
			t.Errorf("%s %v: writes asked %s and changed %d, want %s and %d", c.mode, c.errs, got, n,
				c.writes, c.changed)
		}
		alive := c.errs != [3]error{dead, dead, dead}
		if err := db.Ping(t.Context()); errors.Is(err, backends.ErrUnavailable) == alive {
			t.Errorf("%s %v: ping: %v", c.mode, c.errs, err)
		}
	}
}

// What not all can do it can't, and says so.
func TestCan(t *testing.T) {
	folder := t.TempDir()
	members := others{
		"a": backendtest.OpenDB(t, &text.Driver, "folder: "+folder),
		"b": backendtest.OpenDB(t, &flat.Driver, "folder: "+folder),
	}
	db := members.opened(t, "parallel")
	if want := backends.CanInsert | backends.CanBatch; db.Can() != want {
		t.Errorf("can %b, want %b", db.Can(), want)
	}
	_, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"a"}})
	if !errors.Is(err, backends.ErrUnsupported) {
		t.Errorf("select: %v, want ErrUnsupported", err)
	}
}

// Members that are none.
func TestRefused(t *testing.T) {
	members := others{"a": &fake{can: able}, "b": &fake{}}
	name := func(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }
	for _, list := range [][]schema.Value{
		{name("nosuch")}, {name("a"), name("a")}, {name("a"), name("b")},
	} {
		settings := schema.Value{Kind: schema.Map, Keys: []schema.Key{
			{Name: "mode", Value: name("failover")},
			{Name: "members", Value: schema.Value{Kind: schema.List, Items: list}}}}
		b, diags := Driver.Open(&backends.Opening{Name: "x", Settings: &settings, Other: members.get})
		if b != nil || !diags.HasErrors() {
			t.Errorf("%v: opened", list)
		}
	}
}

// When a member stops answering it is told once, and once when it answers again.
func TestTold(t *testing.T) {
	var log bytes.Buffer
	f := &fake{can: able}
	d := &db{name: "x", mode: "failover", can: able, log: slog.New(slog.NewTextHandler(&log, nil)),
		members: []*part{{DB: f, name: "a"}}}
	for _, err := range []error{nil, backends.ErrUnavailable, backends.ErrUnavailable,
		fmt.Errorf("%w: %w", backends.ErrUnavailable, context.Canceled), backends.ErrRefused, nil} {
		f.err = err
		d.Select(t.Context(), backends.Select{})
	}
	n := strings.Count(log.String(), "\n")
	if n != 2 || !strings.Contains(log.String(), "answers again") {
		t.Errorf("%d lines, want 2:\n%s", n, &log)
	}
}

// Two real servers, of different makes. One is stopped: nothing fails. It comes back: it is used.
func TestServers(t *testing.T) {
	pg, maria := backendtest.Postgres(t), backendtest.MariaDB(t)
	const settings = "{dsn: %q, timeout: 2s, breaker: {rest: 200ms}}"
	members := others{
		"a": backendtest.OpenDB(t, &postgres.Driver, fmt.Sprintf(settings, pg.PostgresDSN())),
		"b": backendtest.OpenDB(t, &mysql.Driver, fmt.Sprintf(settings, maria.MySQLDSN())),
	}
	for _, m := range members {
		_, err := m.(backends.Querier).Exec(t.Context(), "CREATE TABLE t (name VARCHAR(64) UNIQUE)")
		if err != nil {
			t.Fatal(err)
		}
	}
	count := func(db backends.DB, name string) int {
		t.Helper()
		rows, err := db.Select(t.Context(), backends.Select{Table: "t", Columns: []string{"name"},
			Where: []backends.Where{{Column: "name", Op: backends.Equal, Value: name}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	for _, mode := range []string{"failover", "round_robin", "parallel"} {
		db := members.opened(t, mode)
		insert := func(name string) {
			t.Helper()
			err := db.Insert(t.Context(), "t", []string{"name"}, backends.Row{mode + name})
			if err != nil {
				t.Fatalf("%s: %v", mode, err)
			}
		}
		insert(" both")
		pg.Stop(t)
		for i := range 5 {
			insert(fmt.Sprint(" one ", i))
			if n := count(db, fmt.Sprint(mode, " one ", i)); n != 1 {
				t.Errorf("%s: %d rows of what was just inserted", mode, n)
			}
		}
		pg.Start(t)
		for began := time.Now(); members["a"].Ping(t.Context()) != nil; {
			if time.Since(began) > 10*time.Second {
				t.Fatal("the server does not come back")
			}
			time.Sleep(50 * time.Millisecond)
		}
		insert(" back")
		insert(" again")
		here := count(members["a"].(backends.DB), mode+" back") +
			count(members["a"].(backends.DB), mode+" again")
		if want := map[string]int{"failover": 2, "round_robin": 1, "parallel": 2}[mode]; here != want {
			t.Errorf("%s: %d rows are where the server came back, want %d", mode, here, want)
		}
	}
}
