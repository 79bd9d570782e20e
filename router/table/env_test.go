package table

import (
	"testing"
	"time"

	"sipedge/router/data"
	"sipedge/schema"
)

// now is a Monday.
var now = time.Date(2026, time.November, 23, 14, 30, 0, 0, time.UTC)

// testEnv has a table of each kind; "t" is in the cache.
func testEnv(t testing.TB) Env {
	t.Helper()
	rows := func(keys ...string) (all []schema.Row) {
		for _, k := range keys {
			all = append(all, schema.Row{Key: schema.Text{S: k}})
		}
		return all
	}
	tables, diags := data.Load([]schema.Table{
		{Name: "some", Kind: "set", Rows: rows("alice", "12", "example.net", "a", "10.1.2.3", "one")},
		{Name: "numbers", Kind: "prefix", Rows: rows("49", "123", "1", "+4930")},
		{Name: "nets", Kind: "cidr", Rows: rows("10.1.0.0/16", "2001:db8::/48", "192.0.2.1")},
		{Name: "peers", Kind: "address", Addresses: []schema.Address{
			{Cells: []string{"1", "198.51.100.0/24", "", "", "", "x", ""}},
			{Cells: []string{"2", "198.51.100.7", "", "4000", "udp", "", ""}},
			{Cells: []string{"3", "198.51.100.7", "", "4001", "", "", ""}},
			{Cells: []string{"4", "198.51.100.7", "", "", "tcp", "", ""}},
		}},
		{Name: "seen", Kind: "cache", TTL: time.Hour, Max: 10, IPv6: 64},
	}, nil, nil)
	if diags != nil {
		t.Fatal(diags)
	}
	for _, key := range []string{"alice", "10.9.9.9", "2001:db8::77"} {
		if err := tables.Get("seen").Cache().Put([]byte(key), nil, 0, now); err != nil {
			t.Fatal(err)
		}
	}
	return Env{Tables: tables}
}
