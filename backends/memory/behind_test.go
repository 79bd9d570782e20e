package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/journal"
)

// fails switches a database off and on.
func (d *table) fails(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

// copy is the table as it is.
func (d *table) copy() *table {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &table{last: d.last}
	for _, r := range d.rows {
		c.rows = append(c.rows, maps.Clone(r))
	}
	return c
}

// users are who has a binding in the table, each with his contacts.
func (d *table) contacts() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := map[string][]string{}
	for _, r := range d.rows {
		user := r["username"].(string)
		list[user] = append(list[user], r["contact"].(string))
	}
	return joined(list)
}

func joined(list map[string][]string) map[string]string {
	out := map[string]string{}
	for user, contacts := range list {
		slices.Sort(contacts)
		out[user] = strings.Join(contacts, " ")
	}
	return out
}

// kept are the contacts of the store, by user.
func (s *Store) contacts(t *testing.T) map[string]string {
	t.Helper()
	list := map[string][]string{}
	err := s.All(ctx, epoch, func(aor []byte, set *backends.Set) bool {
		user, _, _ := strings.Cut(string(aor), "@")
		for i := range set.Bindings {
			list[user] = append(list[user], string(set.Bindings[i].Contact))
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return joined(list)
}

// open makes a store with its journal in a folder, and loads it.
func openBehind(t *testing.T, dir string, d *table, most int) *Behind {
	t.Helper()
	j, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	k := keptIn(d, "location", layouts["opensips"])
	k.strict = false
	s := newBehind(k, j, true, most)
	if err := s.Load(ctx, epoch); err != nil {
		t.Fatal(err)
	}
	return s
}

// crash is the folder of a journal as a crash would leave it: of one moment, as a snapshot may be
// taking the place of logs.
func crash(t *testing.T, dir string) string {
	t.Helper()
	for {
		copied, before := t.TempDir(), files(t, dir)
		err := os.CopyFS(copied, os.DirFS(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil && slices.Equal(before, files(t, dir)) {
			return copied
		}
	}
}

// files are the names in a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 20 s: " + what)
		}
	}
}

func aor(user string) []byte { return []byte(user + "@example.net") }

// Whatever the database does meanwhile: after a crash every change that was acknowledged is there,
// with the database or without it, and the database gets them all.
func TestBehind(t *testing.T) {
	dir, d := t.TempDir(), new(table)
	s := openBehind(t, dir, d, 1000)
	want := map[string]string{}
	for round := range 12 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for w := range 4 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				for i := range 40 {
					user := fmt.Sprintf("u%d-%d", w, r.IntN(20))
					contact := fmt.Sprintf("sip:%d.%d@192.0.2.1", round, i)
					change := change(func(set *backends.Set) bool {
						if r.IntN(3) > 0 {
							set.Bindings = set.Bindings[:0]
						}
						return r.IntN(5) == 0 || add(contact)(set)
					})
					if err := s.Update(ctx, aor(user), epoch, change); err != nil {
						t.Error(err)
					}
					var set backends.Set
					_ = s.Lookup(ctx, aor(user), epoch, &set)
					var list []string
					for i := range set.Bindings {
						list = append(list, string(set.Bindings[i].Contact))
					}
					mu.Lock()
					maps.Copy(want, joined(map[string][]string{user: list}))
					if len(list) == 0 {
						delete(want, user)
					}
					mu.Unlock()
					if i == 20 {
						d.fails(r.IntN(2) == 0)
					}
				}
			})
		}
		wg.Wait()
		dir = crash(t, dir) // before the table: it never says that more is written than is
		copied := d.copy()
		copied.down = round%3 == 0
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		d = copied
		s = openBehind(t, dir, d, 1000)
		if got := s.Store.contacts(t); !maps.Equal(got, want) {
			t.Fatalf("round %d, down %v: want %v\ngot %v", round, d.down, want, got)
		}
	}
	d.fails(false)
	await(t, "the table has everything", func() bool { return s.Backlog().Waiting == 0 })
	if got := d.contacts(); !maps.Equal(got, want) {
		t.Errorf("want %v\nthe table has %v", want, got)
	}
	defer s.Close()
	if b := s.Backlog(); b.Batches == 0 || b.Journal == 0 || b.Age != 0 {
		t.Errorf("%+v", b)
	}
}

