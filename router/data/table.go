package data

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"sipedge/router/address"
	"sipedge/router/digits"
	"sipedge/router/drouting"
	"sipedge/router/rates"
	"sipedge/schema"
	"sipedge/sip"
)

// Kind is what a Table is.
type Kind uint8

const (
	Set     Kind = iota // keys
	Map                 // keys with a value each
	Prefix              // beginnings of numbers; the longest one counts
	CIDR                // networks; the longest prefix counts
	Address             // networks in groups, with ports, transports and patterns
	Caching             // a Cache
	Rates               // rates
)

var kinds = map[string]Kind{
	"set": Set, "map": Map, "prefix": Prefix, "cidr": CIDR, "address": Address,
	"cache": Caching, "lcr": Rates,
}

// Table is a table of a policy. What it was given at compile time is replaced
// as a whole when its file or its table in a database changes; a look-up sees the
// old or the new. It is safe for concurrent use.
type Table struct {
	name    string
	kind    Kind
	cache   *Cache // of Caching, which has no content
	content atomic.Pointer[content]
	sets    []string // of gateways that Rates may name
	history history
	file    *file   // nil: it comes from none
	remote  *remote // nil: it comes from no database
}

// content is what a table holds, immutable.
type content struct {
	rows *rows
	trie *digits.Trie       // Prefix
	nets *bart.Table[int32] // CIDR: rows
	list *address.List      // Address: rows
	// rates of Rates, which has no rows; left are rules of drouting that are none.
	rates *rates.Table
	left  drouting.Left
}

// len is how many rows there are.
func (c *content) len() int {
	if c.rates != nil {
		return c.rates.Len()
	}
	return len(c.rows.entries)
}

// equal reports whether c has the rows of o, a content of the same kind.
func (c *content) equal(o *content) bool {
	if c.rates != nil {
		return c.rates.Equal(o.rates)
	}
	return c.rows.equal(o.rows)
}

// Name is what the policy calls the table.
func (t *Table) Name() string { return t.name }

// Kind is what the table is.
func (t *Table) Kind() Kind { return t.kind }

// Cache is the cache of a table of that kind, else nil.
func (t *Table) Cache() *Cache { return t.cache }

// Len is the number of rows.
func (t *Table) Len(now time.Time) int {
	if t.cache != nil {
		return t.cache.Len(now)
	}
	return t.content.Load().len()
}

// Rates are those of a table of that kind, else nil. They are immutable: a change of
// rows makes others.
func (t *Table) Rates() *rates.Table {
	if t.kind != Rates {
		return nil
	}
	return t.content.Load().rates
}

// Lookup appends the value of a key to dst, and tells whether there is one: the
// key itself, of Prefix the longest row it begins with, of CIDR and Address the smallest
// network that has it. now is for a cache; zero: ask the wall clock.
func (t *Table) Lookup(dst, key []byte, now time.Time) ([]byte, bool) {
	if t.cache != nil {
		return t.cache.Lookup(dst, key, now)
	}
	c := t.content.Load()
	row := c.find(key)
	if row < 0 {
		return dst, false
	}
	return append(dst, c.rows.value(row)...), true
}

// In reports whether Lookup finds the key.
func (t *Table) In(key []byte, now time.Time) bool {
	if t.cache != nil {
		return t.cache.In(key, now)
	}
	return t.content.Load().find(key) >= 0
}

// InAddr is In for an address: of other kinds than CIDR and Address the key is its
// shortest form.
func (t *Table) InAddr(a netip.Addr, now time.Time) bool {
	a = a.Unmap()
	if t.cache != nil {
		return t.cache.InAddr(a, now)
	}
	c := t.content.Load()
	switch {
	case c.nets != nil:
		return c.nets.Contains(a)
	case c.list != nil:
		return c.list.Find(&address.Query{Addr: a}) >= 0
	}
	var text [64]byte
	return c.find(a.AppendTo(text[:0])) >= 0
}

// find is the number of the row a key means, or -1.
func (c *content) find(key []byte) int {
	switch {
	case c.trie != nil:
		return c.trie.Longest(key)
	case c.nets != nil:
		a, ok := sip.ParseAddr(key)
		if !ok {
			return -1
		}
		row, ok := c.nets.Lookup(a.Unmap())
		if !ok {
			return -1
		}
		return int(row)
	case c.list != nil:
		a, _ := sip.ParseAddr(key)
		return c.list.Find(&address.Query{Addr: a})
	}
	return c.rows.find(key)
}

// add files a row under what its key means.
func (c *content) add(kind Kind, key, value []byte) error {
	if kind == CIDR {
		p, err := schema.ParseNetwork(string(key))
		if err != nil {
			return errNetwork
		}
		key = p.AppendTo(nil)
		before := len(c.rows.entries)
		if err := c.rows.add(key, value); err != nil {
			return err
		}
		if len(c.rows.entries) > before {
			c.nets.Insert(p, int32(before))
		}
		return nil
	}
	before := len(c.rows.entries)
	if err := c.rows.add(key, value); err != nil {
		return err
	}
	if kind == Prefix && len(c.rows.entries) > before {
		return c.trie.Insert(before)
	}
	return nil
}

// newContent is an empty content of a kind, whose rows may use buf.
func newContent(kind Kind, n int, buf []byte) *content {
	c := &content{rows: newRows(n, buf)}
	switch kind {
	case Prefix:
		c.trie = digits.New(c.rows.key)
	case CIDR:
		c.nets = new(bart.Table[int32])
	case Rates:
		c.rates = new(rates.Table)
	case Address:
		c.list = new(address.List)
	}
	return c
}
