package address

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sipedge/sip"
)

func list(t testing.TB, rows ...[]string) *List {
	t.Helper()
	l := new(List)
	for _, cells := range rows {
		r, err := Read(append(cells, make([]string, 7-len(cells))...))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestFind(t *testing.T) {
	l := list(t,
		[]string{"1", "10.0.0.0", "8"},
		[]string{"2", "10.1.0.0/16", "", "5060"},
		[]string{"2", "10.1.2.3", "", "0", "tcp"},
		[]string{"3", "10.1.2.3", "32", "", "ANY", "sip:*@a.example"},
		[]string{"0", "2001:db8::1", "32"},
		[]string{"4", "10.1.2.3", "", "5070"},
	)
	for _, c := range []struct {
		addr   string
		port   uint16
		by     sip.Transport
		groups []uint32
		text   string
		want   int
	}{
		{"10.9.9.9", 5060, sip.UDP, nil, "", 0},
		{"::ffff:10.9.9.9", 5060, sip.UDP, []uint32{1}, "", 0},
		{"10.9.9.9", 5060, sip.UDP, []uint32{2, 3}, "", -1},
		{"10.1.9.9", 5060, sip.UDP, []uint32{2}, "", 1},
		{"10.1.9.9", 5061, sip.UDP, []uint32{2}, "", -1},
		{"10.1.9.9", 5061, sip.UDP, []uint32{2, 1}, "", 0},
		{"10.1.9.9", 0, 0, []uint32{2}, "", 1},
		{"10.1.2.3", 5061, sip.TCP, []uint32{2}, "", 2},
		{"10.1.2.3", 5061, sip.UDP, []uint32{2}, "", -1},
		{"10.1.2.3", 5061, sip.UDP, nil, "sip:x@a.example", 3},
		{"10.1.2.3", 5061, sip.UDP, nil, "sip:x@b.example", 0},
		{"10.1.2.3", 5061, sip.UDP, []uint32{3}, "", 3}, // no text: patterns don't count
		{"10.1.2.3", 5070, sip.UDP, []uint32{4}, "", 5},
		{"2001:db8:ffff::1", 9, sip.WSS, []uint32{77}, "", 4}, // group 0 is in all
		{"2001:db9::1", 9, sip.WSS, nil, "", -1},
	} {
		q := Query{Addr: netip.MustParseAddr(c.addr), Port: c.port, Transport: c.by, Groups: c.groups}
		if c.text != "" {
			q.Text = []byte(c.text)
		}
		if got := l.Find(&q); got != c.want {
			t.Errorf("%+v: row %d", c, got)
		}
	}
	if got := l.Find(&Query{}); got != -1 {
		t.Errorf("no address: row %d", got)
	}
	if l.Group(3) != 3 {
		t.Errorf("group of row 3 is %d", l.Group(3))
	}
}

// The list finds what looking at every row would.
func TestFindIsTheSmallest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small, bits := rapid.Uint8Range(0, 3), rapid.SampledFrom([]int{0, 8, 16, 31, 32})
		l, rows := new(List), []Row{}
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			a := netip.AddrFrom4([4]byte{10, small.Draw(t, "b"), 0, small.Draw(t, "d")})
			r := Row{
				Group:     uint32(small.Draw(t, "group")),
				Net:       netip.PrefixFrom(a, bits.Draw(t, "bits")).Masked(),
				Port:      uint16(small.Draw(t, "port")),
				Transport: sip.Transport(small.Draw(t, "transport")),
				Pattern:   rapid.SampledFrom([]string{"", "a", "b*"}).Draw(t, "pattern"),
			}
			if err := l.Add(&r); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, r)
		}
		q := Query{
			Addr:      netip.AddrFrom4([4]byte{10, small.Draw(t, "b"), 0, small.Draw(t, "d")}),
			Port:      uint16(small.Draw(t, "port")),
			Transport: sip.Transport(small.Draw(t, "transport")),
			Groups:    rapid.SliceOfN(rapid.Uint32Range(1, 3), 0, 2).Draw(t, "groups"),
			Text:      []byte(rapid.SampledFrom([]string{"a", "b", "bc"}).Draw(t, "text")),
		}
		want, most, met := -1, -1, 0
		for i, r := range rows {
			if r.Net.Contains(q.Addr) &&
				(r.Group == 0 || len(q.Groups) == 0 || slices.Contains(q.Groups, r.Group)) &&
				(r.Port == 0 || q.Port == 0 || r.Port == q.Port) &&
				(r.Transport == 0 || q.Transport == 0 || r.Transport == q.Transport) &&
				(r.Pattern == "" || r.Pattern == string(q.Text) || r.Pattern == "b*" && q.Text[0] == 'b') {
				if met++; r.Net.Bits() > most {
					want, most = i, r.Net.Bits()
				}
			}
		}
		if got := l.Find(&q); got != want {
			t.Fatalf("row %d of %v for %+v, want %d", got, rows, q, want)
		}
		last, order := 33, []int{}
		l.Each(&q, func(n int, r Row) bool {
			if r != rows[n] || r.Net.Bits() > last || slices.Contains(order, n) {
				t.Fatalf("row %d as %+v after %v of %v", n, r, order, rows)
			}
			last, order = r.Net.Bits(), append(order, n)
			return true
		})
		if len(order) > 0 && order[0] != want || len(order) != met {
			t.Fatalf("rows %v of %v for %+v, want %d of them, %d first", order, rows, q, met, want)
		}
	})
}

