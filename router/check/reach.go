package check

import (
	"cmp"
	"fmt"
	"sipedge/router/check/example"
	"slices"

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
	Example *example.Message // reached: it runs the rule. Unreachable: one that another takes
	Takers  []*schema.Rule   // unreachable: who takes its messages; none: it excludes itself
	Why     string           // undecided

	called bool // its route is called from others
}

// Bounds of a search.
const (
	maxTries = 3000 // examples for one goal
	minTries = 20   // of these, however much work the other goals took
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
	p     *policy
	entry *list
	goal  *goal
	// accept says what else to exclude when the goal is reached; nil: it is what is wanted.
	accept func(*example.Model, *outcome) []*example.Node
	tries  int
	unsure string
	takers []*schema.Rule
	missed *example.Message // the first that another rule took
	found  *example.Message
	out    *outcome
}

// try looks for an example of lits and all of todo. It is true when it found one.
func (s *search) try(lits []example.Lit, todo []*example.Node) bool {
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[: len(todo)-1 : len(todo)-1]
		switch {
		case n.Lit.Atom != nil:
			if slices.Contains(lits, example.Lit{Atom: n.Lit.Atom, Neg: !n.Lit.Neg}) {
				return false
			}
			if !slices.Contains(lits, n.Lit) {
				lits = append(lits[:len(lits):len(lits)], n.Lit)
			}
		case !n.Some:
			todo = append(todo, n.Kids...)
		case len(n.Kids) == 1:
			todo = append(todo, n.Kids[0])
		default:
			for _, k := range n.Kids {
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
func (s *search) attempt(lits []example.Lit) bool {
	spent := !s.p.world.Spend(1 + len(lits)/8)
	if s.tries++; s.tries > maxTries || len(lits) > maxDepth || spent && s.tries > minTries {
		s.tries = maxTries + 1
		s.unsure = "too many alternatives"
		return false
	}
	w := s.p.world
	w.Place = s.entry.of
	m, a := w.Solve(lits)
	if a == example.Nothing {
		return false
	}
	if a == example.Unsure {
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
	return s.try(lits, []*example.Node{example.All(exclude...).Not()})
}

// mismatch says why an example did not do what its literals say.
func mismatch(lits []example.Lit) string {
	for _, l := range lits {
		switch l.Kind {
		case example.Fixed:
			return l.Why + " is not searched"
		case example.Direction:
			return "direction is known behind loose_route only"
		}
	}
	return "what it reads may have been changed before"
}

// taken notes the rule that took an example from the goal.
func (s *search) taken(out *outcome, msg *example.Message) {
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
func (p *policy) example(entry *list, m *example.Model, g *goal) (*outcome, *example.Message) {
	var msg sip.Message
	j, ok := m.Start(entry.of, p.world.Self, &msg)
	if !ok {
		return nil, nil
	}
	defer job.Put(j)
	place := entry.of
	out := p.run(entry, m, j, g)
	if j.Place != entry.of {
		place = j.Place
	}
	ex := m.Message(place, msg.Raw())
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
func (g *goal) formulas() []*example.Node {
	list := []*example.Node{g.list.rules[g.rule].match}
	for _, c := range g.way {
		r := &c.from.rules[c.rule]
		list = append(list, r.match)
		if s := &r.steps[c.step]; c.how == byArm && s.arm != nil {
			list = append(list, s.arm)
		}
		for n := range c.step {
			if before := &r.steps[n]; before.arm != nil {
				list = append(list, before.arm.Not())
			}
		}
	}
	for n := range max(g.step, 0) {
		if before := &g.list.rules[g.rule].steps[n]; before.arm != nil {
			list = append(list, before.arm.Not())
		}
	}
	return list
}

// edited reports whether a formula on the way may read what was written before.
func (g *goal) edited() bool {
	bad := false
	look := func(r *rule) {
		r.match.Each(func(l example.Lit) { bad = bad || part(l.Slot)&r.earlier != 0 })
	}
	look(&g.list.rules[g.rule])
	for _, c := range g.way {
		look(&c.from.rules[c.rule])
	}
	return bad
}

// find searches a goal, with more that must hold.
func (p *policy) find(
	g *goal, more []*example.Node, accept func(*example.Model, *outcome) []*example.Node,
) *search {
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
	slices.SortFunc(v.Takers, func(a, b *schema.Rule) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line))
	})
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
