package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/backends"
)

// Subject is a DB under test.
type Subject struct {
	DB backends.DB
	// Table makes an empty table of that name with the columns id (whole numbers), name (texts,
	// unique), body (long texts), raw (bytes), score (numbers), at (times); all may be NULL.
	Table func(t *testing.T, name string)
	// Read reads what a DB without CanSelect has written; nil: it has CanSelect.
	Read func(q backends.Select) ([]backends.Row, error)
	// Make makes an empty table of users or bindings; nil: DB is a Migrator.
	Make func(t *testing.T, table backends.Table)
	// Server is what is behind it, asked with a timeout of Patience; nil: none that could fall
	// silent.
	Server interface {
		Freeze()
		Thaw()
		Stop(t testing.TB)
		Start(t testing.TB)
	}
	// EmptyIsNull: a column that may be NULL takes an empty text for it.
	EmptyIsNull bool
	// Refuses says which texts it may refuse (but never change); nil: none.
	Refuses func(text string) bool
}

// Columns of a table, in the order of rows in the suite.
var Columns = []string{"id", "name", "body", "raw", "score", "at"}

// RunDB holds a database against the contract of backends.DB.
func RunDB(t *testing.T, s Subject) {
	const reads = backends.CanSelect
	for _, c := range []struct {
		name  string
		needs backends.Capability
		test  func(*testing.T, *Subject)
	}{
		{"round trip", backends.CanInsert | reads, roundTrip},
		{"bytes", backends.CanInsert | reads, rawBytes},
		{"operators", reads, operators},
		{"null", backends.CanUpdate | reads, null},
		{"pages", reads, pages},
		{"insert", backends.CanInsert | reads, insert},
		{"rows", backends.CanBatch | reads, rows},
		{"update", backends.CanUpdate | reads, update},
		{"delete", backends.CanDelete, remove},
		{"upsert", backends.CanUpsert | reads, upsert},
		{"times", backends.CanInsert | reads, times},
		{"refused", reads, refused},
		{"statements", backends.CanRaw | reads, statements},
		{"transaction", backends.CanTx | reads, transaction},
		{"serial transaction", backends.CanSerial | reads, serial},
		{"concurrent", backends.CanUpsert | reads, concurrent},
	} {
		if s.DB.Can()&c.needs == c.needs {
			t.Run(c.name, func(t *testing.T) { c.test(t, &s) })
		}
	}
	runHostile(t, s)
	t.Run("unsupported", func(t *testing.T) { unsupported(t, &s) })
	if s.Server != nil {
		t.Run("silent server", func(t *testing.T) { silent(t, &s) })
		t.Run("restarted server", func(t *testing.T) { restarted(t, &s) })
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// row is one of the table with a name and nothing else.
func row(id int, name string) backends.Row {
	return backends.Row{int64(id), name, nil, nil, nil, nil}
}

// fill makes a table of named rows.
func (s *Subject) fill(t *testing.T, table string, names ...string) {
	t.Helper()
	s.Table(t, table)
	for i, n := range names {
		check(t, s.DB.Insert(t.Context(), table, Columns, row(i+1, n)))
	}
}

func (s *Subject) rows(t *testing.T, q backends.Select) []backends.Row {
	t.Helper()
	var rows []backends.Row
	var err error
	if s.Read != nil {
		rows, err = s.Read(q)
	} else {
		rows, err = s.DB.Select(t.Context(), q)
	}
	check(t, err)
	return rows
}

// names are the names of rows that conditions select, in the order of their ids.
func (s *Subject) names(t *testing.T, table string, where ...backends.Where) []string {
	t.Helper()
	names := []string{}
	for _, r := range s.rows(t, backends.Select{
		Table: table, Columns: []string{"name"}, Where: where, OrderBy: "id",
	}) {
		names = append(names, backends.Text(r[0]))
	}
	return names
}

func (s *Subject) expect(t *testing.T, table string, want []string, where ...backends.Where) {
	t.Helper()
	if diff := cmp.Diff(want, s.names(t, table, where...)); diff != "" {
		t.Errorf("%v: want, got:\n%s", where, diff)
	}
}

func is(column string, v backends.Value) backends.Where {
	return backends.Where{Column: column, Op: backends.Equal, Value: v}
}

func roundTrip(t *testing.T, s *Subject) {
	s.Table(t, "round_trip")
	at := time.Date(2026, 11, 29, 23, 59, 58, 0, time.UTC)
	for i, want := range []backends.Row{
		{int64(1), "alice", strings.Repeat("a long text\r\n", 5000), []byte{0, 1, 255}, 0.7, at},
		{int64(-1 << 31), "", "", []byte{}, -1e10, time.Unix(1, 0).UTC()},
		{int64(1<<31 - 1), strings.Repeat("ż", 100), nil, nil, nil, nil},
		{nil, nil, nil, nil, nil, nil},
	} {
		check(t, s.DB.Insert(t.Context(), "round_trip", Columns, want))
		want = s.kept(want)
		got := s.rows(t, backends.Select{Table: "round_trip", Columns: Columns,
			Where: []backends.Where{is("id", want[0])}})
		if diff := cmp.Diff([]backends.Row{want}, got); diff != "" {
			t.Errorf("row %d: want, got:\n%.2000s", i, diff)
		}
	}
}

// kept is what comes back of a row.
func (s *Subject) kept(r backends.Row) backends.Row {
	r = slices.Clone(r)
	for i, v := range r {
		if s.EmptyIsNull && v != nil && backends.Text(v) == "" {
			r[i] = nil
		}
	}
	return r
}

// Columns of bytes keep every byte, however it is given; columns of text take bytes as text.
func rawBytes(t *testing.T, s *Subject) {
	s.Table(t, "raw_bytes")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, v := range []backends.Value{every, `\x41`, []byte(`\x41\\`), "'"} {
		r := row(i, fmt.Sprint(i))
		r[1], r[3] = []byte(fmt.Sprint(i)), v
		check(t, s.DB.Insert(t.Context(), "raw_bytes", Columns, r))
		got := s.rows(t, backends.Select{Table: "raw_bytes", Columns: []string{"raw", "name"},
			Where: []backends.Where{is("raw", v), is("name", []byte(fmt.Sprint(i)))}})
		want := []backends.Row{{[]byte(backends.Text(v)), fmt.Sprint(i)}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: want, got:\n%s", v, diff)
		}
	}
}

func operators(t *testing.T, s *Subject) {
	s.fill(t, "operators", "a", "b", "c")
	for _, c := range []struct {
		op         backends.Op
		id, name   []string
		none, null []string
	}{
		{backends.Equal, []string{"b"}, []string{"b"}, []string{}, []string{}},
		{backends.NotEqual, []string{"a", "c"}, []string{"a", "c"}, []string{"a", "b", "c"},
			[]string{"a", "b", "c"}},
		{backends.Less, []string{"a"}, []string{"a"}, []string{}, []string{}},
		{backends.LessEqual, []string{"a", "b"}, []string{"a", "b"}, []string{}, []string{}},
		{backends.Greater, []string{"c"}, []string{"c"}, []string{}, []string{}},
		{backends.GreaterEqual, []string{"b", "c"}, []string{"b", "c"}, []string{}, []string{}},
	} {
		s.expect(t, "operators", c.id, backends.Where{Column: "id", Op: c.op, Value: int64(2)})
		s.expect(t, "operators", c.name, backends.Where{Column: "name", Op: c.op, Value: "b"})
		// body is NULL in every row: it differs from any text, and is neither less nor greater.
		s.expect(t, "operators", c.none, backends.Where{Column: "body", Op: c.op, Value: "b"})
		s.expect(t, "operators", c.null, backends.Where{Column: "name", Op: c.op, Value: nil})
	}
	s.expect(t, "operators", []string{"b"},
		backends.Where{Column: "id", Op: backends.Greater, Value: int64(1)},
		backends.Where{Column: "id", Op: backends.Less, Value: int64(3)})
	_, err := s.DB.Select(t.Context(), backends.Select{Table: "operators", Columns: Columns,
		Where: []backends.Where{{Column: "id", Op: "= 1 OR 1 =", Value: int64(1)}}})
	if !errors.Is(err, backends.ErrRefused) {
		t.Errorf("an operator of somebody's own: %v", err)
	}
}

func null(t *testing.T, s *Subject) {
	s.fill(t, "nulls", "a", "b")
	where := []backends.Where{is("name", "a")}
	_, err := s.DB.Update(t.Context(), "nulls", []backends.Cell{{Column: "body", Value: ""}}, where)
	check(t, err)
	if s.EmptyIsNull {
		s.expect(t, "nulls", []string{"a", "b"}, is("body", ""))
	} else {
		s.expect(t, "nulls", []string{"a"}, is("body", ""))
		s.expect(t, "nulls", []string{"b"}, is("body", nil))
	}
	_, err = s.DB.Update(t.Context(), "nulls", []backends.Cell{{Column: "body"}}, where)
	check(t, err)
	s.expect(t, "nulls", []string{"a", "b"}, is("body", nil))
}

func pages(t *testing.T, s *Subject) {
	s.fill(t, "pages", "c", "b", "a", "e", "d")
	for _, c := range []struct {
		limit, offset int
		want          string
	}{{0, 0, "abcde"}, {2, 0, "ab"}, {2, 2, "cd"}, {2, 4, "e"}, {2, 9, ""}, {0, 3, "de"}} {
		got := ""
		for _, r := range s.rows(t, backends.Select{Table: "pages", Columns: []string{"name"},
			OrderBy: "name", Limit: c.limit, Offset: c.offset}) {
			got += backends.Text(r[0])
		}
		if got != c.want {
			t.Errorf("limit %d offset %d: got %q, want %q", c.limit, c.offset, got, c.want)
		}
	}
}

// All rows or none; a unique value twice is ErrExists.
func insert(t *testing.T, s *Subject) {
	s.fill(t, "inserts", "a")
	for _, rows := range [][]backends.Row{
		{row(9, "a")},
		{row(2, "b"), row(3, "c"), row(4, "a")},
		{row(2, "b"), row(3, "b")},
	} {
		if len(rows) > 1 && s.DB.Can()&backends.CanBatch == 0 {
			continue
		}
		err := s.DB.Insert(t.Context(), "inserts", Columns, rows...)
		if !errors.Is(err, backends.ErrExists) {
			t.Errorf("%v: %v, want ErrExists", rows, err)
		}
	}
	s.expect(t, "inserts", []string{"a"})
	check(t, s.DB.Insert(t.Context(), "inserts", []string{"name", "id"}, backends.Row{"b", int64(2)}))
	s.expect(t, "inserts", []string{"a", "b"})
	check(t, s.DB.Insert(t.Context(), "inserts", Columns))
}

// Several rows, and more than one statement takes.
func rows(t *testing.T, s *Subject) {
	s.Table(t, "many")
	check(t, s.DB.Insert(t.Context(), "many", Columns, row(1, "a"), row(2, "b")))
	s.expect(t, "many", []string{"a", "b"})
	_, err := s.DB.Delete(t.Context(), "many", nil)
	check(t, err)
	const n = 6_000
	rows := make([]backends.Row, n)
	for i := range rows {
		rows[i] = row(i, fmt.Sprint("user", i))
	}
	rows[n-1][1] = "user0"
	if err := s.DB.Insert(t.Context(), "many", Columns, rows...); !errors.Is(err, backends.ErrExists) {
		t.Errorf("the last row is there already: %v", err)
	}
	s.expect(t, "many", []string{})
	rows[n-1][1] = "last"
	check(t, s.DB.Insert(t.Context(), "many", Columns, rows...))
	if got := len(s.names(t, "many")); got != n {
		t.Errorf("%d rows, want %d", got, n)
	}
}

func update(t *testing.T, s *Subject) {
	s.fill(t, "updates", "a", "b", "c")
	set := []backends.Cell{{Column: "body", Value: "x"}, {Column: "score", Value: 1.5}}
	above := backends.Where{Column: "id", Op: backends.Greater, Value: int64(1)}
	for range 2 { // rows that were found count, changed or not
		n, err := s.DB.Update(t.Context(), "updates", set, []backends.Where{above})
		if n != 2 || err != nil {
			t.Errorf("updated %d, %v; want 2", n, err)
		}
	}
	s.expect(t, "updates", []string{"b", "c"}, is("body", "x"))
	n, err := s.DB.Update(t.Context(), "updates", set, []backends.Where{is("id", int64(9))})
	if n != 0 || err != nil {
		t.Errorf("updated %d, %v; want none", n, err)
	}
}

func remove(t *testing.T, s *Subject) {
	s.fill(t, "deletes", "a", "b", "c")
	for _, want := range []int{1, 0} {
		n, err := s.DB.Delete(t.Context(), "deletes", []backends.Where{is("name", "b")})
		if n != want || err != nil {
			t.Errorf("deleted %d, %v; want %d", n, err, want)
		}
	}
	s.expect(t, "deletes", []string{"a", "c"})
	n, err := s.DB.Delete(t.Context(), "deletes", nil)
	if n != 2 || err != nil {
		t.Errorf("deleted %d, %v; want all", n, err)
	}
	s.expect(t, "deletes", []string{})
}

func upsert(t *testing.T, s *Subject) {
	s.fill(t, "upserts", "a")
	key := []string{"name"}
	for _, name := range []string{"a", "b", "b"} {
		check(t, s.DB.Upsert(t.Context(), "upserts", key, []backends.Cell{
			{Column: "name", Value: name}, {Column: "id", Value: int64(7)}}))
	}
	s.expect(t, "upserts", []string{"a", "b"}, is("id", int64(7)))
	err := s.DB.Upsert(t.Context(), "upserts", key, []backends.Cell{{Column: "id", Value: int64(7)}})
	if !errors.Is(err, backends.ErrRefused) {
		t.Errorf("a row without its key: %v", err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			err := s.DB.Upsert(context.Background(), "upserts", key, []backends.Cell{
				{Column: "name", Value: "race"}, {Column: "id", Value: int64(8)}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.expect(t, "upserts", []string{"race"}, is("id", int64(8)))
}

// Times are kept to the second in UTC, and may stand for Unix seconds.
func times(t *testing.T, s *Subject) {
	s.Table(t, "times")
	local := time.Date(2026, 3, 29, 2, 30, 0, 987654321, time.FixedZone("CET", 3600))
	want := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	check(t, s.DB.Insert(t.Context(), "times", []string{"id", "name", "at"},
		backends.Row{local, local, local}))
	got := s.rows(t, backends.Select{Table: "times", Columns: []string{"id", "name", "at"}})
	stored := []backends.Row{{want.Unix(), want.Format(time.DateTime), want}}
	if diff := cmp.Diff(stored, got); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	for _, column := range []string{"id", "at"} {
		for value, hits := range map[backends.Value]int{local: 1, local.Unix(): 1,
			local.Add(-time.Second): 1, local.Add(time.Second): 0} {
			rows := s.rows(t, backends.Select{Table: "times", Columns: []string{"name"},
				Where: []backends.Where{{Column: column, Op: backends.GreaterEqual, Value: value}}})
			if len(rows) != hits {
				t.Errorf("%s >= %v: %d rows, want %d", column, value, len(rows), hits)
			}
		}
	}
}