func TestPattern(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"sip:*@a.example": {"sip:x@a.example": true, "sip:@a.example": true, "sip:x@a.example2": false},
		"?b":              {"ab": true, "b": false, "aab": false, ".b": false},
		"[a-c]x":          {"bx": true, "dx": false, "ax/": false},
		"[!a]*":           {"b/c": true, "a": false, ".": false},
		"[]a]":            {"]": true, "a": true, "b": false},
		"[a":              {"[a": true, "a": false},
		`\*`:              {"*": true, "x": false},
		`a.b`:             {"a.b": true, "axb": false},
		`.*`:              {".x": true, "x": false},
		`[\d^]`:           {"d": true, "7": false, "^": true, `\`: false},
		"+[[:digit:]]*":   {"+49": true, "+x": false, "+": false, "+:]": false},
		"[^[:alpha:]_]":   {"1": true, "a": false, "_": false, "[": true},
		`[\]x]y`:          {"]y": true, "xy": true, `\y`: false},
		"[a-]":            {"-": true, "a": true, "b": false},
		"[[a]":            {"[": true, "a": true, "]": false},
	} {
		p, err := newPattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for text, want := range texts {
			if got := p.match([]byte(text)); got != want {
				t.Errorf("%s of %q: %v", pattern, text, got)
			}
		}
	}
	if _, err := newPattern("[z-a]"); err == nil {
		t.Error("[z-a] is taken")
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ cells, want string }{
		{"x 10.0.0.1 32 0 any", `"x" is no group: 0 to 4294967295`},
		{"1 10.0.0.1 33 0 any", `"10.0.0.1/33" is not an IP address or network`},
		{"1 a.example 32 0 any", `"a.example/32" is not an IP address or network`},
		{"1 10.0.0.1 32 65536 any", `"65536" is no port: 0 to 65535`},
		{"1 10.0.0.1 32 0 dccp", `"dccp" is no transport`},
	} {
		cells := make([]string, 7)
		fmt.Sscan(c.cells, &cells[0], &cells[1], &cells[2], &cells[3], &cells[4])
		if _, err := Read(cells); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.cells, err, c.want)
		}
	}
}

// A look-up allocates nothing, and does not loop over networks.
func TestFindAllocates(t *testing.T) {
	l := new(List)
	for i := range 100_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		r := Row{Group: 1, Net: netip.PrefixFrom(a, 32), Pattern: "sip:*"}
		if err := l.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	groups := []uint32{1}
	addr := netip.MustParseAddr("10.1.2.3")
	if n := testing.AllocsPerRun(100, func() {
		l.Find(&Query{Addr: addr, Port: 5060, Transport: sip.UDP, Groups: groups})
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
