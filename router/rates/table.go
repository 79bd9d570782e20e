package rates

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"sipedge/router/digits"
)

// Table is a rate table. It is immutable.
type Table struct {
	lists
	sets  []string // that rows may name
	rules []rule   // by prefix, priority, cost and line
	text  []byte
	trie  *digits.Trie // of the first rule of each prefix
}

// Table is that of the rows added so far. The Builder is of no use any more. The error is a
// sentence about a row, with its line.
func (b *Builder) Table() (*Table, error) {
	t := b.table
	slices.SortFunc(t.rules, func(x, y rule) int {
		return cmp.Or(bytes.Compare(t.prefix(&x), t.prefix(&y)), cmp.Compare(x.priority, y.priority),
			cmp.Compare(x.cost, y.cost), cmp.Compare(x.line, y.line))
	})
	t.text, t.rules = slices.Clip(t.text), slices.Clip(t.rules)
	t.trie = digits.New(func(i int) []byte { return t.prefix(&t.rules[i]) })
	for i := range t.rules {
		t.rules[i].last = i+1 == len(t.rules) ||
			!bytes.Equal(t.prefix(&t.rules[i]), t.prefix(&t.rules[i+1]))
	}
	for first := 0; first < len(t.rules); {
		end := t.end(first)
		if err := t.check(t.rules[first:end]); err != nil {
			return nil, err
		}
		if err := t.trie.Insert(first); err != nil {
			return nil, err
		}
		first = end
	}
	return t, nil
}

// check looks at the rules of one prefix: none says what another says.
func (t *Table) check(rules []rule) error {
	if len(rules) > MostOfPrefix {
		return fmt.Errorf("line %d: more than %d rows have the prefix %q",
			rules[MostOfPrefix].line, MostOfPrefix, t.prefix(&rules[0]))
	}
	type said struct{ gateways, groups, hours uint16 }
	var lines map[said]uint32
	for i := range rules[1:] {
		if lines == nil {
			lines = map[said]uint32{{rules[0].gateways, rules[0].groups, rules[0].hours}: rules[0].line}
		}
		r := &rules[i+1]
		key := said{r.gateways, r.groups, r.hours}
		if other, twice := lines[key]; twice {
			return fmt.Errorf("line %d: prefix, gateways, group and hours are those of line %d",
				max(r.line, other), min(r.line, other))
		}
		lines[key] = r.line
	}
	return nil
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rules) }

// Sets are the names of the sets of gateways that rows may have had, by the numbers of Way.
func (t *Table) Sets() []string { return t.sets }

// Equal reports whether two tables say the same.
func (t *Table) Equal(o *Table) bool {
	return slices.Equal(t.rules, o.rules) && bytes.Equal(t.text, o.text) &&
		slices.Equal(t.sets, o.sets) && reflect.DeepEqual(t.lists, o.lists)
}

// prefix is the text that numbers of a rule begin with.
func (t *Table) prefix(r *rule) []byte { return t.text[r.text:][:r.prefix] }

// end is where the rules end that have the prefix of the first of them.
func (t *Table) end(first int) int {
	for !t.rules[first].last {
		first++
	}
	return first + 1
}

// Most is how many ways Find finds at most.
const Most = 32

// Way is a set of gateways by which a number can be reached.
type Way struct {
	Rule int32  // whose it is
	Set  uint16 // of Sets
}

// Query is what is looked for.
type Query struct {
	Number  []byte
	Group   []byte // whose rows count besides those of all; empty: none
	Now     time.Time
	Shorter bool // what shorter prefixes have comes after what the longest has
	Random  func() uint64
}

// Find appends to dst, which is empty, the ways of a number, best first: those of the longest
// prefix that has a row for the group at the time, by priority, cost and, among equals, chance by
// weight. Each set comes once.
func (t *Table) Find(dst []Way, q *Query) []Way {
	number := q.Number
	for len(t.rules) > 0 {
		first := t.trie.Longest(number)
		if first < 0 {
			break
		}
		dst = t.ways(dst, first, q)
		n := int(t.rules[first].prefix)
		if n == 0 || len(dst) >= Most || len(dst) > 0 && !q.Shorter {
			break
		}
		number = number[:n-1]
	}
	return dst
}

// ways appends those of a prefix.
func (t *Table) ways(dst []Way, first int, q *Query) []Way {
	var buf [Most]int32
	fit, end := buf[:0], t.end(first)
	for i := first; i < end && len(fit) < Most; i++ {
		if t.why(&t.rules[i], q) == Fits {
			fit = append(fit, int32(i))
		}
	}
	for len(fit) > 0 {
		n := 1 // rules that are equals
		for n < len(fit) && t.equals(fit[0], fit[n]) {
			n++
		}
		t.shuffle(fit[:n], q.Random)
		for _, i := range fit[:n] {
			dst = t.sift(dst, i)
		}
		fit = fit[n:]
	}
	return dst
}

func (t *Table) equals(i, j int32) bool {
	return t.rules[i].priority == t.rules[j].priority && t.rules[i].cost == t.rules[j].cost
}

// shuffle has each of several rules come first as often as its weight says.
func (t *Table) shuffle(list []int32, random func() uint64) {
	for ; len(list) > 1; list = list[1:] {
		var all uint64
		for _, i := range list {
			all += uint64(t.rules[i].weight)
		}
		at := random() % all
		for n, i := range list {
			w := uint64(t.rules[i].weight)
			if at < w {
				copy(list[1:n+1], list[:n])
				list[0] = i
				break
			}
			at -= w
		}
	}
}

// sift appends the sets of a rule that are not among the ways.
func (t *Table) sift(dst []Way, i int32) []Way {
	for _, set := range t.gateways[t.rules[i].gateways] {
		known := slices.ContainsFunc(dst, func(w Way) bool { return w.Set == set })
		if !known && len(dst) < Most {
			dst = append(dst, Way{i, set})
		}
	}
	return dst
}

// Why is why a rule counts or not.
type Why uint8

const (
	Fits       Why = iota
	OtherGroup     // it is of others
	OtherHours     // it is not its time
)

func (t *Table) why(r *rule, q *Query) Why {
	if r.groups != 0 && !slices.ContainsFunc(t.groups[r.groups], func(name string) bool {
		return name == string(q.Group)
	}) {
		return OtherGroup
	}
	if r.hours != 0 && !t.hours[r.hours].Has(q.Now) {
		return OtherHours
	}
	return Fits
}

// Edit is what a rule has done to a request.
type Edit struct {
	Strip           int    // characters off the user
	Add, Attributes []byte // of the table
}

// Edit is that of a rule.
func (t *Table) Edit(rule int32) Edit {
	r := &t.rules[rule]
	text := t.text[r.text+uint32(r.prefix):]
	return Edit{int(r.strip), text[:r.add:r.add], text[r.add:][:r.attributes:r.attributes]}
}
