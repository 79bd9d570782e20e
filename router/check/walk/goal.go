package walk

import (
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/schema"
)

// Goal is a rule to be reached, or with Step ≥ 0 a step of it, by a way through the routes.
type Goal struct {
	List *graph.List
	Rule int
	Step int // -1: the rule
	Way  []graph.Call
}

// target is the rule of the way at a depth.
func (g *Goal) target(depth int) (l *graph.List, rule int) {
	if depth < len(g.Way) {
		return g.Way[depth].From, g.Way[depth].Rule
	}
	return g.List, g.Rule
}

// Passes reports whether the way to the goal leads through a rule.
func (g *Goal) Passes(f Frame) bool {
	if g == nil {
		return false
	}
	return g.List == f.List && g.Rule == f.Rule || slices.ContainsFunc(g.Way, func(c graph.Call) bool {
		return c.From == f.List && c.Rule == f.Rule
	})
}

// Answered reports whether the way leads through the reply to what was sent on.
func (g *Goal) Answered() bool {
	return len(g.Way) > 0 && g.List.Of == schema.InReply ||
		slices.ContainsFunc(g.Way[min(1, len(g.Way)):], func(c graph.Call) bool {
			return c.From.Of == schema.InReply
		})
}

// phase is a part of a run: each begins with another message, or a later state of the same.
type phase struct {
	at    int // events before it
	of    schema.Place
	sent  bool        // the request had been sent on
	back  bool        // the message is a reply to the request
	round int         // failure routes begun
	step  *graph.Step // that sent a request of our own
}

// enter is the phase that a route begins which a step takes along.
func (p phase) enter(of schema.Place) phase {
	next := phase{of: of, sent: true, back: of == schema.InReply, round: p.round}
	if of == schema.InFailure {
		next.round++
	}
	return next
}

// Formulas are what must hold along a way, besides that nothing ends the run before, of the
// message as received: what may have been written before shows when an example is run.
func (g *Goal) Formulas(p *graph.Policy, m *Memo) (list []*formula.Node) {
	at := phase{of: graph.Entry(g.Way, g.List).Of}
	add := func(n *formula.Node, earlier uint64) {
		for _, k := range conjuncts(n) {
			if at.of != schema.InLocal && at.fixed(p, k, earlier) {
				list = append(list, m.moved(k, at))
			}
		}
	}
	for depth := 0; depth <= len(g.Way); depth++ {
		l, i := g.target(depth)
		r := &l.Rules[i]
		add(r.Match, r.Earlier)
		before := g.Step
		if depth < len(g.Way) {
			before = g.Way[depth].Step
		}
		for n := range max(before, 0) {
			if arm := r.Steps[n].Arm; arm != nil {
				add(arm.Not(), 0)
			}
		}
		if depth == len(g.Way) {
			break
		}
		c := &g.Way[depth]
		if s := c.Leads(); c.How == graph.ByArm && s.Arm != nil {
			add(s.Arm, 0)
		}
		if to, _ := g.target(depth + 1); c.How == graph.ByHook {
			at = at.enter(to.Of)
		}
	}
	return list
}

// relayed are header fields that relay changes.
var relayed = []string{"Max-Forwards", "Route"}

// fixed reports whether nothing may have written what a formula reads.
func (at phase) fixed(p *graph.Policy, n *formula.Node, earlier uint64) bool {
	ok := true
	n.Each(func(l formula.Lit) {
		key := graph.KeyOf(l.Slot)
		relay := l.Kind == formula.MaxForwards || slices.Contains(relayed, key)
		ok = ok && p.Bit(key)&earlier == 0 && !(relay && at.sent && !at.back)
	})
	return ok
}

// conjuncts are the formulas that must all hold.
func conjuncts(n *formula.Node) []*formula.Node {
	if n.Lit.Atom != nil || n.Some {
		return []*formula.Node{n}
	}
	var all []*formula.Node
	for _, k := range n.Kids {
		all = append(all, conjuncts(k)...)
	}
	return all
}