// Of a database that is away too long, those are refused that are not in the backlog yet.
func TestBacklogFull(t *testing.T) {
	d := new(table)
	s := openBehind(t, t.TempDir(), d, 2)
	defer s.Close()
	d.fails(true)
	for _, user := range []string{"a", "b", "a"} {
		if err := s.Update(ctx, aor(user), epoch, add("sip:x@192.0.2.1")); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Update(ctx, aor("c"), epoch, add("sip:x@192.0.2.1"))
	if !errors.Is(err, backends.ErrUnavailable) || !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if b := s.Backlog(); b.Waiting != 2 || b.Refused != 1 || b.Age != 0 {
		t.Errorf("%+v", b)
	}
	await(t, "a batch failed", func() bool { return s.Backlog().Failures > 0 })
	d.fails(false)
	await(t, "the table has everything", func() bool { return s.Backlog().Waiting == 0 })
	if err := s.Update(ctx, aor("c"), epoch, add("sip:x@192.0.2.1")); err != nil {
		t.Error(err)
	}
}

// A binding that the table refuses keeps no other from it.
func TestBacklogRefused(t *testing.T) {
	d := &table{refuses: "sip:bad@192.0.2.1"}
	s := openBehind(t, t.TempDir(), d, 1000)
	defer s.Close()
	want := map[string]string{}
	for i := range 50 {
		user, contact := fmt.Sprintf("u%d", i), "sip:x@192.0.2.1"
		if i%20 == 7 {
			contact = d.refuses
		} else {
			want[user] = contact
		}
		if err := s.Update(ctx, aor(user), epoch, add(contact)); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the others are written", func() bool { return maps.Equal(d.contacts(), want) })
	await(t, "three wait", func() bool { return s.Backlog().Waiting == 3 })
	d.mu.Lock()
	d.refuses = ""
	d.mu.Unlock()
	await(t, "the table has everything", func() bool { return s.Backlog().Waiting == 0 })
}

// Without its database and a journal a store tells nobody that he has no binding.
func TestLoadLater(t *testing.T) {
	full := new(table)
	if err := through(t, full, "opensips").Update(ctx, aor("bob"), epoch,
		add("sip:b@192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(d *table) backends.Locations{
		"write_through": func(d *table) backends.Locations {
			k := keptIn(d, "location", layouts["opensips"])
			k.strict = false
			s := newThrough(k)
			if err := s.Load(ctx, epoch); err != nil {
				t.Fatal(err)
			}
			return s
		},
		"write_back": func(d *table) backends.Locations {
			return openBehind(t, t.TempDir(), d, 1000)
		},
	} {
		d := full.copy()
		d.down = true
		s := open(d)
		var set backends.Set
		err := []error{
			s.Lookup(ctx, aor("bob"), epoch, &set), s.Update(ctx, aor("bob"), epoch, add("x")),
			s.All(ctx, epoch, func([]byte, *backends.Set) bool { return true }),
		}
		for _, err := range err {
			if !errors.Is(err, backends.ErrUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		defer s.(backends.Backend).Close()
		if s.(backends.Loader).Loaded() {
			t.Errorf("%s: loaded", name)
		}
		d.fails(false)
		await(t, "it is loaded", s.(backends.Loader).Loaded)
		if err := s.Lookup(ctx, aor("bob"), epoch, &set); err != nil || len(set.Bindings) != 1 {
			t.Errorf("%s: %v, %v", name, err, set.Bindings)
		}
	}
	strict := newThrough(keptIn(&table{down: true}, "location", layouts["opensips"]))
	if err := strict.Load(ctx, epoch); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("strict: %v", err)
	}
}

// What a write that failed left in the table is gone after the next that did not.
func TestDoubtful(t *testing.T) {
	d := new(table)
	s := through(t, d, "opensips")
	if err := s.Update(ctx, aor("bob"), epoch, add("sip:a@192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	d.breaks = 1 // one of two rows
	err := s.Update(ctx, aor("bob"), epoch, change(func(set *backends.Set) bool {
		return add("sip:b@192.0.2.2")(set) && add("sip:c@192.0.2.3")(set)
	}))
	if err == nil || len(d.rows) != 2 || contacts(s) != "sip:a@192.0.2.1" {
		t.Fatalf("%v, %d rows, %s", err, len(d.rows), contacts(s))
	}
	if err := s.Update(ctx, aor("bob"), epoch, add("sip:d@192.0.2.4")); err != nil {
		t.Fatal(err)
	}
	if got, want := d.contacts()["bob"], "sip:a@192.0.2.1 sip:d@192.0.2.4"; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if len(s.doubtful) != 0 {
		t.Errorf("%v", s.doubtful)
	}
}

func TestEntry(t *testing.T) {
	var set backends.Set
	add("sip:a@192.0.2.1")(&set)
	add("sip:b@192.0.2.2")(&set)
	set.Bindings[0].ID, set.Bindings[1].ID = 1<<63-1, 7
	set.Bindings[1].Path, set.Bindings[1].Attr = []byte("<sip:p;lr>"), []byte("a\x00b")
	set.Bindings[1].Expires = epoch.Add(time.Minute)
	record := appendState(nil, 9, aor("bob"), set.Bindings)
	st, err := readState(record[1:], epoch)
	if err != nil || st.number != 9 || string(st.aor) != "bob@example.net" || len(st.bindings) != 2 {
		t.Fatalf("%+v, %v", st, err)
	}
	for i := range st.bindings {
		if !st.bindings[i].Equal(set.Bindings[i]) {
			t.Errorf("want %+v\ngot  %+v", set.Bindings[i], st.bindings[i])
		}
	}
	st, err = readState(record[1:], epoch.Add(time.Minute))
	if err != nil || len(st.bindings) != 1 {
		t.Errorf("%+v, %v: one has expired", st, err)
	}
	for n := range len(record) - 1 {
		if _, err := readState(record[1:1+n], epoch); !errors.Is(err, errEntry) {
			t.Fatalf("of %d bytes: %v", n, err)
		}
	}
	list := []due{{"bob@example.net", 9}, {"", 1 << 60}}
	var got []due
	record = appendWritten(nil, list)
	note := func(number uint64, aor []byte) { got = append(got, due{string(aor), number}) }
	if err := readWritten(record[1:], note); err != nil || !slices.Equal(got, list) {
		t.Errorf("%v, %v", got, err)
	}
	if err := readWritten(record[1:len(record)-1], note); !errors.Is(err, errEntry) {
		t.Errorf("cut: %v", err)
	}
}
