package data

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func pairs(pairs ...string) (all []schema.Row) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, schema.Row{
			Key: schema.Text{S: pairs[i]}, Value: schema.Text{S: pairs[i+1]},
		})
	}
	return all
}

func one(t testing.TB, decl schema.Table) *Table {
	t.Helper()
	decl.Name = "t"
	tables, diags := Load([]schema.Table{decl}, nil, nil)
	if diags != nil {
		t.Fatal(diags)
	}
	return tables.Get("t")
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		kind, rows string
		want       map[string]string // "-": none
	}{
		{"set", "a=,b=", map[string]string{"a": "", "b": "", "c": "-", "": "-"}},
		{"map", "a=1,b=,=e", map[string]string{"a": "1", "b": "", "": "e", "aa": "-"}},
		{"prefix", "49=de,4930=berlin,+1=us,49301=mitte,#=hash", map[string]string{
			"49": "de", "4989": "de", "493": "de", "4930": "berlin", "493012": "mitte",
			"4": "-", "": "-", "+1": "us", "+15": "us", "+2": "-", "49x": "de", "x": "-",
			"#31": "hash", "49302": "berlin",
		}},
		{"prefix", "4930=x,49=y", map[string]string{"4931": "y", "4930": "x", "48": "-"}},
		{"prefix", "=all,1=one", map[string]string{"": "all", "2": "all", "12": "one", "x": "all"}},
		{"cidr", "10.0.0.0/8=a,10.1.0.0/16=b,2001:db8::/32=c,192.0.2.1=d,::ffff:1.2.3.4=e," +
			"::ffff:172.16.0.0/108=f",
			map[string]string{
				"172.16.0.1": "f", "172.31.255.255": "f", "172.32.0.1": "-",
				"10.2.0.1": "a", "10.1.0.1": "b", "::ffff:10.1.0.1": "b", "[2001:db8::9]": "c",
				"192.0.2.1": "d", "192.0.2.2": "-", "1.2.3.4": "e", "x": "-", "": "-", "[": "-",
			}},
	} {
		decl := schema.Table{Kind: tt.kind}
		for _, row := range strings.Split(tt.rows, ",") {
			key, value, _ := strings.Cut(row, "=")
			decl.Rows = append(decl.Rows, pairs(key, value)...)
		}
		table := one(t, decl)
		for key, want := range tt.want {
			got, ok := table.Lookup([]byte("> "), []byte(key), now)
			if in := table.In([]byte(key), now); in != (want != "-") || ok != in {
				t.Errorf("%s %q: In is %v, ok %v", tt.kind, key, in, ok)
			}
			if want != "-" && string(got) != "> "+want {
				t.Errorf("%s %q: want %q, got %q", tt.kind, key, want, got)
			}
		}
	}
}

func TestInAddr(t *testing.T) {
	nets := one(t, schema.Table{Kind: "cidr", Rows: pairs("10.0.0.0/8", "", "2001:db8::/32", "")})
	set := one(t, schema.Table{Kind: "set", Rows: pairs("10.1.2.3", "", "2001:db8::1", "")})
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "2001:db8::1": true, "192.0.2.1": false,
	} {
		a := netip.MustParseAddr(addr)
		if nets.InAddr(a, now) != want || set.InAddr(a, now) != want {
			t.Errorf("%s: want %v, got %v and %v", addr, want, nets.InAddr(a, now), set.InAddr(a, now))
		}
	}
}

func TestRows(t *testing.T) {
	r := newRows(0, nil)
	for i := range 10_000 {
		if err := r.add(fmt.Append(nil, "k", i), fmt.Append(nil, "v", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10_000 {
		n := r.find(fmt.Append(nil, "k", i))
		if n != i || string(r.value(n)) != fmt.Sprint("v", i) {
			t.Fatalf("%d: row %d", i, n)
		}
	}
	if r.find([]byte("k10000")) >= 0 {
		t.Error("found what is not there")
	}
	if err := r.add([]byte("k1"), []byte("v1")); err != nil || len(r.entries) != 10_000 {
		t.Error("the same row twice is one:", err)
	}
	if err := r.add([]byte("k1"), []byte("v2")); err == nil {
		t.Error("two values of a key")
	}
}

// load loads a table from a file of that name and content.
func load(t *testing.T, kind, name, content string) (*Tables, schema.Diagnostics) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, name), content)
	at := schema.Pos{File: filepath.Join(dir, "policy.yaml"), Line: 4, Col: 9}
	return Load([]schema.Table{
		{Name: "t", Kind: kind, File: schema.Text{S: name, Pos: at}},
	}, nil, nil)
}

