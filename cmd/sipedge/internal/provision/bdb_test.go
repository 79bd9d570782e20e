package provision

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/backends"
)

const head = "VERSION=3\nformat=print\ntype=hash\nh_nelem=6\nHEADER=END\n"

// What db_dump -p prints of a table of db_berkeley, in any order.
func TestReadDump(t *testing.T) {
	d, err := readDump(strings.NewReader(head +
		" a\\\\\\0d|\n 7|a\\\\\\0d|-0.5|2026-01-02 03:04:05|NULL\n" +
		" METADATA_COLUMNS\n id(bigint) name(str) q(double) at(datetime) x(string)\n" +
		" METADATA_KEY\n 1 \n METADATA_DEFAULTS\n NIL|''|0|0|''\n" +
		" b|\n NIL|b|||\\00\nDATA=END\n"))
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string, kind backends.ColumnType) backends.Column {
		return backends.Column{Name: name, Type: kind, Null: true}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := &dump{
		columns: []backends.Column{column("id", backends.Integer), column("name", backends.LongText),
			column("q", backends.Real), column("at", backends.Moment), column("x", backends.LongText)},
		key:  []string{"name"},
		rows: []backends.Row{{int64(7), "a\\\r", -0.5, at, nil}, {nil, "b", nil, nil, ""}},
	}
	if diff := cmp.Diff(want, d, cmp.AllowUnexported(dump{})); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	table := d.table("people")
	if diff := cmp.Diff(backends.Table{Name: "people", Unique: [][]string{{"name"}},
		Columns: []backends.Column{want.columns[0],
			{Name: "name", Type: backends.Name, Size: 255, Null: true}, want.columns[2],
			want.columns[3], want.columns[4]}}, table); diff != "" {
		t.Errorf("table: want, got:\n%s", diff)
	}
}

// A table that sipedge knows keeps its layout; numbers it gives are not taken over.
func TestFit(t *testing.T) {
	d, err := readDump(strings.NewReader(strings.Replace(head, "print", "bytevalue", 1) +
		" 4d455441444154415f434f4c554d4e53\n" + // METADATA_COLUMNS
		" 69642862696e742920757365726e616d65287374722920706574287374722920686131287374722900\n" +
		" 61\n 337c627c6361747c4e554c4c\n" + // 3|b|cat|NULL
		"DATA=END\n"))
	if err != nil {
		t.Fatal(err)
	}
	table := d.table("subscriber")
	if last := table.Columns[len(table.Columns)-1]; last.Name != "pet" || table.Version != 8 {
		t.Errorf("%+v", table)
	}
	columns, rows := d.fit(table)
	if diff := cmp.Diff([]string{"username", "pet", "ha1"}, columns); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	if diff := cmp.Diff([]backends.Row{{"b", "cat", ""}}, rows); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
}

func TestReadDumpErrors(t *testing.T) {
	const columns = " METADATA_COLUMNS\n a(int) b(str)\n"
	for text, want := range map[string]string{
		"":                             "it ends before DATA=END",
		"id|name\n":                    `line 1: "id|name" is not of a header: is this of db_dump?`,
		"VERSION=2\n":                  "line 1: VERSION=2 is not known",
		"type=recno\n":                 "line 1: type=recno is not known",
		head + " a\n":                  "it ends before DATA=END",
		head + " a\nDATA=END":          `line 7: "DATA=END" is no data`,
		head + "a\n":                   `line 6: "a" is no data`,
		head + " a\\zz\n":              `line 6: no escape \zz`,
		head + " a\\\n":                `line 6: no escape \`,
		head + "DATA=END\nVERSION=3\n": "line 7: there is more than one database",
		head + "DATA=END\n":            "no METADATA_COLUMNS: it is no table of db_berkeley",
		head + " METADATA_COLUMNS\n a`(int)\nDATA=END\n": "METADATA_COLUMNS: \"a`(int)\" is no column",
		head + columns + " METADATA_KEY\n 2\nDATA=END\n": "METADATA_KEY: no column 2",
		head + columns + " k\n 1|a|b\nDATA=END\n":        `row "k": 3 fields of 2 columns`,
		head + columns + " k\n x|a\nDATA=END\n": `row "k": column a: strconv.ParseInt: ` +
			`parsing "x": invalid syntax`,
	} {
		if _, err := readDump(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzReadDump(f *testing.F) {
	f.Add([]byte(head + " METADATA_COLUMNS\n a(int) b(str)\n k\n 1|a\nDATA=END\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := readDump(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		columns, rows := d.fit(d.table("t"))
		for _, r := range rows {
			if len(r) != len(columns) {
				t.Errorf("%d values of %d columns", len(r), len(columns))
			}
		}
	})
}
