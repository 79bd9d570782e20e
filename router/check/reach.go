package check

import (
	"fmt"
	"slices"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Status of a rule.
type Status uint8

const (
	Reached     Status = iota // there is a message that it runs for
	Unreachable               // there is none
	Undecided
)

// String names the status in lower case.
func (s Status) String() string {
	return [...]string{"reached", "unreachable", "undecided"}[s]
}

// Verdict is what is proved of one rule.
type Verdict struct {
	Route   string // request, or the type and name: "sub outbound"
	Rule    *schema.Rule
	Index   int // in its route, from 0
	Status  Status
	Example *Message       // reached: it runs the rule. Unreachable: one that another takes
	Takers  []*schema.Rule // unreachable: who takes its messages; none: its matchers exclude each other
	Why     string         // undecided

	called bool // its route is called from others
}

// Bounds of a search.
const (
	maxTries = 3000 // examples for one goal
	maxWays  = 24   // call paths to one rule
	maxDepth = 5000 // literals of one example
)

// search looks for an example that reaches a goal.
//
//  1. The formulas become literals, one alternative at a time.
//  2. The solver makes an example of them; none: this alternative is empty.
//  3. The example is run through the decision tables. When it reaches the goal, that is it.
//  4. Else some rule ended its run. What that rule takes is excluded; on with 1.
//
// Each round leaves out all that the rule takes: when nothing is left there is no such message.
type search struct {
	p      *policy
	entry  *list
	goal   *goal
	accept func(*model, *outcome) []*node // reached, but not what is wanted: exclude these; nil: is it
	tries  int
	unsure string
	takers []*schema.Rule
	missed *Message // the first that another rule took
	found  *Message
	out    *outcome
}

// try looks for an example of lits and all of todo. It is true when it found one.
func (s *search) try(lits []lit, todo []*node) bool {
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[: len(todo)-1 : len(todo)-1]
		switch {
		case n.lit.atom != nil:
			if slices.Contains(lits, lit{n.lit.atom, !n.lit.neg}) {
				return false
			}
			if !slices.Contains(lits, n.lit) {
				lits = append(lits[:len(lits):len(lits)], n.lit)
			}
		case !n.some:
			todo = append(todo, n.kids...)
		case len(n.kids) == 1:
			todo = append(todo, n.kids[0])
		default:
			for _, k := range n.kids {
				if s.try(lits, append(todo[:len(todo):len(todo)], k)) {
					return true
				}
				if s.tries > maxTries {
					return false
				}
			}
			return false
		}
	}
	return s.attempt(lits)
}

// attempt makes an example and runs it.
func (s *search) attempt(lits []lit) bool {
	if s.tries++; s.tries > maxTries || len(lits) > maxDepth {
		s.unsure = "too many alternatives"
		return false
	}
	w := s.p.world
	w.place = s.entry.of
	m, a := w.solve(lits)
	if a == nothing {
		return false
	}
	if a == unsure {
		s.unsure = "a text is too hard to find"
		if m == nil {
			return false
		}
	}
	out, msg := s.p.example(s.entry, m, s.goal)
	if out == nil {
		s.unsure = "no such message can be written"
		return false
	}
	exclude := out.conds
	switch {
	case out.unsure != "":
		s.unsure = out.unsure
		return false
	case out.reached:
		if s.accept != nil {
			if exclude = s.accept(m, out); exclude != nil {
				break
			}
		}
		s.found, s.out = msg, out
		return true
	case !out.ended:
		s.unsure = mismatch(lits)
		return false
	default:
		s.taken(out, msg)
		if out.read != 0 {
			s.unsure = "what it reads may have been changed before"
		}
	}
	return s.try(lits, []*node{both(exclude...).not()})
}

// mismatch says why an example did not do what its literals say.
func mismatch(lits []lit) string {
	for _, l := range lits {
		switch l.kind {
		case fixed:
			return l.why + " is not searched"
		case theDirection:
			return "direction is known behind loose_route only"
		}
	}
	return "what it reads may have been changed before"
}

// taken notes the rule that took an example from the goal.
func (s *search) taken(out *outcome, msg *Message) {
	if s.goal == nil || len(out.way) == 0 {
		return
	}
	r := out.way[len(out.way)-1]
	for _, f := range out.way {
		if !s.goal.passes(f) {
			r = f
			break
		}
	}
	if src := r.list.rules[r.rule].src; !slices.Contains(s.takers, src) {
		s.takers = append(s.takers, src)
	}
	if s.missed == nil {
		s.missed = msg
	}
}

