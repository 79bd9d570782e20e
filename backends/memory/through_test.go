package memory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// table is a database of one table, which numbers its rows in the column id.
type table struct {
	mu   sync.Mutex
	rows []map[string]backends.Value
	last int64
	down bool

	refuses string // a contact it refuses
	breaks  int    // rows it takes before one fails; 0: it does not break
	broken  bool   // the next row fails
}

func (d *table) Ping(context.Context) error { return nil }
func (d *table) Close() error               { return nil }
func (d *table) Can() backends.Capability {
	return backends.CanSelect | backends.CanDelete | backends.CanUpsert
}

func (d *table) Select(_ context.Context, q backends.Select) (rows []backends.Row, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, backends.ErrUnavailable
	}
	for _, r := range d.rows {
		if !matches(r, q.Where) {
			continue
		}
		var row backends.Row
		for _, c := range q.Columns {
			row = append(row, r[c])
		}
		rows = append(rows, row)
	}
	if at := slices.Index(q.Columns, q.OrderBy); at >= 0 {
		slices.SortFunc(rows, func(a, b backends.Row) int {
			return cmp.Compare(integer(a[at]), integer(b[at]))
		})
	}
	rows = rows[min(q.Offset, len(rows)):]
	if q.Limit == 0 {
		return rows, nil
	}
	return rows[:min(q.Limit, len(rows))], nil
}

func (d *table) Insert(context.Context, string, []string, ...backends.Row) error {
	return backends.ErrUnsupported
}

func (d *table) Update(context.Context, string, []backends.Cell, []backends.Where) (int, error) {
	return 0, backends.ErrUnsupported
}

func (d *table) Delete(_ context.Context, _ string, where []backends.Where) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return 0, backends.ErrUnavailable
	}
	n := len(d.rows)
	d.rows = slices.DeleteFunc(d.rows, func(r map[string]backends.Value) bool {
		return matches(r, where)
	})
	return n - len(d.rows), nil
}

func (d *table) Upsert(_ context.Context, _ string, key []string, row []backends.Cell) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return backends.ErrUnavailable
	}
	r := map[string]backends.Value{}
	for _, c := range row {
		r[c.Column] = c.Value
	}
	if d.refuses != "" && r["contact"] == d.refuses {
		return backends.ErrRefused
	}
	if d.broken {
		d.broken = false
		return backends.ErrUnavailable
	}
	if d.breaks--; d.breaks == 0 {
		d.broken = true
	}
	i := slices.IndexFunc(d.rows, func(old map[string]backends.Value) bool {
		return !slices.ContainsFunc(key, func(k string) bool { return old[k] != r[k] })
	})
	if i < 0 {
		d.last++
		r["id"] = d.last
		d.rows = append(d.rows, r)
		return nil
	}
	for k, v := range r {
		d.rows[i][k] = v
	}
	return nil
}

func matches(r map[string]backends.Value, where []backends.Where) bool {
	for _, w := range where {
		a, b := r[w.Column], w.Value
		late := backends.When(a).After(backends.When(b))
		if n, ok := b.(int64); ok && w.Op != backends.Equal {
			late = integer(a) > n
		}
		switch w.Op {
		case backends.Equal:
			if a != b {
				return false
			}
		case backends.Greater:
			if !late {
				return false
			}
		case backends.LessEqual:
			if late {
				return false
			}
		default:
			panic(w.Op)
		}
	}
	return true
}

var silent = slog.New(slog.DiscardHandler)

// keptIn is what a store is made of that has bindings in a table.
func keptIn(db backends.DB, table string, as *layout) *kept {
	r := &rows{db: db, table: table, as: as, log: silent}
	k := newKept(New(backends.Names{}), r, true)
	k.now = func() time.Time { return epoch }
	return k
}

func through(t *testing.T, d *table, as string) *Through {
	t.Helper()
	s := newThrough(keptIn(d, "location", layouts[as]))
	if err := s.Load(ctx, epoch); err != nil {
		t.Fatal(err)
	}
	return s
}

