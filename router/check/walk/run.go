package walk

import (
	"slices"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/job"
	"sipedge/sip"
)

// Frame is a rule that runs.
type Frame struct {
	List *graph.List
	Rule int
}

// Run is how the run of an example went, and the run itself.
type Run struct {
	Reached bool
	Ended   bool
	Way     []Frame       // that were running when it ended or was reached
	Taken   []*graph.Step // all steps that ran, the last one ended the run
	Owner   Owner
	Among   bool // targets of strangers may stand beside the Request-URI, whoever names that
	Ours    bool // the Request-URI leads to us
	Chosen  bool // a gateway is the next hop

	// Exclude: no message for which it holds does better. Unsure: that is not sure, for a
	// reason.
	Exclude *formula.Node
	Unsure  string

	// Perhaps is why a run that came to the goal may not have come there after all, or not with
	// what its step reads; "" it has.
	Perhaps string

	p    *graph.Policy
	m    *example.Model
	j    *job.Job
	goal *Goal // nil: run to the end
	memo *Memo

	frames []Frame
	aimed  int // calls of the way that were followed
	conds  *cond
	log    []event
	phases []phase
	known  map[question]*formula.Node

	wild  map[string]string // keys whose values are not known, and why
	blind uint64            // their bits

	takes  graph.Takes // of the relays so far
	hooked uint64      // keys that reply routes of its relays write
	unsent []unsent
	more   bool // append_branch ran
	aside  bool // a branch route runs besides the way
}

// Owner is who named the host of the Request-URI.
type Owner uint8

const (
	ByCaller Owner = iota
	ByPolicy
	ByTemplate // of the policy, from a message
)

// ownerNames are names of the atom Owner.
var ownerNames = [...]string{ByCaller: "caller", ByPolicy: "policy", ByTemplate: "template"}

// Owned is the formula that somebody named the host.
func Owned(by Owner) *formula.Node {
	return formula.Leaf(&formula.Atom{
		Slot: formula.Slot{Kind: formula.Owner}, Names: []string{ownerNames[by]},
	})
}

// Chosen is the formula that a gateway was chosen as the next hop.
var Chosen = formula.Leaf(&formula.Atom{Slot: formula.Slot{Kind: formula.Chosen}})

// cond is a condition of the way, at the depth of a frame.
type cond struct {
	n     *formula.Node
	at    moment
	depth int
	rule  bool // it is the match of the frame's rule, or of one above that did not match
	way   bool // whatever comes to the goal meets it, so it keeps nothing away
	up    *cond
}

// moment is a time in a phase of a run: so many events were before it, and of the next one
// the rules up to one had been passed.
type moment struct{ events, rule, phase int }

// now is the time that it is.
func (r *Run) now() moment { return moment{events: len(r.log), phase: len(r.phases) - 1} }

// event is what a run did that later matches may read.
type event struct {
	step  *graph.Step // that wrote; nil: rules did not match
	conds *cond       // of the step
	deep  int         // values a variable had before
	list  *graph.List
	from  int // rules from, up to to, did not match
	to    int
	left  *moment // instead: the rule from, which matched then, left the list
	phase int
	aside bool // in a branch route, of whose request nothing else is seen
}

type verdict uint8

const (
	next verdict = iota
	leave
	done // the run of a branch route besides the way ended
	stop
)

// Play runs an example from an entry towards a goal, nil: to its end. ok false: it can't be
// written as it is meant. The Message is nil where a run has none.
func Play(p *graph.Policy, m *example.Model, entry *graph.List, g *Goal, memo *Memo) (
	r *Run, ex *example.Message, ok bool,
) {
	var msg sip.Message
	j, ok := m.Start(entry.Of, p.World.Self, &msg)
	if !ok {
		return nil, nil, false
	}
	defer job.Put(j)
	r = &Run{
		p: p, m: m, j: j, goal: g, memo: memo, phases: []phase{{of: entry.Of}},
		known: map[question]*formula.Node{},
	}
	if r.list(entry) == next && !r.Ended {
		r.Exclude = formula.Always
	}
	if j.Msg == nil {
		return r, nil, true
	}
	return r, m.Message(j.Place, msg.Raw(), r.rounds()), true
}

// rounds are the failure routes that the run came to.
func (r *Run) rounds() int { return r.phases[len(r.phases)-1].round }

// Enough is a formula over the message as received for which n holds where the run is, in a
// run like this one.
func (r *Run) Enough(n *formula.Node) *formula.Node { return r.why(n, true, r.now()) }

// aiming reports whether the rules that run now are those of the way.
func (r *Run) aiming() bool { return r.goal != nil && r.aimed == len(r.frames) }

// onWay reports whether the rule that runs is one of the way.
func (r *Run) onWay() bool {
	if r.goal == nil || r.aimed != len(r.frames)-1 {
		return false
	}
	l, rule := r.goal.target(r.aimed)
	return r.frames[r.aimed] == Frame{l, rule}
}

