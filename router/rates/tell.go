package rates

import (
	"strconv"
	"strings"
)

// Told is a row as people are told of it.
type Told struct {
	Line             int // of its file or policy; of a database which one it was
	Prefix, Cost     string
	Priority, Weight int
	Sets             []string
	Strip            int
	Add, Attributes  string
	Why              Why
}

// Tell tells of the rows of every prefix that the number of a query begins with, the longest first:
// by priority, cost and line.
func (t *Table) Tell(q *Query) (all []Told) {
	for number := q.Number; len(t.rules) > 0; {
		first := t.trie.Longest(number)
		if first < 0 {
			break
		}
		for i := first; i < t.end(first); i++ {
			all = append(all, t.told(int32(i), q))
		}
		n := int(t.rules[first].prefix)
		if n == 0 {
			break
		}
		number = number[:n-1]
	}
	return all
}

func (t *Table) told(i int32, q *Query) Told {
	r, e := &t.rules[i], t.Edit(i)
	one := Told{
		Line: int(r.line), Prefix: string(t.prefix(r)), Cost: showCost(r.cost),
		Priority: int(r.priority), Weight: int(r.weight), Strip: e.Strip, Add: string(e.Add),
		Attributes: string(e.Attributes), Why: t.why(r, q),
	}
	for _, set := range t.gateways[r.gateways] {
		one.Sets = append(one.Sets, t.sets[set])
	}
	return one
}

// showCost writes what parseCost reads.
func showCost(millionths uint64) string {
	part := strconv.FormatUint(1_000_000+millionths%1_000_000, 10)[1:]
	text := strconv.FormatUint(millionths/1_000_000, 10) + "." + part
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
