package data

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/router/rates"
	"sipedge/schema"
)

// Tables are the tables of one policy.
type Tables struct {
	list []*Table // in the author's order
}

// Load fills the tables of a policy. Of those before, which may be nil, it takes
// over the caches of the same name and bounds, what was read from files that
// have not changed, and tables declared alike in databases that go on. Others are read
// now, which may wait. databases finds a database by name; nil: tables in them are
// empty. What is wrong with a value, a file or a database is diagnosed; the Tables are
// nil when there are errors.
func Load(decls []schema.Table, before *Tables, databases func(name string) backends.DB) (
	*Tables, schema.Diagnostics,
) {
	all := &Tables{}
	var diags schema.Diagnostics
	for i := range decls {
		d := &decls[i]
		t := &Table{name: d.Name, kind: kinds[d.Kind], sets: d.Gateways}
		old := before.Get(d.Name)
		if old.sameRemote(t, d.SQL) && databases(d.SQL.Backend.S) == old.remote.db {
			all.list = append(all.list, old)
			continue
		}
		all.list = append(all.list, t)
		switch {
		case t.kind == Caching:
			t.cache = newCache(d.TTL, d.Max, d.IPv6)
			if old != nil && old.cache != nil && old.cache.max == d.Max && old.cache.ipv6 == d.IPv6 {
				t.cache.store = old.cache.store
			}
		case d.File.S != "":
			if err := t.open(d.File.Path(), d.Header, old); err != nil {
				diags = append(diags, problem(d.File, schema.BadTable, reason(d.File.S, err)))
			}
		case d.SQL != nil:
			diags = append(diags, t.connect(d.SQL, databases)...)
		case d.Rates != nil:
			r, wrong := rates.ReadValues(d.Rates, t.sets)
			diags = append(diags, wrong...)
			t.begin(&content{rates: r})
		case t.kind == Address:
			diags = append(diags, t.fillAddresses(d.Addresses)...)
		default:
			diags = append(diags, t.fill(d.Rows)...)
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return all, diags
}

// Get is the table of that name, or nil.
func (t *Tables) Get(name string) *Table {
	if t == nil {
		return nil
	}
	i := slices.IndexFunc(t.list, func(t *Table) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return t.list[i]
}

// List is all tables, in the author's order.
func (t *Tables) List() []*Table {
	if t == nil {
		return nil
	}
	return slices.Clone(t.list)
}

// open reads a table from its file, or takes what was read from it before.
func (t *Table) open(path string, header bool, old *Table) error {
	t.file = &file{path: path, header: header}
	if old != nil && old.kind == t.kind && old.file != nil && old.file.path == path &&
		old.file.header == header && slices.Equal(old.sets, t.sets) {
		old.file.mu.Lock()
		loaded := old.file.loaded
		old.file.mu.Unlock()
		if now, err := stampOf(path); err == nil && now == loaded && !old.history.failed() {
			t.file.loaded, t.file.seen = loaded, loaded
			t.history.resume(&old.history)
			t.content.Store(old.content.Load())
			return nil
		}
	}
	c, s, err := t.file.read(t.kind, t.sets)
	t.file.loaded, t.file.seen = s, s
	if err == nil {
		t.begin(c)
	}
	return err
}

// begin takes the first rows.
func (t *Table) begin(c *content) {
	t.history.begin(time.Now())
	t.content.Store(c)
}

// fill takes the rows that the policy gives.
func (t *Table) fill(rows []schema.Row) (diags schema.Diagnostics) {
	c := newContent(t.kind, len(rows), nil)
	for _, r := range rows {
		if err := c.add(t.kind, []byte(r.Key.S), []byte(r.Value.S)); err != nil {
			code := schema.BadTable
			if err == errNetwork {
				code, err = schema.BadNetwork, fmt.Errorf("%q is not an IP address or network", r.Key.S)
			}
			diags = append(diags, problem(r.Key, code, err.Error()))
		}
	}
	t.begin(c)
	return diags
}

func problem(at schema.Text, code schema.Code, message string) schema.Diagnostic {
	return schema.Diagnostic{Pos: at.Pos, End: at.Pos.Col + len(at.S), Code: code, Message: message}
}

// reason says what is wrong with a file, its name once.
func reason(name string, err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.HasPrefix(text, "stat ") {
		text = text[i+2:]
	}
	return fmt.Sprintf("cannot read the table %s: %s", name, text)
}