func (r *Run) list(l *graph.List) verdict {
	goal := -1
	if r.aiming() {
		_, goal = r.goal.target(r.aimed)
	}
	mark, ret := r.conds, 0
	for from := 0; ; {
		i := r.match(l, from)
		to := i
		if i < 0 {
			to = len(l.Rules)
		}
		if why := r.blindTo(l.Rules[from:min(to+1, len(l.Rules))]); why != "" {
			return r.lost(why)
		}
		tried := r.pass(l, from, to)
		for ; ret < len(l.Returns) && l.Returns[ret] < to; ret++ {
			if above := l.Returns[ret]; above >= from {
				r.push(l.Rules[above].Match.Not(), tried(above), len(r.frames)+1, true)
			}
		}
		switch {
		case goal >= from && goal < to:
			return r.missed(l.Rules[goal].Match, tried(goal))
		case i < 0:
			r.conds = mark
			return next
		}
		at := r.now()
		switch v := r.rule(l, i); v {
		case stop:
			return v
		case done:
			r.left(l, i, at)
			return v
		case leave:
			r.left(l, i, at)
			r.conds = mark
			return next
		}
		from = i + 1
	}
}

// pass notes that rules did not match, and tells when one of them was tried.
func (r *Run) pass(l *graph.List, from, to int) (tried func(rule int) moment) {
	now := r.now()
	if len(l.Writers) == 0 || from == to {
		return func(int) moment { return now }
	}
	r.log = append(r.log, event{list: l, from: from, to: to, aside: r.aside, phase: now.phase})
	return func(rule int) moment { return moment{now.events, rule, now.phase} }
}

// left notes that a rule that matched at a time left the rest of its list.
func (r *Run) left(l *graph.List, rule int, at moment) {
	if len(l.Writers) > 0 {
		r.log = append(r.log, event{
			list: l, from: rule, left: &at, aside: r.aside, phase: r.now().phase,
		})
	}
}

// match is the next rule that matches, what is opaque as the example has it.
func (r *Run) match(l *graph.List, from int) int {
	i := l.Table.Match(r.j, from)
	for i >= 0 && !r.assumed(l.Rules[i].Open) {
		i = l.Table.Match(r.j, i+1)
	}
	return i
}

// assumed reports whether all checks hold.
func (r *Run) assumed(open []*formula.Check) bool {
	return !slices.ContainsFunc(open, func(c *formula.Check) bool { return !r.check(c) })
}

func (r *Run) check(c *formula.Check) bool {
	if c.Atom != nil {
		return r.m.True[r.opaque(c.Atom)]
	}
	if c.Holds != nil && !c.Holds(r.j) {
		return c.Neg
	}
	if c.Some {
		return slices.ContainsFunc(c.Kids, r.check) != c.Neg
	}
	return r.assumed(c.Kids) != c.Neg
}

// opaque is the slot of an opaque atom in the phase that it is.
func (r *Run) opaque(a *formula.Atom) formula.Slot {
	return r.memo.received(a, r.phases[len(r.phases)-1]).Lit.Slot
}

func (r *Run) rule(l *graph.List, i int) verdict {
	rule := &l.Rules[i]
	mark, onWay, last := r.conds, false, false
	aiming := r.aiming()
	if aiming {
		_, target := r.goal.target(r.aimed)
		onWay, last = target == i, r.aimed == len(r.goal.Way)
	}
	r.frames = append(r.frames, Frame{l, i})
	r.push(rule.Match, r.now(), len(r.frames), true)
	r.conds.way = onWay
	if onWay && last && r.goal.Step < 0 {
		return r.arrive()
	}
	for n := range rule.Steps {
		if onWay && last && r.goal.Step == n {
			return r.arrive()
		}
		s := &rule.Steps[n]
		r.Taken = append(r.Taken, s)
		leads := onWay && !last && r.goal.Way[r.aimed].Step == n
		switch v := r.step(s, leads); {
		case v == leave && aiming, leads && v != stop: // it came back too early
			return r.end()
		case v == stop:
			return stop
		case v != next:
			r.pop(mark)
			return v
		}
	}
	r.pop(mark)
	return next
}

func (r *Run) push(n *formula.Node, at moment, depth int, rule bool) {
	r.conds = &cond{n: n, at: at, depth: depth, rule: rule, up: r.conds}
}

func (r *Run) pop(mark *cond) {
	r.conds = mark
	r.frames = r.frames[:len(r.frames)-1]
}

func (r *Run) arrive() verdict {
	r.Way = slices.Clone(r.frames)
	if !r.consistent() {
		return stop
	}
	r.Reached = true
	if n := r.goal.Step; n >= 0 {
		r.reading(r.goal.List.Rules[r.goal.Rule].Steps[n].Uses)
	}
	u, ok := r.request()
	r.Ours = ok && r.p.World.IsMyself(u)
	return stop
}

// request is the Request-URI as it stands.
func (r *Run) request() (*sip.URI, bool) {
	if r.j.Msg == nil || !r.j.Msg.IsRequest() {
		return nil, false
	}
	return r.j.Msg.RequestURI()
}
