package walk

import (
	"slices"
	"strconv"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Where the way goes on behind relay, RFC 3261 §16:
//
//  1. The request is admitted, or answered.
//  2. The branch route runs. What it leaves in avp is seen later, what it does to its request
//     is not.
//  3. The request is sent, and what comes back meets the reply route; or it can't be sent, and
//     its failure has a status of its own.
//  4. The failure route runs over the request as it was.

// declined is a failure after which nothing is sent on, RFC 3261 §16.7 step 5.
var declined = formula.Leaf(&formula.Atom{
	Slot: formula.Slot{Kind: formula.Status}, Nums: []formula.Bounds{{Min: 600, Max: 699}},
})

// last is a step that ends the run, unless the way goes on in a route it takes along.
func (r *Run) last(s *graph.Step, leads bool) verdict {
	if s.Arm != nil {
		if r.holds(s.Arm.Lit) {
			return r.nowhere(s, leads)
		}
		r.push(s.Arm.Not(), r.now(), len(r.frames), false)
	}
	if !leads {
		return r.end()
	}
	again := r.j.Place == schema.InFailure
	if !r.require(r.p.Admits, r.admitted()) ||
		again && !r.require(declined.Not(), r.j.Status < 600) {
		return r.end()
	}
	if !again {
		r.lower()
	}
	to, _ := r.goal.target(r.aimed + 1)
	if to.Of != schema.InBranch {
		r.send(s)
	}
	if l := r.takes.Branch; l != nil && l != to {
		if v := r.branch(l); v == stop {
			return stop
		}
	}
	return r.goOn(to)
}

// require notes a condition of the way, and whether it holds.
func (r *Run) require(n *formula.Node, holds bool) bool {
	r.push(n.When(holds), r.now(), len(r.frames), false)
	r.conds.way = holds
	return holds
}

// admitted evaluates graph.Policy.Admits.
func (r *Run) admitted() bool {
	m := r.j.Msg
	u, ok := m.RequestURI()
	n, limited := m.MaxForwards()
	return m.Method() != sip.ACK && m.Method() != sip.CANCEL && ok && u.Scheme != sip.SchemeOther &&
		(!limited || n > 0) && !m.Has(sip.ProxyRequire)
}

// lower lowers Max-Forwards, or writes it, RFC 3261 §16.6 step 3.
func (r *Run) lower() {
	m := r.j.Msg
	if n, ok := m.MaxForwards(); ok {
		m.SetValue(m.First(sip.MaxForwards), strconv.AppendInt(nil, int64(n-1), 10))
		return
	}
	m.Append(sip.MaxForwards, strconv.AppendInt(nil, int64(r.p.Doc.Limits.MaxForwards), 10))
}

// unsent is a fault that a request had.
type unsent struct {
	graph.Fault
	at    moment
	round int
}

// send notes which routes go along, and whether the request can be sent.
func (r *Run) send(s *graph.Step) {
	r.takes.Keep(&s.Takes)
	for _, l := range []*graph.List{r.takes.Reply, r.p.EveryReply()} {
		if l != nil {
			r.hooked |= l.Writes
		}
	}
	i := slices.IndexFunc(r.p.Faults, func(f graph.Fault) bool {
		return (f.Always || !s.Src.Args.Has("to")) && f.When.Holds(r.meets)
	})
	if i >= 0 {
		r.unsent = append(r.unsent, unsent{r.p.Faults[i], r.now(), r.rounds()})
	}
}

// meets evaluates the literals of faults.
func (r *Run) meets(l formula.Lit) bool {
	switch l.Kind {
	case formula.Routed:
		return slices.Contains(l.Names, r.m.Route) != l.Neg
	case formula.Header:
		return r.j.Msg.Has(sip.LookupHeader([]byte(l.Name))) != l.Neg
	}
	u, _ := r.j.Msg.RequestURI()
	return l.HoldsURI(u, r.p.World.IsMyself)
}

// consistent reports whether the failures of the example are those of the requests that were
// not sent; else it says what is so of no request.
func (r *Run) consistent() bool {
	request := r.j.Msg == nil || r.j.Msg.IsRequest()
	for _, u := range r.unsent {
		if request && r.m.FailsWith(u.round, u.Status) {
			continue
		}
		r.Exclude = r.why(u.When, true, u.at)
		if request {
			r.Exclude = formula.All(r.Exclude, r.memo.failed(u.round, u.Status).Not())
		}
		if r.more {
			r.weaken("which branch append_branch made")
		}
		return false
	}
	return true
}

// begin begins a phase.
func (r *Run) begin(p phase) {
	p.at = len(r.log)
	r.phases = append(r.phases, p)
	r.j.Place, r.Chosen = p.of, false
	r.j.Vars.Reset()
}

// branch runs a branch route besides the way, over a copy of the request.
func (r *Run) branch(l *graph.List) verdict {
	if r.more {
		r.doubt("avp.", l.Writes, "what another branch left in ")
	}
	var msg sip.Message
	if err := msg.Parse(r.j.Msg.AppendTo(nil)); err != nil {
		return r.lost("no such request can be sent on")
	}
	before, request := r.phases[len(r.phases)-1], r.j.Msg
	r.j.Msg, r.aside = &msg, true
	r.begin(before.enter(schema.InBranch))
	v := r.list(l)
	r.j.Msg, r.j.Place, r.aside = request, before.of, false
	return v
}

// goOn runs the route that follows.
func (r *Run) goOn(to *graph.List) verdict {
	p := r.phases[len(r.phases)-1].enter(to.Of)
	switch to.Of {
	case schema.InReply:
		return r.answered(to, p)
	case schema.InFailure:
		r.m.Fail(r.j, p.round-1)
		r.doubt("avp.", r.hooked, "what a reply route left in ")
	}
	r.begin(p)
	if v := r.follow(to, true); v == stop {
		return stop
	}
	return r.end()
}

// answered runs a reply route over the reply that the example has.
func (r *Run) answered(to *graph.List, p phase) verdict {
	var msg sip.Message
	j, ok := r.m.StartReply(r.p.World.Self, &msg)
	if !ok {
		return r.lost("no such reply can be written")
	}
	defer job.Put(j)
	request := r.j
	defer func() { r.j = request }()
	j.Shared, j.Direction = request.AVP(), request.Direction
	r.j = j
	r.doubt("avp.", r.hooked, "what another reply route left in ")
	r.begin(p)
	if v := r.follow(to, true); v == stop {
		return stop
	}
	return r.end()
}

// nowhere takes the arm of a step that finds no way for its request.
func (r *Run) nowhere(s *graph.Step, leads bool) verdict {
	p := r.phases[len(r.phases)-1]
	if s.Src.Kind == "relay" && !p.sent {
		r.lower()
		p.sent = true
	}
	p.at = len(r.log)
	r.phases = append(r.phases, p)
	r.doubt("var.", ^uint64(0), "whether this run still has ") // not, if the way was looked up
	return r.take(s, leads)
}
