package data

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

func flowFrom(s string) transport.Flow {
	return transport.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort(s)}
}

// found is what a table of addresses says of a source: its group and row, or "-".
func found(t *Table, from, text string) string {
	var b []byte
	if text != "" {
		b = []byte(text)
	}
	info, group, ok := t.Source(nil, flowFrom(from), nil, b)
	if !ok {
		return "-"
	}
	return string(rune('0'+group)) + string(info)
}

func TestAddressFiles(t *testing.T) {
	for _, c := range []struct{ name, content, from, want string }{
		{"opensips", "id,grp,ip,mask,port,proto,pattern,context_info\n" +
			"1,2,192.0.2.0,24,5060,udp,sip:*,\"a,b\"\n2,2,192.0.2.1,32,0,any,,c\n",
			"192.0.2.9:5060", "2a,b"},
		{"another pattern", "ip,pattern\n192.0.2.1,tel:*\n", "192.0.2.1:5060", "-"},
		{"kamailio", "\xef\xbb\xbfid,grp,ip_addr,mask,port,tag\r\n1,3,2001:db8::,32,0,x\r\n",
			"[2001:db8::9]:5060", "3x"},
		{"no group", "ip\n192.0.2.1\n192.0.2.1\n", "192.0.2.1:5060", "1"},
		{"twice", "ip,context_info\n192.0.2.1,a\n192.0.2.1,b\n", "192.0.2.1:5060", "1a"},
		{"nothing", "ip\n", "192.0.2.1:5060", "-"},
		{"no header", "192.0.2.1\n", "",
			"the first line has to name the columns, ip or ip_addr at least"},
		{"no network", "ip,mask\n192.0.2.1,32\n192.0.2.1,33\n", "",
			`line 3: "192.0.2.1/33" is not an IP address or network`},
		{"no pattern", "ip,pattern\n192.0.2.1,[z-a]\n", "", `line 2: "[z-a]" is no pattern of a shell`},
		{"a line too short", "ip,mask\n192.0.2.1\n", "", "record on line 2: wrong number of fields"},
	} {
		tables, diags := load(t, "address", "a.csv", c.content)
		if tables == nil {
			if len(diags) != 1 || diags[0].Message != "cannot read the table a.csv: "+c.want {
				t.Errorf("%s: %v, want %s", c.name, diags, c.want)
			}
			continue
		}
		if got := found(tables.Get("t"), c.from, "sip:x"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if _, diags := load(t, "address", "a.yaml", "[]"); len(diags) != 1 ||
		!strings.Contains(diags[0].Message, "CSV") {
		t.Errorf("YAML: %v", diags)
	}
}

// layouts is a database whose table of addresses has the columns of others.
type layouts struct {
	backends.Stub
	has map[string]bool
}

func (l *layouts) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	for _, c := range q.Columns {
		if !l.has[c] {
			return nil, backends.ErrRefused
		}
	}
	return l.Stub.Select(ctx, q)
}

// A table in a database is read by the columns that it has.
func TestAddressColumns(t *testing.T) {
	for _, c := range []struct{ columns, named, want string }{
		{"grp ip mask port proto pattern context_info", "", "2here"},
		{"grp ip_addr mask port tag", "", "2here"},
		{"grp ip_addr mask port", "", "2"},
		{"grp net mask port proto pattern who", "net who", "2here"},
		{"ip", "", "refused"},
	} {
		d, row := &layouts{has: map[string]bool{}}, map[string]backends.Value{}
		for _, name := range strings.Fields(c.columns) {
			d.has[name] = true
			switch name {
			case "grp":
				row[name] = int64(2)
			case "ip", "ip_addr", "net":
				row[name] = "192.0.2.77"
			case "mask":
				row[name] = int64(24)
			case "port":
				row[name] = int64(0)
			case "proto":
				row[name] = "any"
			case "context_info", "tag", "who":
				row[name] = "here"
			}
		}
		d.Tables = map[string][]map[string]backends.Value{"address": {row}}
		s := &schema.SQL{
			Backend: schema.Text{S: "db"}, Table: "address", MaxRows: 9, Every: time.Minute,
			Required: true, Columns: make([]string, 7),
		}
		if net, who, ok := strings.Cut(c.named, " "); ok {
			s.Columns[1], s.Columns[6] = net, who
		}
		decls := []schema.Table{{Name: "t", Kind: "address", SQL: s}}
		tables, diags := Load(decls, nil, func(string) backends.DB { return d })
		got := "refused"
		if tables != nil {
			got = found(tables.Get("t"), "192.0.2.1:5060", "")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s: %v", c.columns, got, c.want, diags)
		}
	}
}

// A wrong row of the policy is one diagnostic; the others of the language look into it as into
// networks.
func TestAddresses(t *testing.T) {
	row := func(cells ...string) schema.Address {
		cells = append(cells, make([]string, 7-len(cells))...)
		return schema.Address{Pos: schema.Pos{Line: 3}, Cells: cells}
	}
	_, diags := Load([]schema.Table{{Name: "t", Kind: "address", Addresses: []schema.Address{
		row("1", "192.0.2.1"), row("1", "192.0.2.1", "99"),
	}}}, nil, nil)
	if len(diags) != 1 || diags[0].Code != schema.BadTable || diags[0].Pos.Line != 3 {
		t.Errorf("a wrong row: %v", diags)
	}
	table := one(t, schema.Table{Kind: "address", Addresses: []schema.Address{
		row("7", "192.0.2.0/24", "", "9", "tcp", "x", "info"),
	}})
	value, ok := table.Lookup(nil, []byte("192.0.2.5"), now)
	if !ok || string(value) != "info" || table.In([]byte("192.0.3.5"), now) || table.Len(now) != 1 {
		t.Errorf("Lookup: %q, %v, %d rows", value, ok, table.Len(now))
	}
	if !table.InAddr(netip.MustParseAddr("::ffff:192.0.2.5"), now) {
		t.Error("InAddr: false")
	}
	if table.InSource(flowFrom("192.0.2.5:9"), nil) { // by TCP it were
		t.Error("InSource: true")
	}
}
