package table

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"sipedge/router/dfa"
	"sipedge/router/directory"
	"sipedge/router/table/decoded"
)

// How the index is built.
const (
	scanned = 16 // so many rules are scanned rather than filed
	alike   = 4  // lists of up to so many rules are equally good
	deepest = 4  // levels of filing
	copies  = 4  // below the first level a rule is filed under so many keys at most
)

// node is a part of the rules, in which candidates are looked for. A node of
// one rule is all in it: look-ups touch as little memory as they can.
type node struct {
	candidate             // the first rule
	hi        int32       // the last one
	scan      []candidate // tried in order
	split     *split      // filed; nil: none
}

// candidate is a rule that may match, unless its hint tells otherwise.
type candidate struct {
	rule int32
	hint hint
	test func(f *facts) bool
}

// split files rules by the value of axes.
type split struct {
	groups []group
	regex  []regexGroup
	nets   *bart.Table[*netNode]
}

// group files by the value of an axis or of a header.
type group struct {
	axis    axis
	header  *decoded.Header // nil: the value of axis
	lengths []int           // of beginnings of the value, ascending; nil: by all of it
	nodes   directory.Of[node]
}

// regexGroup files by the expressions that a header, or the value of an axis, matches.
type regexGroup struct {
	header *decoded.Header // nil: the value of axis
	axis   axis
	set    dfa.Set
	nodes  []node // by expression
}

// netNode holds the rules of one network; super is the next wider network
// that has rules.
type netNode struct {
	node
	super *netNode
}

// builder files rules.
type builder struct {
	conditions [][]condition // of each rule
	axes       []dynamic
	filed      []*anchor // by what each is filed at the first level; nil: scanned
	made       []candidate
}

// index files the rules by their anchors.
func index(conditions [][]condition, axes []dynamic) node {
	all := make([]int32, len(conditions))
	for i := range all {
		all[i] = int32(i)
	}
	b := &builder{
		conditions, axes, make([]*anchor, len(conditions)), make([]candidate, len(conditions)),
	}
	return b.node(all, nil)
}

// candidates are rules as they are verified where they are filed.
func (b *builder) candidates(rules []int32) []candidate {
	list := make([]candidate, len(rules))
	for i, r := range rules {
		if b.made[r].test == nil {
			b.made[r] = b.candidate(r)
		}
		list[i] = b.made[r]
	}
	return list
}

func (b *builder) candidate(r int32) candidate {
	var left rule
	for _, c := range b.conditions[r] {
		if c.anchor == nil || c.anchor != b.filed[r] || !c.anchor.whole {
			left = append(left, c.holds)
		}
	}
	return candidate{r, hintOf(b.conditions[r], b.filed[r]), left.test()}
}

// node files some rules; used has the axes of the levels above.
func (b *builder) node(rules []int32, used []axis) node {
	n := node{hi: -1}
	if len(rules) == 0 {
		return n
	}
	n.hi = rules[len(rules)-1]
	if len(rules) > scanned && len(used) < deepest {
		chosen, scan := b.choose(rules, used)
		if len(scan) < len(rules) {
			n.split = b.split(chosen, used)
			n.rule, n.scan = rules[0], b.candidates(scan)
			return n
		}
	}
	n.scan = b.candidates(rules)
	n.candidate = n.scan[0]
	if len(rules) == 1 {
		n.scan = nil
	}
	return n
}

// filed is the rules of a node by the anchor chosen for each: a list for every
// key of an axis.
type filed struct {
	keys map[axis]map[string][]int32
	nets map[netip.Prefix][]int32
}

func newFiled() *filed {
	return &filed{keys: map[axis]map[string][]int32{}, nets: map[netip.Prefix][]int32{}}
}

func (x *filed) add(r int32, a *anchor) {
	for _, p := range a.nets {
		if list := x.nets[p]; len(list) == 0 || list[len(list)-1] != r {
			x.nets[p] = append(list, r)
		}
	}
	if len(a.keys) == 0 {
		return
	}
	lists := x.keys[a.axis]
	if lists == nil {
		lists = map[string][]int32{}
		x.keys[a.axis] = lists
	}
	for _, k := range a.keys {
		if list := lists[k]; len(list) == 0 || list[len(list)-1] != r {
			lists[k] = append(list, r)
		}
	}
}

// longest is how many rules share a key with a, at worst.
func (x *filed) longest(a *anchor) (n int) {
	for _, k := range a.keys {
		n = max(n, len(x.keys[a.axis][k]))
	}
	for _, p := range a.nets {
		n = max(n, len(x.nets[p]))
	}
	return n
}

// choose takes for each rule the anchor that leaves it among the fewest
// others; rules that no anchor tells apart are to be scanned.
func (b *builder) choose(rules []int32, used []axis) (chosen *filed, scan []int32) {
	all := newFiled()
	for _, r := range rules {
		for i := range b.conditions[r] {
			if a := b.conditions[r][i].anchor; usable(a, used) {
				all.add(r, a)
			}
		}
	}
	chosen = newFiled()
	for _, r := range rules {
		var best *anchor
		least := len(rules)
		for i := range b.conditions[r] {
			a := b.conditions[r][i].anchor
			if !usable(a, used) {
				continue
			}
			n := max(all.longest(a), alike)
			if n < least || n == least && best != nil && a.axis < best.axis {
				best, least = a, n
			}
		}
		if best == nil {
			scan = append(scan, r)
			continue
		}
		chosen.add(r, best)
		if len(used) == 0 {
			b.filed[r] = best
		}
	}
	return chosen, scan
}

func usable(a *anchor, used []axis) bool {
	return a != nil && !slices.Contains(used, a.axis) && (len(used) == 0 || a.size() <= copies)
}

func (b *builder) split(chosen *filed, used []axis) *split {
	s := &split{}
	for a := range noAxis + 1 + axis(len(b.axes)) {
		lists := chosen.keys[a]
		if len(lists) == 0 {
			continue
		}
		keys, below := slices.Sorted(maps.Keys(lists)), append(slices.Clip(used), a)
		var d dynamic
		if a > noAxis {
			d = b.axes[a-noAxis-1]
		}
		if d.regex {
			g := regexGroup{header: d.header, axis: d.of, set: dfa.NewSet(keys)}
			for _, k := range keys {
				g.nodes = append(g.nodes, b.node(lists[k], below))
			}
			s.regex = append(s.regex, g)
			continue
		}
		g := group{axis: a, header: d.header, nodes: directory.Make(keys, func(k string) node {
			return b.node(lists[k], below)
		})}
		for _, k := range keys {
			if a.isPrefix() && !slices.Contains(g.lengths, len(k)) {
				g.lengths = append(g.lengths, len(k))
			}
		}
		slices.Sort(g.lengths)
		s.groups = append(s.groups, g)
	}
	s.nets = b.networks(chosen.nets, append(slices.Clip(used), bySource))
	return s
}

func (b *builder) networks(lists map[netip.Prefix][]int32, below []axis) *bart.Table[*netNode] {
	if len(lists) == 0 {
		return nil
	}
	nets := make([]netip.Prefix, 0, len(lists))
	for p := range lists {
		nets = append(nets, p)
	}
	slices.SortFunc(nets, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
	t := new(bart.Table[*netNode])
	for _, p := range nets { // wider ones are there already
		super, _ := t.LookupPrefix(p)
		t.Insert(p, &netNode{b.node(lists[p], below), super})
	}
	return t
}