// contacts are those of bob.
func contacts(s backends.Locations) string {
	var set backends.Set
	_ = s.Lookup(ctx, []byte("bob@example.net"), epoch, &set)
	var list []string
	for i := range set.Bindings {
		list = append(list, string(set.Bindings[i].Contact))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func add(contact string) change {
	return func(set *backends.Set) bool {
		set.Bindings = append(set.Bindings, backends.Binding{
			Contact: []byte(contact), CallID: []byte("c"), CSeq: 7, Q: 300, Methods: 1<<1 | 1<<3,
			UserAgent: []byte("x'; DROP TABLE location;--"), Listener: []byte("udp:192.0.2.1:5060"),
			Expires: epoch.Add(time.Hour), Modified: epoch, Received: []byte("sip:192.0.2.7:4000"),
		})
		return true
	}
}

// What was acknowledged is there after the process was killed; what was not is in neither.
func TestThrough(t *testing.T) {
	for as := range layouts {
		t.Run(as, func(t *testing.T) {
			d, bob := new(table), []byte("bob@example.net")
			s := through(t, d, as)
			must := func(c backends.Change, want string) {
				t.Helper()
				if err := s.Update(ctx, bob, epoch, c); err != nil {
					t.Fatal(err)
				}
				var before backends.Set
				_ = s.Lookup(ctx, bob, epoch, &before)
				s = through(t, d, as)
				if got := contacts(s); got != want || len(d.rows) != len(strings.Fields(want)) {
					t.Fatalf("want %q, got %q of %d rows", want, got, len(d.rows))
				}
				var after backends.Set
				_ = s.Lookup(ctx, bob, epoch, &after)
				for _, list := range [][]backends.Binding{before.Bindings, after.Bindings} {
					slices.SortFunc(list, func(a, b backends.Binding) int {
						return bytes.Compare(a.Contact, b.Contact)
					})
				}
				for i := range after.Bindings {
					a, b := after.Bindings[i], before.Bindings[i]
					if as == "opensips_1.6" {
						b.ID = a.ID
					}
					if !same(a, b) {
						t.Fatalf("want %+v\ngot  %+v", b, a)
					}
				}
			}
			must(add("sip:a@192.0.2.1"), "sip:a@192.0.2.1")
			must(add("sip:b@192.0.2.2"), "sip:a@192.0.2.1 sip:b@192.0.2.2")
			must(change(func(set *backends.Set) bool {
				set.Bindings[0].CallID, set.Bindings[0].Q = []byte("d"), 1000
				return true
			}), "sip:a@192.0.2.1 sip:b@192.0.2.2")
			d.down = true
			err := s.Update(ctx, bob, epoch, add("sip:c@192.0.2.3"))
			if !errors.Is(err, backends.ErrUnavailable) {
				t.Fatalf("got %v of a database that is down", err)
			}
			if got := contacts(s); got != "sip:a@192.0.2.1 sip:b@192.0.2.2" {
				t.Fatalf("refused, but kept: %s", got)
			}
			d.down = false
			must(change(func(set *backends.Set) bool {
				set.Bindings = slices.DeleteFunc(set.Bindings, func(b backends.Binding) bool {
					return string(b.Contact) == "sip:a@192.0.2.1"
				})
				return true
			}), "sip:b@192.0.2.2")
			must(change(func(set *backends.Set) bool {
				set.Bindings = set.Bindings[:0]
				return true
			}), "")
		})
	}
}

// A row of Kamailio's own is renewed where it stands.
func TestForeignRow(t *testing.T) {
	d := &table{rows: []map[string]backends.Value{{
		"id": int64(1), "ruid": "uloc-5f1-1", "username": "bob", "domain": "example.net",
		"contact": "sip:a@192.0.2.1", "callid": "c", "cseq": int64(7), "q": -1.0, "methods": int64(5),
		"expires": epoch.Add(time.Hour).Format(time.DateTime), "last_modified": epoch,
	}, {"id": int64(2), "ruid": "uloc-5f1-2", "expires": epoch.Add(time.Hour)}}}
	s := through(t, d, "kamailio")
	var set backends.Set
	_ = s.Lookup(ctx, []byte("bob@example.net"), epoch, &set)
	if b := &set.Bindings[0]; b.Q != 1000 || b.Methods != 1<<1|1<<2 ||
		!b.Expires.Equal(epoch.Add(time.Hour)) {
		t.Fatalf("got %+v", b)
	}
	err := s.Update(ctx, []byte("bob@example.net"), epoch, &refresh{now: epoch.Add(time.Minute)})
	if err != nil || len(d.rows) != 2 || d.rows[0]["cseq"] != int64(8) {
		t.Errorf("%v, %v", err, d.rows)
	}
}

// What expired leaves the table by the by.
func TestSweep(t *testing.T) {
	d := new(table)
	s := through(t, d, "opensips")
	_ = s.Update(ctx, []byte("alice@example.net"), epoch, add("sip:a@192.0.2.1"))
	later := epoch.Add(2 * time.Hour)
	_ = s.Update(ctx, []byte("bob@example.net"), later, change(func(set *backends.Set) bool {
		set.Bindings = append(set.Bindings, backends.Binding{
			Contact: []byte("sip:b@192.0.2.2"), Expires: epoch.Add(3 * time.Hour),
		})
		return true
	}))
	if len(d.rows) != 1 || d.rows[0]["username"] != "bob" {
		t.Errorf("got %v", d.rows)
	}
}

// Changes of one address of record come one after the other, those that can't wait are told.
func TestThroughAtomic(t *testing.T) {
	d := new(table)
	s := through(t, d, "opensips")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 50 {
				_ = s.Update(ctx, []byte("bob@example.net"), epoch, change(func(set *backends.Set) bool {
					return len(set.Bindings) < 10 && add(fmt.Sprintf("sip:%d@192.0.2.%d", i, n))(set)
				}))
			}
		})
	}
	wg.Wait()
	if s.Len() != 10 || len(d.rows) != 10 {
		t.Errorf("%d bindings, %d rows", s.Len(), len(d.rows))
	}
	held, release := make(chan bool), make(chan bool)
	wg.Go(func() {
		_ = s.Update(ctx, []byte("bob@example.net"), epoch, change(func(*backends.Set) bool {
			held <- true
			return <-release
		}))
	})
	<-held
	over, cancel := context.WithCancel(ctx)
	cancel()
	err := s.Update(over, []byte("bob@example.net"), epoch, add("x"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release <- false
	wg.Wait()
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		settings, want string
		waits          bool
	}{
		{"{}", "", false},
		{"{persist: none}", "", false},
		{"{persist: write_through, database: here}", "", true},
		{"{persist: write_through}", "persist: write_through needs a database", false},
		{"{database: here}", "a database is of use with persist: write_through, write_back or " +
			"database_only alone", false},
		{"{persist: write_through, database: other}",
			`"other" is no database that bindings can be kept in`, false},
		{"{persist: write_through, database: here, on_start_error: fail}", "", true},
		{"{persist: write_through, database: here, on_start_error: journal}",
			"there is a journal with persist: write_back alone", false},
		{"{persist: write_back, database: here, max_backlog: 5}", "", true},
		{"{persist: write_back, database: here, state: none}",
			"write_back needs a folder that outlives a restart: serve --state", false},
		{"{persist: database_only, database: here}",
			`"here" is no database that bindings can be kept in`, false}, // it has no transactions
	} {
		v, diags := schema.ReadData("x.yaml", []byte(c.settings))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		state := t.TempDir()
		if v.Has("state") {
			state = ""
		}
		b, diags := Driver.Open(&backends.Opening{
			Name: "contacts", Settings: &v, Log: silent, State: state,
			Other: func(name string) backends.Backend {
				if name == "here" {
					return new(table)
				}
				return nil
			},
		})
		var got bytes.Buffer
		for _, d := range diags {
			got.WriteString(d.Message)
		}
		if got.String() != c.want || (b == nil) != (c.want != "") {
			t.Errorf("%s: want %q, got %q, %v", c.settings, c.want, got.String(), b)
		}
		if l, ok := b.(backends.Locations); ok && l.Traits().UpdateWaits != c.waits {
			t.Errorf("%s: waits %v", c.settings, l.Traits().UpdateWaits)
		}
		if b, ok := b.(*Behind); ok && (b.backlog.max != 5 || !b.alone || b.strict) {
			t.Errorf("%s: %+v", c.settings, b)
		}
		if b != nil {
			b.Close()
		}
	}
}
