package walk

import (
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/schema"
	"sipedge/sip"
)

// What a match reads at some time may have been written before. why goes back through what the
// run did, and finds what the message as received must be like for it:
//
//  1. A literal at a time is about a key. The last step that wrote the key says its value: one
//     of the author's, or that of another slot at that time, about which the same is asked.
//  2. That step ran: so its rules had matched, at their time.
//  3. The rules passed since then that would have written it otherwise did not match.
//  4. What nothing wrote is as received.

// question is whether a formula or an atom is so at a time.
type question struct {
	n    *formula.Node
	a    *formula.Atom
	want bool
	at   moment
}

// maxKnown bounds the work on one run.
const maxKnown = 50_000

// why is a formula over the message as received for which n is want at a time, in a run like
// this one.
func (r *Run) why(n *formula.Node, want bool, at moment) *formula.Node {
	if n.Lit.Atom != nil {
		return r.atom(n.Lit.Atom, want != n.Lit.Neg, at)
	}
	q := question{n: n, want: want, at: at}
	if out, ok := r.known[q]; ok {
		return out
	}
	out := &formula.Node{Some: n.Some == want}
	for _, k := range n.Kids {
		out.Kids = append(out.Kids, r.why(k, want, at))
	}
	r.known[q] = out
	return out
}

// under is what must hold for conditions to have held, besides those of the way.
func (r *Run) under(c *cond) *formula.Node {
	var all []*formula.Node
	for ; c != nil; c = c.up {
		if !c.way {
			all = append(all, r.why(c.n, true, c.at))
		}
	}
	slices.Reverse(all)
	return formula.All(all...)
}

func (r *Run) atom(a *formula.Atom, want bool, at moment) *formula.Node {
	q := question{a: a, want: want, at: at}
	if out, ok := r.known[q]; ok {
		return out
	}
	if len(r.known) > maxKnown {
		return r.cannot("too many steps change what it reads")
	}
	w := trace{Run: r, a: a, want: want, at: at, key: graph.KeyOf(a.Slot)}
	out := w.back()
	r.known[q] = out
	return out
}

// cannot gives up on an atom.
func (r *Run) cannot(why string) *formula.Node {
	r.weaken(why)
	return formula.Always
}

// trace is the question who wrote what an atom reads.
type trace struct {
	*Run
	a    *formula.Atom
	want bool
	at   moment
	key  string
	and  []*formula.Node // what must hold besides

	depth int         // values of a variable above the one that counts
	added []value     // to a header field
	host  *graph.Text // of the Request-URI, set since
	port  *int64
}

// value is a text as it was at a time.
type value struct {
	t  *graph.Text
	at moment
}

// back goes back through the run.
func (w *trace) back() *formula.Node {
	if w.p.Written&w.p.Bit(w.key) == 0 {
		return w.all(w.base(w.phases[w.at.phase]))
	}
	if w.at.rule > 0 {
		w.passed(w.at.events, w.at.rule)
	}
	phase := w.at.phase
	for t := w.at.events - 1; ; t-- {
		for ; phase > 0 && w.phases[phase].at > t; phase-- {
			if w.stops(w.phases[phase]) {
				return w.all(w.base(w.phases[phase]))
			}
		}
		if t < 0 {
			return w.all(w.base(w.phases[0]))
		}
		e := &w.log[t]
		switch {
		case e.aside && !graph.Kept(w.key) && e.phase != w.at.phase: // of another copy of the request
		case e.left != nil:
			w.skipped(e)
		case e.step == nil:
			w.passed(t, e.to)
		case slices.Contains(e.step.Writes, w.key):
			if out := w.wrote(e, t); out != nil {
				return out
			}
		}
	}
}

// stops reports whether what was before a phase is not seen in it.
func (w *trace) stops(p phase) bool {
	switch {
	case w.a.Kind == formula.Variable:
		return p.of == schema.InLocal || !graph.Kept(w.key)
	case w.key == graph.KeyDirection:
		return p.of == schema.InLocal
	case w.key == graph.KeyHop: // a failure route begins without
		return true
	}
	return p.of == schema.InLocal || p.back
}

// all is what must hold, n among it.
func (w *trace) all(n *formula.Node) *formula.Node {
	if len(w.and) == 0 {
		return n
	}
	return formula.All(append([]*formula.Node{n}, w.and...)...)
}

// truth is a formula by itself: what holds whatever the message is like.
func (w *trace) truth(is bool) *formula.Node { return w.all(formula.Truth(is == w.want)) }

// moment is the time of an event.
func (w *trace) moment(t int) moment { return moment{events: t, phase: w.log[t].phase} }

// then is a formula at the time of an event; nil: it can't be said.
func (w *trace) then(n *formula.Node, t int, s *graph.Step) *formula.Node {
	if n == nil {
		return w.cannot("what " + s.Src.Kind + " writes into " + w.key)
	}
	return w.why(n, w.want, w.moment(t))
}

// passed adds that rules of an event, up to one, which would have written otherwise did not
// match.
func (w *trace) passed(t, to int) {
	e := &w.log[t]
	of := e.list.Writers[w.key]
	from, _ := slices.BinarySearch(of, e.from)
	for _, i := range of[from:] {
		if i >= to {
			return
		}
		if rule := &e.list.Rules[i]; !w.harmless(rule) {
			w.and = append(w.and, w.why(rule.Match, false, moment{t, i, e.phase}))
		}
	}
}

