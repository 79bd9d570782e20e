package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/schema"
)

// pages are the keys of a table, n at a time; between is called after each page.
func pages(t *Table, n int, prefix string, between func()) (keys []string) {
	for from := uint64(0); ; {
		left := n
		from = t.Rows(from, []byte(prefix), now, func(r *Row) bool {
			keys = append(keys, string(r.Key))
			left--
			return left > 0
		})
		if from == 0 {
			return keys
		}
		between()
	}
}

// Each key that is there all the while is on one page, whatever comes and goes between them.
func TestPages(t *testing.T) {
	const many = 3 * smallStore
	table := &Table{kind: Caching, cache: newCache(time.Hour, 4*many, 0)}
	put := func(format string, n int) {
		if err := table.cache.Put(fmt.Appendf(nil, format, n), nil, 0, now); err != nil {
			t.Fatal(err)
		}
	}
	for n := range many {
		put("stays%d", n)
		put("goes%d", n)
	}
	n := 0
	keys := pages(table, 100, "", func() {
		table.cache.Remove(fmt.Appendf(nil, "goes%d", n), now)
		put("comes%d", n)
		n++
	})
	count := map[string]int{}
	for _, k := range keys {
		count[k]++
	}
	for n := range many {
		if k := fmt.Sprintf("stays%d", n); count[k] != 1 {
			t.Fatalf("%s is met %d times", k, count[k])
		}
	}
	if n < 2*many/100 {
		t.Errorf("%d pages", n)
	}
	if keys := pages(table, 7, "stays12", func() {}); len(keys) != 1+10+100 {
		t.Errorf("%d keys begin with stays12", len(keys))
	}
	if n, left := table.cache.Flush(now), table.cache.Len(now); n < many || left != 0 {
		t.Errorf("%d flushed, %d left", n, left)
	}
	if keys := pages(table, 100, "", func() {}); keys != nil {
		t.Errorf("after that there are %v", keys)
	}
}

// Rows of the other kinds, and what finds one.
func TestRowsTold(t *testing.T) {
	for _, c := range []struct{ kind, rows, asked, found string }{
		{"set", "a=,b=", "b", "b="},
		{"map", "a=1,b=2", "a", "a=1"},
		{"prefix", "49=de,4930=berlin", "493012", "4930=berlin"},
		{"cidr", "10.0.0.0/8=a,10.1.0.0/16=b", "10.1.2.3", "10.1.0.0/16=b"},
		{"cidr", "10.0.0.0/8=a,10.1.0.0/16=b", "192.0.2.1", "="},
	} {
		var given []string
		for _, r := range strings.Split(c.rows, ",") {
			k, v, _ := strings.Cut(r, "=")
			given = append(given, k, v)
		}
		table := one(t, schema.Table{Kind: c.kind, Rows: pairs(given...)})
		var told []string
		next := table.Rows(1, nil, now, func(r *Row) bool {
			told = append(told, string(r.Key)+"="+string(r.Value))
			return true
		})
		if want := strings.Split(c.rows, ",")[1:]; !slices.Equal(told, want) || next != 0 {
			t.Errorf("%s: the second row: want %v, got %v", c.kind, want, told)
		}
		r, ok := table.Find([]byte(c.asked), now)
		if got := string(r.Key) + "=" + string(r.Value); got != c.found || ok != (c.found != "=") {
			t.Errorf("%s %s: want %s, got %s %v", c.kind, c.asked, c.found, got, ok)
		}
	}
}

// A key too long to keep is kept as what an operator can read, and remove.
func TestLongKey(t *testing.T) {
	table := one(t, schema.Table{Kind: "cache", TTL: time.Minute, Max: 10, IPv6: 64})
	c := table.Cache()
	for _, key := range []string{strings.Repeat("k", 1000), "2001:db8:1:2::5", "192.0.2.1"} {
		if err := c.Put([]byte(key), []byte("v"), 0, now); err != nil {
			t.Fatal(err)
		}
	}
	keys := pages(table, 1, "", func() {})
	want := []string{
		"sha256:27fed049cf80e0eff71ab837c82a50327b7677ebda22305d3f353f0989488669",
		"2001:db8:1:2::/64", "192.0.2.1",
	}
	if !slices.Equal(keys, want) {
		t.Fatalf("keys %v", keys)
	}
	if r, ok := table.Find([]byte("2001:db8:1:2::9"), now); !ok || r.Left != time.Minute {
		t.Errorf("%+v, %v", r, ok)
	}
	for _, k := range keys {
		if !c.Remove([]byte(k), now) || c.Remove([]byte(k), now) {
			t.Errorf("%s is not removed once", k)
		}
	}
}
