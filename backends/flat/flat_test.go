package flat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/relation"
)

// reader reads the files of a folder by the rules of the README, as a program that collects them.
type reader struct {
	folder  string
	columns map[string][]relation.Column
}

func (r *reader) read(q backends.Select) ([]backends.Row, error) {
	b, err := os.ReadFile(filepath.Join(r.folder, q.Table+".log"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	t := &relation.Table{Columns: r.columns[q.Table]}
	for line := range strings.Lines(string(b)) {
		row := make(backends.Row, 0, len(t.Columns))
		for i, field := range strings.Split(strings.TrimSuffix(line, "\n"), "|") {
			v, bad := t.Columns[i].Store(unescape(field))
			row, err = append(row, v), errors.Join(err, bad)
		}
		t.Rows = append(t.Rows, row)
	}
	if err != nil {
		return nil, err
	}
	return t.Select(q)
}

func unescape(field string) backends.Value {
	if field == "" {
		return nil
	}
	parts := strings.Split(field, `\x`)
	for i, p := range parts[1:] {
		c, err := strconv.ParseUint(p[:2], 16, 8)
		if err != nil {
			panic(err)
		}
		parts[i+1] = string([]byte{byte(c)}) + p[2:]
	}
	return strings.Join(parts, "")
}

func TestDB(t *testing.T) {
	r := &reader{folder: t.TempDir(), columns: map[string][]relation.Column{}}
	kinds := []relation.Kind{relation.Integer, relation.Text, relation.Text, relation.Bytes,
		relation.Real, relation.Moment}
	backendtest.RunDB(t, backendtest.Subject{
		DB: backendtest.OpenDB(t, &Driver, "folder: "+r.folder), Read: r.read, EmptyIsNull: true,
		Table: func(_ *testing.T, name string) {
			for i, c := range backendtest.Columns {
				r.columns[name] = append(r.columns[name],
					relation.Column{Name: c, Kind: kinds[i], Null: true, EmptyIsNull: true})
			}
		},
		Make: func(_ *testing.T, table backends.Table) {
			for _, c := range table.Columns {
				if c.Type == backends.Name || c.Type == backends.LongText {
					r.columns[table.Name] = append(r.columns[table.Name],
						relation.Column{Name: c.Name, Null: true, EmptyIsNull: true})
				}
			}
		},
	})
}

// Lines are those of db_flatstore.
func TestLines(t *testing.T) {
	folder := t.TempDir()
	db := backendtest.OpenDB(t, &Driver,
		"{folder: "+folder+", suffix: .txt, prefix: cdr_, sync: true}")
	columns := []string{"a", "b", "c"}
	err := db.Insert(t.Context(), "acc", columns,
		backends.Row{"INVITE", int64(-200), time.Unix(1774746000, 5)},
		backends.Row{"a|b\\c\r\n\x7f", nil, 0.25}, backends.Row{"ż", []byte{0}, ""})
	if err != nil {
		t.Fatal(err)
	}
	const want = "INVITE|-200|1774746000\n" + `a\x7Cb\x5Cc\x0D\x0A\x7F||0.25` + "\n" +
		`\xC5\xBC|\x00|` + "\n"
	b, err := os.ReadFile(filepath.Join(folder, "cdr_acc.txt"))
	if string(b) != want || err != nil {
		t.Errorf("%v, want, got:\n%s%s", err, want, b)
	}
	for _, table := range []string{"", "../acc", ".acc", "a/b", "a\x00b"} {
		err := db.Insert(t.Context(), table, columns, backends.Row{"", "", ""})
		if !errors.Is(err, backends.ErrRefused) {
			t.Errorf("table %q: %v, want ErrRefused", table, err)
		}
	}
	err = db.Insert(t.Context(), "acc", columns, backends.Row{""})
	if !errors.Is(err, backends.ErrRefused) {
		t.Errorf("a row of another length: %v", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("ping of a folder that is gone: %v", err)
	}
	err = db.Insert(t.Context(), "acc", columns, backends.Row{"", "", ""})
	if !errors.Is(err, backends.ErrUnavailable) {
		t.Errorf("a folder that is gone: %v", err)
	}
}

// Files are renamed while two programs write: every line is somewhere, once and whole.
func TestRotated(t *testing.T) {
	folder := t.TempDir()
	var wg sync.WaitGroup
	const writers, each, enough = 4, 500, 3
	var rotations, lines atomic.Int64
	for w := range writers {
		db := backendtest.OpenDB(t, &Driver, "folder: "+folder)
		wg.Go(func() {
			for i := 0; i < each || rotations.Load() < enough; i++ {
				lines.Add(1)
				err := db.Insert(t.Context(), "acc", []string{"a", "b"},
					backends.Row{fmt.Sprint(w, "-", i), strings.Repeat("x", 100)})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		case <-time.After(time.Millisecond):
		}
		from := filepath.Join(folder, "acc.log")
		if os.Rename(from, filepath.Join(folder, fmt.Sprint("old", rotations.Load()))) == nil {
			rotations.Add(1)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			key, ok := strings.CutSuffix(line, "|"+strings.Repeat("x", 100)+"\n")
			if !ok || seen[key] {
				t.Errorf("%s: %q, seen before: %v", f, line, seen[key])
			}
			seen[key] = true
		}
	}
	if n := int(lines.Load()); len(seen) != n {
		t.Errorf("%d lines, want %d", len(seen), n)
	}
}

// A line that another program is writing yet is no torn one.
func TestHalfWritten(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "acc.log")
	if err := os.WriteFile(path, []byte("a|b\nc|"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := backendtest.OpenDB(t, &Driver, "folder: "+folder)
	other, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(settled / 10)
		if _, err := other.WriteString("d\n"); err != nil {
			t.Error(err)
		}
	})
	err = db.Insert(t.Context(), "acc", []string{"a", "b"}, backends.Row{"e", "f"})
	wg.Wait()
	const want = "a|b\nc|d\ne|f\n"
	if b, _ := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%v, %q, want %q", err, b, want)
	}
}

// A line that a dying machine cut ends before the next one begins.
func TestTorn(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "acc.log")
	if err := os.WriteFile(path, []byte("a|b\nc|"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := backendtest.OpenDB(t, &Driver, "folder: "+folder)
	for _, v := range []string{"d", "e"} {
		if err := db.Insert(t.Context(), "acc", []string{"a"}, backends.Row{v}); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); string(b) != "a|b\nc|\nd\ne\n" || err != nil {
		t.Errorf("%v, got %q", err, b)
	}
}

// A torn line costs the tables beside it nothing; who has no time to wait for it has written
// nothing, and does not keep those behind him from it for ever.
func TestTornBesideOthers(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "acc.log")
	if err := os.WriteFile(path, []byte("a|"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(folder)
	insert := func(table, v string, within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return s.Insert(ctx, table, []string{"a"}, backends.Row{v})
	}
	held, err := s.table(t.Context(), "acc")
	if err != nil {
		t.Fatal(err)
	}
	if err := insert("missed", "c", time.Minute); err != nil {
		t.Errorf("beside a table that is held: %v", err)
	}
	held.leave()
	failed := 0
	for ; ; failed++ {
		if err = insert("acc", "b", settled/8); err == nil {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) || failed > 1000 {
			t.Fatal(err)
		}
	}
	if failed == 0 {
		t.Error("a line is called torn at once")
	}
	if b, err := os.ReadFile(path); string(b) != "a|\nb\n" || err != nil {
		t.Errorf("after %d failures: %v, got %q", failed, err, b)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := insert("acc", "d", time.Minute); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// The name of a file goes with the time.
func TestNames(t *testing.T) {
	s := newStore(t.TempDir())
	s.prefix, s.suffix = "%%-", "-%Y%m%d-%H%M.log"
	at := time.Date(2026, 3, 9, 23, 59, 59, 0, time.Local)
	s.now = func() time.Time { return at }
	for range 2 {
		if err := s.Insert(t.Context(), "acc", []string{"a"}, backends.Row{"x"}); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"%-acc-20260309-2359.log", "%-acc-20260310-0000.log"} {
		if b, err := os.ReadFile(filepath.Join(s.folder, name)); string(b) != "x\n" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
