package memory

import (
	"fmt"
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

// databases are real ones, each opened by as many nodes as are asked for.
var databases = map[string]func(t *testing.T, nodes int) []backends.DB{
	"sqlite": func(t *testing.T, nodes int) (list []backends.DB) {
		settings := fmt.Sprintf("{file: %q, timeout: 20s}", filepath.Join(t.TempDir(), "x.db"))
		for range nodes {
			list = append(list, backendtest.OpenDB(t, &sqlite.Driver, settings))
		}
		return list
	},
	"postgres": func(t *testing.T, nodes int) (list []backends.DB) {
		settings := fmt.Sprintf("{dsn: %q, timeout: 20s}", backendtest.Postgres(t).PostgresDSN())
		for range nodes {
			list = append(list, backendtest.OpenDB(t, &postgres.Driver, settings))
		}
		return list
	},
}

// nodes are stores that share one database.
func nodes(t *testing.T, open func(*testing.T, int) []backends.DB, n int) (list []*Direct) {
	t.Helper()
	for i, db := range open(t, n) {
		if i == 0 {
			if err := db.(backends.Migrator).Migrate(ctx, backends.Tables); err != nil {
				t.Fatal(err)
			}
		}
		r := &rows{db: db, table: "location", as: layouts["opensips"], log: silent}
		d := newDirect(New(backends.Names{}), r, true)
		if err := d.Load(ctx, epoch); err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// What one node kept the other one finds, and however many change one address of record at once,
// through both, each finds what the one before left.
func TestDirect(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			list := nodes(t, open, 2)
			const most, each = 10, 12
			var wg sync.WaitGroup
			var mu sync.Mutex
			added := 0
			for n := range 12 {
				wg.Go(func() {
					for i := range each {
						did := false
						err := list[n%2].Update(ctx, aor("bob"), epoch, change(func(s *backends.Set) bool {
							did = len(s.Bindings) < most
							return did && add(fmt.Sprintf("sip:%d@192.0.2.%d", i, n))(s)
						}))
						if err != nil {
							t.Error(err)
						}
						mu.Lock()
						if did {
							added++
						}
						mu.Unlock()
					}
				})
				wg.Go(func() { // other addresses of record meanwhile
					user := fmt.Sprintf("alice%d", n)
					if err := list[n%2].Update(ctx, aor(user), epoch, add("sip:a@192.0.2.1")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for i, d := range list {
				var set backends.Set
				if err := d.Lookup(ctx, aor("bob"), epoch, &set); err != nil ||
					len(set.Bindings) != most || added != most {
					t.Errorf("node %d: %v, %d bindings, %d added", i, err, len(set.Bindings), added)
				}
				users := map[string]int{}
				err := d.All(ctx, epoch, func(aor []byte, s *backends.Set) bool {
					users[string(aor)] += len(s.Bindings)
					return true
				})
				if err != nil || len(users) != 13 || users["bob@example.net"] != most {
					t.Errorf("node %d: %v, %v", i, err, users)
				}
				err = d.Lookup(ctx, aor("bob"), epoch.Add(2*time.Hour), &set)
				if err != nil || len(set.Bindings) != 0 {
					t.Errorf("node %d: %v, %d of bindings that expired", i, err, len(set.Bindings))
				}
			}
		})
	}
}

// Events are of what this node changed; what is refused changes nothing.
func TestDirectEvents(t *testing.T) {
	d := nodes(t, databases["sqlite"], 1)[0]
	var got []string
	d.Watch(func(e backends.Event) {
		got = append(got, fmt.Sprintf("%d %s", e.Kind, e.Binding.Contact))
	})
	for i, c := range []backends.Change{
		add("sip:a@192.0.2.1"), add("sip:b@192.0.2.1"),
		change(func(s *backends.Set) bool { return false }),
		change(func(s *backends.Set) bool {
			n := slices.IndexFunc(s.Bindings, func(b backends.Binding) bool {
				return string(b.Contact) == "sip:b@192.0.2.1"
			})
			s.Bindings[n].CSeq++
			return true
		}),
		change(func(s *backends.Set) bool {
			s.Bindings = slices.DeleteFunc(s.Bindings, func(b backends.Binding) bool {
				return string(b.Contact) == "sip:a@192.0.2.1"
			})
			return true
		}),
		add(fmt.Sprintf("sip:%0*d@192.0.2.1", backends.MaxBindingText, 0)),
	} {
		err := d.Update(ctx, aor("bob"), epoch, c)
		if (err != nil) != (i == 5) {
			t.Errorf("%d: %v", i, err)
		}
	}
	want := []string{
		"0 sip:a@192.0.2.1", "0 sip:b@192.0.2.1", "1 sip:b@192.0.2.1", "2 sip:a@192.0.2.1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %q\ngot  %q", want, got)
	}
	if contacts(d) != "sip:b@192.0.2.1" {
		t.Errorf("got %s", contacts(d))
	}
}