// The first line of a file with a header is no row; a reload reads it the same way.
func TestHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.csv")
	write(t, path, "\nprefix,carrier\n49,de\n")
	decl := schema.Table{Name: "t", Kind: "prefix", File: schema.Text{S: path}}
	if _, diags := Load([]schema.Table{decl}, nil, nil); len(diags) != 1 {
		t.Errorf("without header: %v", diags)
	}
	decl.Header = true
	tables, diags := Load([]schema.Table{decl}, nil, nil)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	write(t, path, "prefix,carrier\n49,de\n44,uk\n")
	tables.Refresh(slog.New(slog.DiscardHandler))
	tables.Refresh(slog.New(slog.DiscardHandler))
	if n := tables.Get("t").Len(now); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	for _, tt := range []struct{ kind, name, content, want string }{
		{"map", "a.csv", "a,1\nb,2\n\n c , 3 ,more\n", "a=1 b=2 c=3"},
		{"map", "a.csv", "\xef\xbb\xbfa,1\r\nb,\r\n", "a=1 b="},
		{"map", "a.csv", `"a, ""b""",'x'` + "\n" + `"two` + "\n" + `lines", "y"` + "\nz,1",
			`a, "b"='x' two` + "\n" + `lines=y z=1`},
		{"set", "a.csv", "a\nb,2\n\"c\"\n", "a= b=2 c="},
		{"set", "a.csv", "", ""},
		{"prefix", "p.csv", "+49,de\n0,x\n", "+49=de 0=x"},
		{"cidr", "n.csv", "10.0.0.0/8,a\n192.0.2.1\n", "10.0.0.0/8=a 192.0.2.1/32="},
		{"map", "a.yaml", "a: x\n\"01\": \"02\"\n", "a=x 01=02"},
		{"set", "a.yml", "- a\n- \"12\"\n", "a= 12="},
		{"map", "a.csv", "a,1\n\nb\n", "line 3: a row of a map has a key and a value"},
		{"map", "a.csv", "a,1\na,2\n", `line 2: "a" has two values: "1" and "2"`},
		{"map", "a.csv", "a,1\n\"x\ny\",2\nb,3\nb,4", `line 5: "b" has two values: "3" and "4"`},
		{"map", "a.csv", "a,1\nb,\"2\n", "line 2: a quote is not closed"},
		{"prefix", "p.csv", "49\n+x\n", `line 2: "+x" is no prefix: digits, +, * and #`},
		{"cidr", "n.csv", "10.0.0.0/33\n", "line 1: not an IP address or network"},
		{"map", "a.yaml", "- a\n", "line 1: a row of a map has a key and a value"},
		{"map", "a.yaml", "a: [b]\n", "line 1: a text is expected here"},
		{"set", "a.yaml", "- a\n- 49\n", "line 2: a text is expected here"},
		{"map", "a.yaml", "a: {\n", "line "},
	} {
		tables, diags := load(t, tt.kind, tt.name, tt.content)
		if tables == nil {
			d := diags[0]
			want := "cannot read the table " + tt.name + ": " + tt.want
			if len(diags) != 1 || !strings.HasPrefix(d.Message, want) || d.Pos.Line != 4 ||
				d.Code != schema.BadTable || tt.want == "" {
				t.Errorf("%s %q: want %s, got %+v", tt.name, tt.content, want, diags)
			}
			continue
		}
		var got []string
		r := tables.Get("t").content.Load().rows
		for i := range r.entries {
			got = append(got, string(r.key(i))+"="+string(r.value(i)))
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s %q: want %s, got %s", tt.name, tt.content, tt.want, text)
		}
	}
	decl := schema.Table{Name: "t", Kind: "set", File: schema.Text{S: "none.csv"}}
	_, diags := Load([]schema.Table{decl}, nil, nil)
	if len(diags) != 1 || !strings.HasSuffix(diags[0].Message, "none.csv: no such file or directory") {
		t.Errorf("no file: %+v", diags)
	}
}

// One wrong value is one diagnostic, at the value.
func TestBadRows(t *testing.T) {
	at := schema.Pos{File: "p.yaml", Line: 3, Col: 7}
	row := func(s string) []schema.Row { return []schema.Row{{Key: schema.Text{S: s, Pos: at}}} }
	for _, tt := range []struct {
		kind, key string
		code      schema.Code
	}{
		{"cidr", "10.0.0.0/99", schema.BadNetwork}, {"prefix", "4x", schema.BadTable},
	} {
		_, diags := Load([]schema.Table{{Name: "t", Kind: tt.kind, Rows: row(tt.key)}}, nil, nil)
		if len(diags) != 1 || diags[0].Code != tt.code || diags[0].Pos != at {
			t.Errorf("%s: %+v", tt.key, diags)
		}
	}
}

var silent = slog.New(slog.DiscardHandler)