// example runs an example; nil: it can't be written as it is meant.
func (p *policy) example(entry *list, m *model, g *goal) (*outcome, *Message) {
	var msg sip.Message
	j, ok := m.start(entry.of, p.world.self, &msg)
	if !ok {
		return nil, nil
	}
	defer job.Put(j)
	place := entry.of
	out := p.run(entry, m, j, g)
	if j.Place != entry.of {
		place = j.Place
	}
	ex := &Message{Flow: m.flow(), Text: msg.Raw(), place: place, values: m}
	var assumed []string
	for a, is := range m.true {
		if is {
			assumed = append(assumed, a.why)
		}
	}
	slices.Sort(assumed)
	ex.Assumes = strings.Join(slices.Compact(assumed), ", ")
	return out, ex
}

// ways are the paths of calls from entries to a list.
func (p *policy) ways(to *list) (all [][]call) {
	var climb func(l *list, below []call)
	climb = func(l *list, below []call) {
		if len(all) >= maxWays {
			return
		}
		if l.of == schema.InRequest || l.of == schema.InReply {
			all = append(all, below)
			return
		}
		for _, c := range l.calls {
			if c.from == l || slices.ContainsFunc(below, func(b call) bool { return b.from == c.from }) {
				continue // round in a circle: what it gives, a shorter way gives
			}
			climb(c.from, append([]call{c}, below...))
		}
	}
	climb(to, nil)
	return all
}

// entry is where a way begins.
func entry(way []call, to *list) *list {
	if len(way) > 0 {
		return way[0].from
	}
	return to
}

// formulas are what must hold along a way, besides that nothing ends the run before.
func (g *goal) formulas() []*node {
	list := []*node{g.list.rules[g.rule].match}
	for _, c := range g.way {
		r := &c.from.rules[c.rule]
		list = append(list, r.match)
		if s := &r.steps[c.step]; c.how == byArm && s.arm != nil {
			list = append(list, s.arm)
		}
		for n := range c.step {
			if before := &r.steps[n]; before.arm != nil {
				list = append(list, before.arm.not())
			}
		}
	}
	for n := range max(g.step, 0) {
		if before := &g.list.rules[g.rule].steps[n]; before.arm != nil {
			list = append(list, before.arm.not())
		}
	}
	return list
}

// edited reports whether a formula on the way may read what was written before.
func (g *goal) edited() bool {
	bad := false
	look := func(r *rule) {
		r.match.each(func(l lit) { bad = bad || l.part()&r.earlier != 0 })
	}
	look(&g.list.rules[g.rule])
	for _, c := range g.way {
		look(&c.from.rules[c.rule])
	}
	return bad
}

// find searches a goal, with more that must hold.
func (p *policy) find(g *goal, more []*node, accept func(*model, *outcome) []*node) *search {
	s := &search{p: p, entry: entry(g.way, g.list), goal: g, accept: accept}
	if s.try(nil, append(g.formulas(), more...)); s.found == nil && s.unsure == "" && g.edited() {
		s.unsure = "what it reads may have been changed before"
	}
	if len(p.ways(g.list)) >= maxWays && s.unsure == "" {
		s.unsure = "too many ways lead there"
	}
	return s
}

// reach decides one rule.
func (p *policy) reach(l *list, i int) Verdict {
	v := Verdict{
		Route: l.title(), Rule: l.rules[i].src, Index: i, Status: Unreachable,
		called: len(l.calls) > 0,
	}
	ways := p.ways(l)
	for _, way := range ways {
		s := p.find(&goal{list: l, rule: i, step: -1, way: way}, nil, nil)
		switch {
		case s.found != nil:
			if v.Status, v.Example, v.Takers, v.Why = Reached, s.found, nil, ""; s.found.Assumes != "" {
				v.Status, v.Why = Undecided, s.found.Assumes
				continue
			}
			return v
		case s.unsure != "":
			v.Status, v.Why = Undecided, s.unsure
		case v.Status == Unreachable:
			for _, r := range s.takers {
				if !slices.Contains(v.Takers, r) {
					v.Takers = append(v.Takers, r)
				}
			}
			if v.Example == nil {
				v.Example = s.missed
			}
		}
	}
	if len(ways) == 0 {
		v.Status, v.Why = Undecided, "nothing uses its route"
	}
	return v
}

func (l *list) title() string {
	if l.of == schema.InRequest {
		return "request"
	}
	return fmt.Sprintf("%s %s", l.of, l.name)
}
