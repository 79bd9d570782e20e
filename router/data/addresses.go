package data

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"sipedge/backends"
	"sipedge/router/address"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// InSource reports whether a table of addresses has who is at the other end of a flow in one of
// the groups, or in any if there are none.
func (t *Table) InSource(f transport.Flow, groups []uint32) bool {
	return t.content.Load().list.Find(queryOf(f, groups, nil)) >= 0
}

// Source finds who is at the other end of a flow in a table of addresses: what his row says of
// him, appended to dst, and its group. text is for the patterns of rows; nil: they are not looked
// at.
func (t *Table) Source(dst []byte, f transport.Flow, groups []uint32, text []byte) (
	info []byte, group uint32, ok bool,
) {
	c := t.content.Load()
	row := c.list.Find(queryOf(f, groups, text))
	if row < 0 {
		return dst, 0, false
	}
	return append(dst, c.rows.value(row)...), c.list.Group(row), true
}

// Sources calls row with every row of a table of addresses that has who is at the other end of a
// flow, those that count first, until it returns false. What is zero in the flow is equal to any;
// groups and text are as in Source.
func (t *Table) Sources(
	f transport.Flow, groups []uint32, text []byte, row func(address.Row) bool,
) {
	c := t.content.Load()
	c.list.Each(queryOf(f, groups, text), func(n int, r address.Row) bool {
		r.Info = string(c.rows.value(n))
		return row(r)
	})
}

func queryOf(f transport.Flow, groups []uint32, text []byte) *address.Query {
	return &address.Query{
		Addr: f.Remote.Addr(), Port: f.Remote.Port(), Transport: f.Transport,
		Groups: groups, Text: text,
	}
}

// addAddress files a row by the texts of its columns.
func (c *content) addAddress(cells []string) error {
	r, err := address.Read(cells)
	if err != nil {
		return err
	}
	return c.addSource(&r)
}

func (c *content) addSource(r *address.Row) error {
	before := len(c.rows.entries)
	if err := c.rows.add(r.AppendKey(nil), []byte(r.Info)); err != nil {
		return err
	}
	if len(c.rows.entries) == before {
		return nil
	}
	return c.list.Add(r)
}

// fillAddresses is fill for a table of addresses.
func (t *Table) fillAddresses(rows []schema.Address) (diags schema.Diagnostics) {
	c := newContent(Address, len(rows), nil)
	for _, r := range rows {
		if err := c.addAddress(r.Cells); err != nil {
			diags = append(diags, problem(schema.Text{Pos: r.Pos}, schema.BadTable, err.Error()))
		}
	}
	t.begin(c)
	return diags
}

var (
	errNoIP      = errors.New("the first line has to name the columns, ip or ip_addr at least")
	errNoAddress = errors.New("a row has no ip: its column is NULL")
)

// readAddresses reads the rows of a CSV file, RFC 4180, whose first line names the columns.
func readAddresses(b []byte) (*content, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	r.TrimLeadingSpace, r.ReuseRecord = true, true
	names, err := r.Read()
	if err != nil && err != io.EOF {
		return nil, err
	}
	columns := make([]int, len(names))
	for i, name := range names {
		columns[i] = address.Column(name)
	}
	if !slices.Contains(columns, address.Column("ip")) {
		return nil, errNoIP
	}
	c := newContent(Address, bytes.Count(b, []byte("\n")), nil)
	for {
		record, err := r.Read()
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		cells := make([]string, len(schema.AddressColumns))
		cells[0] = "1"
		for i, cell := range record {
			if at := columns[i]; at >= 0 && cell != "" {
				cells[at] = cell
			}
		}
		if err := c.addAddress(cells); err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// addressLayouts are the columns that there are of schema.AddressColumns: of OpenSIPS, of Kamailio,
// of OpenSIPS 1.6.
var addressLayouts = [][]string{
	schema.AddressColumns,
	{"grp", "ip_addr", "mask", "port", "", "", "tag"},
	{"grp", "ip_addr", "mask", "port", "", "", ""},
}

// readAddresses reads all rows of a table of addresses, of the first layout that the database has.
func (r *remote) readAddresses(ctx context.Context) (*content, error) {
	var first error
	for _, layout := range addressLayouts {
		var names []string
		var places []int
		for i, name := range layout {
			if name = cmp.Or(r.decl.Columns[i], name); name != "" {
				names, places = append(names, name), append(places, i)
			}
		}
		rows, err := r.selected(ctx, names, names[0])
		if err == nil {
			return addressesOf(rows, places)
		}
		if !errors.Is(err, backends.ErrRefused) {
			return nil, err
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// addressesOf are rows, whose cells are those of schema.AddressColumns in these places. A database
// has rows in no order: that of their groups and texts is the same at each reading.
func addressesOf(rows []backends.Row, places []int) (*content, error) {
	list := make([]address.Row, len(rows))
	for n, row := range rows {
		cells := make([]string, len(schema.AddressColumns))
		for i, at := range places {
			if row[i] != nil {
				cells[at] = backends.Text(row[i])
			}
		}
		if cells[1] == "" {
			return nil, errNoAddress
		}
		var err error
		if list[n], err = address.Read(cells); err != nil {
			return nil, fmt.Errorf("ip %q: %w", cells[1], err)
		}
	}
	slices.SortFunc(list, func(a, b address.Row) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), bytes.Compare(a.AppendKey(nil), b.AppendKey(nil)))
	})
	c := newContent(Address, len(list), nil)
	for i := range list {
		if err := c.addSource(&list[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}