// skipped adds that a rule matched which left its list, where rules below would have written.
func (w *trace) skipped(e *event) {
	of := e.list.Writers[w.key]
	if len(of) > 0 && of[len(of)-1] > e.from {
		w.and = append(w.and, w.why(e.list.Rules[e.from].Match, true, *e.left))
	}
}

// harmless reports whether a rule would have made the atom what it is wanted to be, or left it.
func (w *trace) harmless(rule *graph.Rule) bool {
	if w.p.Popped&w.p.Bit(w.key) != 0 {
		return false
	}
	good := true
	for n := range rule.Steps {
		s := &rule.Steps[n]
		switch {
		case s.Sub != nil && len(s.Sub.Writers[w.key]) > 0:
			return false
		case slices.Contains(s.Writes, w.key):
			is, known := w.effect(s)
			if !known {
				return false
			}
			good = is == w.want || !is && s.Src.Kind == "add_header" // it adds nothing that counts
		}
	}
	return good
}

// effect is what a step that writes the key makes of the atom, whatever was before.
func (w *trace) effect(s *graph.Step) (is, known bool) {
	t := s.Text(w.key)
	constant := t != nil && t.Constant()
	switch s.Src.Kind {
	case "set", "push":
		return constant && w.variableIs(t.Pre), constant
	case "unset", "remove_header":
		return false, !w.a.One
	case "set_header", "add_header":
		known = constant && !w.a.One && w.a.Kind == formula.Header
		return known && (w.a.Presence || w.a.Text.Holds(t.Pre)), known
	case "set_user":
		known = constant && w.a.Kind == formula.User
		return known && w.a.Text.Holds(unescaped(t.Pre)), known
	case "rewrite_uri":
		if w.a.Kind == formula.Owner {
			return w.owned(setBy(w.p, s.Src)), true
		}
		if known = s.Target.User == nil && s.Target.Rest != nil; known {
			is = w.holdsURI(s.Target.Rest)
		}
		return is, known
	case "set_host":
		if w.a.Kind == formula.Owner {
			return w.owned(setBy(w.p, s.Src)), true
		}
		known = constant && w.a.Kind == formula.Host
		return known && w.holdsURI(&sip.URI{Host: []byte(t.Pre)}), known
	}
	return false, false
}

func (w *trace) owned(o Owner) bool { return slices.Contains(w.a.Names, ownerNames[o]) }

func (w *trace) holdsURI(u *sip.URI) bool {
	return formula.Lit{Atom: w.a}.HoldsURI(u, w.p.World.IsMyself)
}

func unescaped(s string) string { return string(sip.AppendUnescaped(nil, []byte(s))) }

// ran adds that a step ran.
func (w *trace) ran(e *event) { w.and = append(w.and, w.under(e.conds)) }

// wrote looks at a step that wrote the key; nil: what was before counts too.
func (w *trace) wrote(e *event, t int) *formula.Node {
	s := e.step
	o, finds := Finder(w.p, s.Src)
	switch {
	case s.Src.Kind == "loose_route":
		return w.loosed(e)
	case w.a.Kind == formula.Owner && finds:
		w.ran(e)
		return w.truth(w.owned(o))
	case w.a.Kind == formula.Chosen:
		w.ran(e)
		return w.truth(chooses(s.Src))
	case s.Wild != "":
		w.ran(e)
		return w.all(w.cannot(s.Wild))
	case w.a.Kind == formula.Variable:
		return w.variable(e, t)
	case w.a.Kind == formula.Header || w.a.Kind == formula.Contact:
		return w.header(e, t)
	case w.key == graph.KeyUser:
		return w.user(e, t)
	}
	return w.target(e, t)
}

// base is the atom in the message a phase has from others.
func (w *trace) base(p phase) *formula.Node {
	at := w.phases[w.at.phase]
	relayed := at.sent && !at.back
	switch {
	case p.of == schema.InLocal:
		return w.sent(p)
	case len(w.added) > 0:
		return w.fields(true)
	case w.host != nil || w.port != nil:
		return w.overridden(nil)
	case p.back && (w.a.Kind == formula.Size || w.a.Kind == formula.Header &&
		(w.a.Name == "To" || w.a.Name == "Via")):
		return w.cannot("what others wrote into the reply")
	case w.a.Kind == formula.MaxForwards && relayed:
		return w.lowered()
	case w.a.Kind == formula.Header && relayed && (w.a.Name == "Max-Forwards" || w.a.Name == "Route"):
		return w.cannot("what relay makes of " + w.a.Name)
	}
	return w.memo.received(w.a, p).When(w.want)
}

// lowered is the atom of Max-Forwards as it was before the request was relayed.
func (w *trace) lowered() *formula.Node {
	slot, _ := formula.HeaderSlot("Max-Forwards")
	return w.memo.node(derived{a: w.a}, func() *formula.Node {
		before := *w.a
		before.Nums = nil
		for _, b := range w.a.Nums {
			before.Nums = append(before.Nums, formula.Bounds{Min: b.Min + 1, Max: b.Max + 1})
		}
		absent := formula.Leaf(&formula.Atom{Slot: slot, Presence: true}).Not()
		set := formula.Truth(w.a.HoldsNumber(int64(w.p.Doc.Limits.MaxForwards)))
		return formula.OneOf(formula.Leaf(&before), formula.All(absent, set))
	}).When(w.want)
}
