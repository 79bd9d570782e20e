package check

import (
	"context"
	"sipedge/router/check/example"
	"slices"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
)

// goal is a rule to be reached, or with step ≥ 0 a step of it, by a way through the routes.
type goal struct {
	list *list
	rule int
	step int    // -1: the rule
	way  []call // from the entry down
}

// frame is a rule that runs.
type frame struct {
	list *list
	rule int
}

// outcome is how the run of an example went.
type outcome struct {
	reached bool
	ended   bool
	unsure  string          // why the run can't be known; "" it can
	way     []frame         // that were running when it ended or was reached
	taken   []*step         // all steps that ran, the last one ended the run
	hit     []frame         // rules that matched, in order
	conds   []*example.Node // together: every message like that ends no later
	read    uint32          // parts that conds read after they may have been written
	own     bool            // the policy itself named the host of the Request-URI
	ownBy   []*example.Node // the rules that did
	tainted bool            // a message did
}

// runner runs an example.
type runner struct {
	p      *policy
	m      *example.Model
	j      *job.Job
	goal   *goal // nil: run to the end
	out    outcome
	frames []frame
	conds  []cond
	wild   uint32
}

// cond is a condition of the way, at the depth of a frame.
type cond struct {
	n     *example.Node
	depth int
	read  uint32 // parts it reads that may have been written
	rule  bool   // it is the match of the frame's rule
}

type verdict uint8

const (
	next verdict = iota
	leave
	stop
)

// run runs a list from its beginning.
func (p *policy) run(entry *list, m *example.Model, j *job.Job, g *goal) *outcome {
	r := &runner{p: p, m: m, j: j, goal: g}
	r.list(entry)
	return &r.out
}

func (r *runner) list(l *list) verdict {
	for i := l.table.Match(r.j, 0); i >= 0; i = l.table.Match(r.j, i+1) {
		rule := &l.rules[i]
		if rule.opaque && !r.assumed(rule.match) {
			continue
		}
		if v := r.rule(l, i); v == stop {
			return stop
		} else if v == leave {
			return next
		}
	}
	return next
}

// assumed reports whether a match whose other parts hold is taken to hold: its opaque atoms are
// conjuncts of it, see formulas.
func (r *runner) assumed(n *example.Node) bool {
	if n.Lit.Atom != nil {
		return n.Lit.Kind != example.Opaque || r.m.True[n.Lit.Atom] != n.Lit.Neg
	}
	if n.Some {
		return true
	}
	return !slices.ContainsFunc(n.Kids, func(k *example.Node) bool { return !r.assumed(k) })
}

func (r *runner) rule(l *list, i int) verdict {
	rule := &l.rules[i]
	mark := len(r.conds)
	r.frames = append(r.frames, frame{l, i})
	r.out.hit = append(r.out.hit, frame{l, i})
	r.cond(rule.match, rule.earlier, true)
	if g := r.goal; g != nil && g.step < 0 && g.list == l && g.rule == i {
		return r.arrive()
	}
	for n := range rule.steps {
		if g := r.goal; g != nil && g.step == n && g.list == l && g.rule == i {
			return r.arrive()
		}
		s := &rule.steps[n]
		if s.src.Kind == "return" {
			r.pop(mark)
			return leave
		}
		r.out.taken = append(r.out.taken, s)
		if r.step(s) == stop {
			return stop
		}
	}
	r.pop(mark)
	return next
}

func (r *runner) cond(n *example.Node, earlier uint32, rule bool) {
	var read uint32
	n.Each(func(l example.Lit) { read |= part(l.Slot) & earlier })
	r.conds = append(r.conds, cond{n, len(r.frames), read, rule})
}

func (r *runner) pop(mark int) {
	r.conds = r.conds[:mark]
	r.frames = r.frames[:len(r.frames)-1]
}

func (r *runner) arrive() verdict {
	r.out.reached, r.out.way = true, slices.Clone(r.frames)
	return stop
}

// step runs one step.
func (r *runner) step(s *step) verdict {
	switch {
	case s.edit != nil:
		r.target(s)
		if _, err := s.edit.Run(context.Background(), r.j); err != nil {
			return r.end("a step fails")
		}
	case s.wild != 0:
		r.target(s)
		if s.wild&r.p.reads != 0 {
			r.out.unsure = s.src.Kind + " writes what a variable holds"
		}
	case s.sub != nil:
		return r.list(s.sub)
	case s.arm != nil:
		return r.arm(s)
	case s.ends:
		return r.last(s)
	}
	return next
}

