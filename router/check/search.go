package check

import (
	"slices"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/pattern"
	"sipedge/router/check/walk"
	"sipedge/schema"
)

// Bounds of a search.
const (
	maxTries = 3000 // examples for one goal
	minTries = 20   // of these, however much work the other goals took
	maxDepth = 5000 // literals of one example
)

// search looks for an example that reaches a goal.
//
//  1. The formulas become literals, one alternative at a time.
//  2. The solver makes an example of them; none: this alternative is empty.
//  3. The example is run through the decision tables. When it reaches the goal, that is it.
//  4. Else it says what kept it away. What is like that is excluded; on with 1.
//
// Each round leaves out all that the same keeps away: when nothing is left there is no such
// message.
type search struct {
	p     *graph.Policy
	entry *graph.List
	goal  *walk.Goal
	memo  *walk.Memo
	// accept says what else to exclude when the goal is reached; nil: it is what is wanted.
	accept func(*walk.Run, *example.Model) *formula.Node
	tries  int
	unsure string
	takers []*schema.Rule
	missed *example.Message // the first that another rule took
	found  *example.Message // nil: none, or the run has no message
	run    *walk.Run        // that reached the goal
}

// find searches a goal, with more that must hold.
func find(
	p *graph.Policy, g *walk.Goal, more []*formula.Node,
	accept func(*walk.Run, *example.Model) *formula.Node,
) *search {
	s := &search{
		p: p, entry: graph.Entry(g.Way, g.List), goal: g, accept: accept, memo: walk.NewMemo(),
	}
	s.try(nil, append(g.Formulas(p, s.memo), more...))
	return s
}

// try looks for an example of lits and all of todo. It is true when it found one.
func (s *search) try(lits []formula.Lit, todo []*formula.Node) bool {
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[: len(todo)-1 : len(todo)-1]
		switch {
		case n.Lit.Atom != nil:
			if slices.Contains(lits, n.Lit.Not()) {
				return false
			}
			if !slices.Contains(lits, n.Lit) {
				lits = append(lits[:len(lits):len(lits)], n.Lit)
			}
		case !n.Some:
			todo = append(todo, n.Kids...)
		case len(n.Kids) == 1:
			todo = append(todo, n.Kids[0])
		case !slices.ContainsFunc(n.Kids, func(k *formula.Node) bool { return implied(k, lits) }):
			return s.alternatives(lits, todo, n.Kids)
		}
	}
	return s.attempt(lits)
}

// alternatives tries each of some formulas.
func (s *search) alternatives(lits []formula.Lit, todo, some []*formula.Node) bool {
	for _, k := range some {
		if s.try(lits, append(todo[:len(todo):len(todo)], k)) {
			return true
		}
		if s.tries > maxTries {
			return false
		}
		if k.Lit.Atom != nil { // what has it was tried
			lits = append(lits[:len(lits):len(lits)], k.Lit.Not())
		}
	}
	return false
}

// attempt makes an example and runs it.
func (s *search) attempt(lits []formula.Lit) bool {
	spent := !s.p.World.Spend(1 + len(lits)/8)
	if s.tries++; s.tries > maxTries || len(lits) > maxDepth || spent && s.tries > minTries {
		s.tries = maxTries + 1
		s.unsure = "too many alternatives"
		return false
	}
	m, a := s.p.World.Solve(s.entry.Of, lits, s.goal.Answered())
	if a == pattern.Nothing {
		return false
	}
	if a == pattern.Unsure {
		s.unsure = "a text is too hard to find"
	}
	run, msg, ok := walk.Play(s.p, m, s.entry, s.goal, s.memo)
	if !ok {
		s.unsure = "no such message can be written"
		return false
	}
	if run.Reached && s.accept != nil {
		run.Exclude = s.accept(run, m)
	}
	if run.Reached && run.Exclude == nil && run.Perhaps != "" {
		run.Unsure, run.Exclude = run.Perhaps, formula.Always
	}
	switch {
	case run.Reached && run.Exclude == nil:
		s.found, s.run = msg, run
		return true
	case run.Unsure != "":
		s.unsure = run.Unsure
	case denied(run.Exclude, lits):
		if s.unsure == "" {
			s.unsure = "its examples do not do what they should"
		}
		return false
	}
	if run.Ended {
		s.taken(run, msg)
	}
	return s.try(lits, []*formula.Node{run.Exclude.Not()})
}

// implied reports whether a formula holds wherever literals do.
func implied(n *formula.Node, lits []formula.Lit) bool {
	return n.Holds(func(l formula.Lit) bool { return slices.Contains(lits, l) })
}

// denied reports whether literals rule a formula out that holds for their example: then it is
// none of them.
func denied(n *formula.Node, lits []formula.Lit) bool {
	return !n.Holds(func(l formula.Lit) bool { return !slices.Contains(lits, l.Not()) })
}

// taken notes the rule that took an example from the goal.
func (s *search) taken(run *walk.Run, msg *example.Message) {
	if len(run.Way) == 0 {
		return
	}
	f := run.Way[len(run.Way)-1]
	if i := slices.IndexFunc(run.Way, func(f walk.Frame) bool { return !s.goal.Passes(f) }); i >= 0 {
		f = run.Way[i]
	}
	if src := f.List.Rules[f.Rule].Src; !slices.Contains(s.takers, src) {
		s.takers = append(s.takers, src)
	}
	if s.missed == nil {
		s.missed = msg
	}
}
