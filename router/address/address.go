// Package address is the table `address` of OpenSIPS's and Kamailio's module permissions: sources,
// in groups. A row is a network, perhaps with a port, a transport and a pattern for a text that
// goes with the request. Its one law: a look-up takes as long whatever the number of networks,
// and allocates nothing.
package address

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/gaissmai/bart"

	"sipedge/sip"
)

// Row is a row of the table. The zero values of Group, Port, Transport and Pattern are for any.
type Row struct {
	Group     uint32
	Net       netip.Prefix // masked, IPv4 not in IPv6 form
	Port      uint16
	Transport sip.Transport
	Pattern   string // as fnmatch(3) has it, without flags but FNM_PERIOD
	Info      string // of the row, for who finds it: the column context_info
}

// Query is what is looked for. Zero Port and Transport, and a nil Text, are equal to any.
type Query struct {
	Addr      netip.Addr
	Port      uint16
	Transport sip.Transport
	Groups    []uint32 // one of them; none: any
	Text      []byte   // for patterns
}

// List is the rows of a table. It may be asked by many when all have been added.
type List struct {
	nets bart.Table[int32] // the first row of each network
	rows []row

	patterns map[string]*pattern // those of many rows are one
}

// row is a Row with its pattern compiled.
type row struct {
	group     uint32
	next      int32 // of the same network; -1 none
	last      int32 // of the network, if this is the first
	port      uint16
	transport sip.Transport
	pattern   *pattern // nil: any
}

// Add files a row behind those that are there. The error is a sentence about its pattern.
func (l *List) Add(r *Row) error {
	n := int32(len(l.rows))
	one := row{group: r.Group, next: -1, last: n, port: r.Port, transport: r.Transport}
	if r.Pattern != "" {
		p, err := l.compiled(r.Pattern)
		if err != nil {
			return err
		}
		one.pattern = p
	}
	if first, ok := l.nets.Get(r.Net); ok {
		last := &l.rows[first].last
		l.rows[*last].next, *last = n, n
	} else {
		l.nets.Insert(r.Net, n)
	}
	l.rows = append(l.rows, one)
	return nil
}

func (l *List) compiled(text string) (*pattern, error) {
	if p := l.patterns[text]; p != nil {
		return p, nil
	}
	p, err := newPattern(text)
	if err != nil {
		return nil, err
	}
	if l.patterns == nil {
		l.patterns = map[string]*pattern{}
	}
	l.patterns[text] = p
	return p, nil
}

// Find is the number of the row that a query finds, by the order of Add, or -1: the first of Each.
func (l *List) Find(q *Query) int {
	found := -1
	l.each(q, func(_ netip.Prefix, row int32) bool {
		found = int(row)
		return false
	})
	return found
}

// Each calls f with every row that a query finds and its number, until f returns false: those of
// the smallest network first, and of a network by the order of Add. Rows have no Info.
func (l *List) Each(q *Query, f func(n int, r Row) bool) {
	l.each(q, func(net netip.Prefix, n int32) bool {
		row := &l.rows[n]
		r := Row{Group: row.group, Net: net, Port: row.port, Transport: row.transport}
		if row.pattern != nil {
			r.Pattern = row.pattern.text
		}
		return f(int(n), r)
	})
}

func (l *List) each(q *Query, f func(net netip.Prefix, row int32) bool) {
	a := q.Addr.Unmap().WithZone("")
	if !a.IsValid() {
		return
	}
	for at := netip.PrefixFrom(a, a.BitLen()); ; {
		net, first, ok := l.nets.LookupPrefixLPM(at)
		if !ok {
			return
		}
		for i := first; i >= 0; i = l.rows[i].next {
			if l.rows[i].holds(q) && !f(net, i) {
				return
			}
		}
		if net.Bits() == 0 {
			return
		}
		at = netip.PrefixFrom(net.Addr(), net.Bits()-1).Masked()
	}
}

// Group is the group of a row.
func (l *List) Group(row int) uint32 { return l.rows[row].group }

func (r *row) holds(q *Query) bool {
	return (len(q.Groups) == 0 || r.group == 0 || slices.Contains(q.Groups, r.group)) &&
		(r.port == 0 || q.Port == 0 || r.port == q.Port) &&
		(r.transport == 0 || q.Transport == 0 || r.transport == q.Transport) &&
		(r.pattern == nil || q.Text == nil || r.pattern.match(q.Text))
}

// AppendKey appends what tells a row from others.
func (r *Row) AppendKey(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(r.Group), 10)
	dst = r.Net.AppendTo(append(dst, ' '))
	dst = strconv.AppendUint(append(dst, ' '), uint64(r.Port), 10)
	dst = append(append(dst, ' '), r.Transport.String()...)
	dst = append(append(dst, ' '), r.Pattern...)
	return append(append(dst, 0), r.Info...)
}