// arm takes the arm of a step, or goes on.
func (r *runner) arm(s *step) verdict {
	taken := r.holds(s.arm.Lit)
	if taken {
		r.cond(s.arm, 0, false)
		for _, l := range s.arms {
			if r.list(l) == stop {
				return stop
			}
		}
		return r.end("")
	}
	r.cond(s.arm.Not(), 0, false)
	if s.src.Kind == "loose_route" && r.m.Route == example.VerifiedRoute {
		r.j.Verified, r.j.Direction = true, job.Downstream
		if r.m.Direction == "upstream" {
			r.j.Direction = job.Upstream
		}
	}
	if slices.Contains(ownTargets, s.src.Kind) {
		r.own(true)
	}
	return next
}

// ownTargets are actions that choose among what the policy names.
var ownTargets = []string{"lookup", "dispatch", "next_destination", "lcr", "alias_lookup"}

// holds evaluates when an arm is taken.
func (r *runner) holds(l example.Lit) bool {
	var is bool
	switch l.Kind {
	case example.Routed:
		is = slices.Contains(l.Names, r.m.Route)
	case example.MaxForwards:
		is = r.m.MaxForwards >= 0 && l.HoldsNumber(int64(r.m.MaxForwards))
	default:
		is = r.m.True[l.Atom]
	}
	return is != l.Neg
}

// last is a step that ends the run, unless the goal lies in a route it takes along.
func (r *runner) last(s *step) verdict {
	if r.goal != nil {
		for _, l := range s.hooks {
			if !slices.ContainsFunc(r.goal.way, func(c call) bool {
				return c.how == byHook && &c.from.rules[c.rule].steps[c.step] == s
			}) || !r.goal.visits(l) {
				continue
			}
			r.j.Place = l.of
			r.m.Fail(r.j, l.of)
			if r.list(l) == stop {
				return stop
			}
		}
	}
	return r.end("")
}

func (g *goal) visits(l *list) bool {
	return g.list == l || slices.ContainsFunc(g.way, func(c call) bool { return c.from == l })
}

// target follows who names the host of the Request-URI.
func (r *runner) target(s *step) {
	switch s.src.Kind {
	case "rewrite_uri", "set_host":
		r.own(ownHost(s.src.Kind, s.src.Args.S))
		r.out.tainted = !r.out.own
	case "revert_uri":
		r.own(false)
		r.out.tainted = false
	}
}

func (r *runner) own(is bool) {
	r.out.own, r.out.ownBy = is, nil
	for _, c := range r.conds {
		r.out.ownBy = append(r.out.ownBy, c.n)
	}
}

// end ends the run. Its conditions: those of the rules that ran, down to the first that ends
// the run however it goes and is not on the way to the goal.
func (r *runner) end(unsure string) verdict {
	r.out.ended, r.out.way = true, slices.Clone(r.frames)
	cut, cutting := len(r.frames), false
	for depth, f := range r.frames {
		if f.list.rules[f.rule].ends && !r.goal.passes(f) {
			cut, cutting = depth+1, true
			break
		}
	}
	if unsure != "" && !cutting {
		r.out.unsure = unsure
	}
	for _, c := range r.conds {
		if c.depth > cut || cutting && c.depth == cut && !c.rule {
			continue
		}
		r.out.conds = append(r.out.conds, c.n)
		r.out.read |= c.read
	}
	for _, f := range r.frames[:cut] {
		if f.list.of == schema.InRequest {
			continue
		}
		for i := range f.rule { // a return above would have led away from here
			if above := &f.list.rules[i]; above.returns() {
				r.out.conds = append(r.out.conds, above.match.Not())
				above.match.Each(func(l example.Lit) { r.out.read |= part(l.Slot) & above.earlier })
			}
		}
	}
	return stop
}

// passes reports whether the way to the goal leads through a rule.
func (g *goal) passes(f frame) bool {
	if g == nil {
		return false
	}
	return g.list == f.list && g.rule == f.rule ||
		slices.ContainsFunc(g.way, func(c call) bool { return c.from == f.list && c.rule == f.rule })
}

// ownHost reports whether the host of a text is the author's, not a message's.
func ownHost(kind, text string) bool {
	if kind != "set_host" {
		_, rest, ok := cutScheme(text)
		if !ok {
			return false
		}
		text = rest
	}
	return !containsBrace(text)
}

// cutScheme cuts a URI before its host.
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, ":")
	if !ok || containsBrace(scheme) {
		return "", "", false
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, ";?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme, rest, rest != ""
}

// containsBrace reports whether a template names a field.
func containsBrace(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "{{", ""), "{")
}
