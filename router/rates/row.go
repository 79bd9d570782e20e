package rates

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sipedge/router/digits"
	"sipedge/router/hours"
	"sipedge/schema"
)

// The columns of a Row.
const (
	prefix = iota
	gateways
	priority
	cost
	weight
	group
	times
	strip
	add
	attributes

	columns
)

// Columns are the names of what a Row has, in its order.
var Columns = [columns]string{
	"prefix", "gateways", "priority", "cost", "weight", "group", "hours", "strip", "add",
	"attributes",
}

// Row is a row as text, by Columns; empty: not said.
type Row [columns]string

// MostOfPrefix is how many rows of a prefix a Table may have: a call looks at all of these.
const MostOfPrefix = 1000

// Bounds on a row, and on the rows of a Table.
const (
	mostDigits     = 32
	mostAttributes = 1024
	mostSets       = 16
	mostGroups     = 64
	mostWeight     = 1000
	mostRows       = 100_000_000
	mostText       = 1<<32 - 1
)

var (
	errMany     = errors.New("more than 100,000,000 rows")
	errText     = errors.New("more than 4 GiB of text")
	errSets     = errors.New("a row has 1 to 16 sets of gateways")
	errGroups   = errors.New("a row has at most 64 groups")
	errDistinct = errors.New("more than 65,535 different ones in the table")
	errLong     = errors.New("attributes are at most 1024 bytes")
)

// rule is a row as it is kept.
type rule struct {
	cost       uint64 // millionths
	text       uint32 // where prefix, add and attributes are, in this order
	line       uint32
	gateways   uint16 // of lists.gateways
	groups     uint16 // of lists.groups; 0: all
	hours      uint16 // of lists.hours; 0: always
	priority   uint16
	weight     uint16
	attributes uint16 // bytes of text
	prefix     uint8  // bytes of text
	add        uint8  // bytes of text
	strip      uint8
	last       bool // of its prefix
}

// lists are what many rules have.
type lists struct {
	gateways [][]uint16 // of sets
	groups   [][]string
	hours    []clock
}

// clock is a span of the week, or a recurrence.
type clock interface{ Has(t time.Time) bool }

// Builder makes a Table of rows.
type Builder struct {
	table    *Table
	gateways map[string]uint16
	groups   map[string]uint16
	hours    map[string]uint16
}

// NewBuilder begins a Table of about n rows that may name these sets of gateways.
func NewBuilder(sets []string, n int) *Builder {
	b := &Builder{
		table:    &Table{sets: sets, rules: make([]rule, 0, n)},
		gateways: map[string]uint16{}, groups: map[string]uint16{}, hours: map[string]uint16{},
	}
	b.table.groups, b.table.hours = [][]string{nil}, []clock{nil} // of the number 0
	return b
}

// Add adds a row, which stands in a line. The error is a sentence about it.
func (b *Builder) Add(line int, row *Row) error {
	r := rule{
		text: uint32(len(b.table.text)), line: uint32(line),
		prefix: uint8(len(row[prefix])), add: uint8(len(row[add])),
		attributes: uint16(len(row[attributes])),
	}
	for _, column := range []int{prefix, add} {
		if len(row[column]) > mostDigits {
			return fmt.Errorf("%s: more than %d digits", Columns[column], mostDigits)
		}
		if err := digits.Check(row[column]); err != nil {
			return fmt.Errorf("%s: %w", Columns[column], err)
		}
	}
	if len(row[attributes]) > mostAttributes {
		return errLong
	}
	if err := r.numbers(row); err != nil {
		return err
	}
	var err error
	if r.gateways, err = interned(b.gateways, row[gateways], b.sets); err != nil {
		return fmt.Errorf("gateways: %w", err)
	}
	if r.groups, err = interned(b.groups, row[group], b.groupsOf); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	if r.hours, err = interned(b.hours, row[times], b.span); err != nil {
		return fmt.Errorf("hours: %w", err)
	}
	return b.keep(&r, row)
}

// numbers reads the columns that are some.
func (r *rule) numbers(row *Row) (err error) {
	if r.priority, err = number(row, priority, 0, 0, 65535); err != nil {
		return err
	}
	if r.weight, err = number(row, weight, 1, 1, mostWeight); err != nil {
		return err
	}
	n, err := number(row, strip, 0, 0, mostDigits)
	if err != nil {
		return err
	}
	r.strip = uint8(n)
	r.cost, err = parseCost(row[cost])
	return err
}

func number(row *Row, column int, def uint16, least, most int) (uint16, error) {
	text := row[column]
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s: %q is no number from %d to %d", Columns[column], text, least, most)
	}
	return uint16(n), nil
}

func (b *Builder) keep(r *rule, row *Row) error {
	t := b.table
	switch {
	case len(t.rules) == mostRows:
		return errMany
	case len(t.text)+int(r.prefix)+int(r.add)+int(r.attributes) > mostText:
		return errText
	}
	t.text = append(append(append(t.text, row[prefix]...), row[add]...), row[attributes]...)
	t.rules = append(t.rules, *r)
	return nil
}

// interned is the number of a text, which make gives when it is the first of its kind.
func interned(
	numbers map[string]uint16, text string, make func(string) (int, error),
) (uint16, error) {
	if i, ok := numbers[text]; ok {
		return i, nil
	}
	n, err := make(text)
	if err == nil && n > 65535 {
		err = errDistinct
	}
	if err != nil {
		return 0, err
	}
	numbers[strings.Clone(text)] = uint16(n)
	return uint16(n), nil
}

// words are what stands between spaces, commas and semicolons.
func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t,;", c) })
}

func (b *Builder) sets(text string) (int, error) {
	t := b.table
	names := words(text)
	if len(names) == 0 || len(names) > mostSets {
		return 0, errSets
	}
	var list []uint16
	for _, name := range names {
		i := slices.Index(t.sets, name)
		if i < 0 {
			return 0, fmt.Errorf("there is no set of gateways %q%s", name, schema.Meant(name, t.sets))
		}
		list = append(list, uint16(i))
	}
	t.gateways = append(t.gateways, list)
	return len(t.gateways) - 1, nil
}

func (b *Builder) groupsOf(text string) (int, error) {
	names := words(strings.Clone(text))
	switch {
	case len(names) == 0:
		return 0, nil
	case len(names) > mostGroups:
		return 0, errGroups
	}
	b.table.groups = append(b.table.groups, names)
	return len(b.table.groups) - 1, nil
}

func (b *Builder) span(text string) (int, error) {
	if strings.TrimSpace(text) == "" {
		return 0, nil
	}
	var times clock
	if hours.IsRecurrence(text) {
		r, err := hours.ParseRecurrence(text, time.UTC)
		if err != nil {
			return 0, err
		}
		times = r
	} else {
		span, err := hours.Parse(text)
		if err != nil {
			return 0, err
		}
		times = &span
	}
	b.table.hours = append(b.table.hours, times)
	return len(b.table.hours) - 1, nil
}

// parseCost reads 0.0125 in millionths.
func parseCost(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	whole, part, point := strings.Cut(text, ".")
	padded := part + strings.Repeat("0", max(0, 6-len(part)))
	n, err := strconv.ParseUint(whole+padded, 10, 64)
	if err != nil || len(padded) > 6 || point && part == "" || whole == "" || len(whole) > 9 {
		return 0, fmt.Errorf("cost: %q is no cost: like 0.0125, six digits behind the point", text)
	}
	return n, nil
}
