package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/relation"
)

// What db_text reads and writes: every type, flag and escape, spaces behind the columns, empty
// lines, no newline at the end.
func TestParse(t *testing.T) {
	file := "id(int,auto) name(string) body(STR , null) size(long,null) q(double) raw(blob) " +
		"at(time) \n" +
		`1:bob:a\:b\n\r\t\\\0:-5:0.70:\0:1774746000` + "\n\n" +
		"2:::::x:0"
	at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	got, err := parse([]byte(file), [][]string{{"name"}, {"nosuch"}})
	if err != nil {
		t.Fatal(err)
	}
	null := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Kind: k, Null: true, EmptyIsNull: true}
	}
	column := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Kind: k, EmptyIsNull: true}
	}
	want := &relation.Table{
		Columns: []relation.Column{
			{Name: "id", Kind: relation.Integer, Auto: true, EmptyIsNull: true},
			column("name", relation.Text), null("body", relation.Text), null("size", relation.Long),
			column("q", relation.Real), column("raw", relation.Bytes), column("at", relation.Moment),
		},
		Unique: [][]string{{"name"}},
		Rows: []backends.Row{
			{int64(1), "bob", "a:b\n\r\t\\\x00", int64(-5), 0.7, []byte{0}, at},
			{int64(2), "", nil, nil, nil, []byte("x"), time.Unix(0, 0).UTC()},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	out, err := format(got)
	wantOut := "id(int,auto) name(string) body(string,null) size(long,null) q(double) raw(blob) " +
		"at(time)\n" + `1:bob:a\:b\n\r\t\\\0:-5:0.7:\0:1774746000` + "\n2:::::x:0\n"
	if string(out) != wantOut || err != nil {
		t.Errorf("%v, want, got:\n%s\n%s", err, wantOut, out)
	}
}

func TestParseErrors(t *testing.T) {
	const head = "id(int) name(string)\n"
	for file, want := range map[string]string{
		"":                        "line 1: no columns",
		"\n":                      "line 1: no columns",
		"id":                      `line 1: "id" is no column`,
		"(int)":                   `line 1: "(int" is no column`,
		"id()":                    `line 1: "id(" is no column`,
		"id(uuid)":                `line 1: column id: no type "uuid"`,
		"id(int,unique)":          `line 1: column id: "unique" is not null, nor auto of a number`,
		"id(string,auto)":         `line 1: column id: "auto" is not null, nor auto of a number`,
		"id(int) id(int)":         "line 1: column id twice",
		head + "1":                "line 2: not 2 fields",
		head + "1:a\n2:b:c":       "line 3: not 2 fields",
		head + "x:a":              `line 2: refused by the backend: column id: "x" is no whole number`,
		head + "99999999999:a":    "line 2: refused by the backend: column id: 99999999999 is too large",
		head + "1:a\\x":           `line 2: column name: no escape \x`,
		head + "1:a\n\n\n2:a\\\n": "line 5: column name: a backslash at the end",
	} {
		if _, err := parse([]byte(file), nil); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
}

// A line of nothing is no row.
func TestFormatRefuses(t *testing.T) {
	one := &relation.Table{Columns: []relation.Column{{Name: "a", Null: true}},
		Rows: []backends.Row{{nil}}}
	if _, err := format(one); err == nil {
		t.Error("a row of nothing was written")
	}
}

// What is written is read as it was, whatever is in it.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.Rune(),
			rapid.SampledFrom([]rune(":\\\n\r\t\x000nrt|;"))))
		want := &relation.Table{Columns: []relation.Column{
			{Name: "id", Kind: relation.Long, EmptyIsNull: true},
			{Name: "a", EmptyIsNull: true},
			{Name: "b", Kind: relation.Bytes, Null: true, EmptyIsNull: true},
			{Name: "c", Kind: relation.Real, EmptyIsNull: true},
		}}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			var raw backends.Value
			if b := rapid.SliceOf(rapid.Byte()).Draw(t, "b"); len(b) > 0 {
				raw = b
			}
			want.Rows = append(want.Rows, backends.Row{rapid.Int64().Draw(t, "id"),
				text.Draw(t, "a"), raw, rapid.Float64().Draw(t, "c")})
		}
		file, err := format(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("want, got:\n%s", diff)
		}
	})
}

// A file that parses is written so that it parses again, to the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte("id(int,auto) name(string) q(double,null)\n1:a\\:b:0.5\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		first, err := parse(file, nil)
		if err != nil {
			return
		}
		out, err := format(first)
		if err != nil {
			return
		}
		again, err := parse(out, nil)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("first, again:\n%s", diff)
		}
	})
}

// Every table that Kamailio ships.
func TestKamailio(t *testing.T) {
	version := backendtest.Need(t, "version", "/usr/share/kamailio/dbtext/kamailio")
	files, err := filepath.Glob(filepath.Join(filepath.Dir(version), "*"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d tables, %v", len(files), err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		table, err := parse(b, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		head, _, _ := strings.Cut(string(b), "\n")
		if n := strings.Count(head, "("); len(table.Columns) != n {
			t.Errorf("%s: %d columns, want %d", path, len(table.Columns), n)
		}
	}
}
