package walk

import (
	"context"
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/enum"
	"sipedge/router/job"
	"sipedge/router/redirection"
	"sipedge/schema"
	"sipedge/sip"
)

// step runs one step. leads: the way goes on by it.
func (r *Run) step(s *graph.Step, leads bool) verdict {
	switch {
	case s.Src.Kind == "return":
		return leave
	case s.Sub != nil:
		return r.follow(s.Sub, leads)
	case r.aside && s.Src.Kind == "exit":
		return done
	case s.Ends:
		return r.last(s, leads)
	case s.Arm != nil:
		return r.arm(s, leads)
	case s.Src.Kind == "send_request" && leads:
		return r.sendOwn(s)
	case s.Src.Kind == "append_branch":
		r.more = true
	case len(s.Writes) > 0:
		return r.write(s)
	}
	return next
}

// follow runs a list that a step leads to.
func (r *Run) follow(l *graph.List, leads bool) verdict {
	if leads {
		r.aimed++
		defer func() { r.aimed-- }()
	}
	return r.list(l)
}

// replacing are steps that leave nothing of what was there before.
var replacing = []string{"set", "unset", "set_header", "remove_header", "rewrite_uri", "revert_uri"}

// write runs a step that changes what matchers read.
func (r *Run) write(s *graph.Step) verdict {
	r.own(s)
	if slices.Contains(s.Writes, graph.KeyHop) {
		r.Chosen = chooses(s.Src)
	}
	blind := r.blind&s.Uses != 0
	switch {
	case s.Run == nil || blind:
		why := s.Wild
		if why == "" {
			why = "what " + s.Src.Kind + " writes"
		}
		for _, key := range s.Writes {
			r.unknown(key, why)
		}
	case r.blind != 0 && slices.Contains(replacing, s.Src.Kind):
		r.learn(s.Writes)
	}
	e := r.event(s)
	if s.Run != nil {
		switch _, err := s.Run.Run(context.Background(), r.j); {
		case err == nil:
		case blind: // with what it really is the step may do well
			r.Perhaps = s.Src.Kind + " may fail"
		case s.Fails == nil:
			return r.lost(s.Src.Kind + " may fail")
		default:
			r.push(s.Fails, r.now(), len(r.frames), false)
			return r.end()
		}
	}
	r.log = append(r.log, e)
	return next
}

// event is that of a step that is about to write.
func (r *Run) event(s *graph.Step) event {
	return event{
		step: s, conds: r.conds, deep: r.depth(s), aside: r.aside, phase: r.now().phase,
	}
}

// depth is how many values a variable has before a step that counts on it.
func (r *Run) depth(s *graph.Step) (n int) {
	if s.Mask&r.p.Popped == 0 || len(s.Writes) != 1 {
		return 0
	}
	for _, v := range r.p.Scope.Vars() {
		for v.Name == s.Writes[0] && n <= job.MaxDepth {
			if _, ok := v.Int(r.j, n); !ok {
				break
			}
			n++
		}
	}
	return n
}

// own follows who names the host of the Request-URI.
func (r *Run) own(s *graph.Step) {
	if r.Among && !replaces(s.Src) {
		return
	}
	switch s.Src.Kind {
	case "rewrite_uri", "set_host":
		r.Owner = setBy(r.p, s.Src)
	case "revert_uri":
		r.Owner = ByCaller
	default:
		if o, finds := Finder(r.p, s.Src); finds {
			r.Owner, r.Among = o, FindsStrangers(r.p, s.Src)
		}
	}
}

// replaces reports whether a step replaces all targets, and not the Request-URI alone.
func replaces(s *schema.Step) bool {
	return s.Kind == "lookup" || s.Kind == "enum" || s.Kind == "recurse"
}

// FindsStrangers reports whether a step finds several targets that the policy does not name: what
// writes the Request-URI behind it leaves the others.
func FindsStrangers(p *graph.Policy, s *schema.Step) bool {
	o, _ := Finder(p, s)
	return o == ByTemplate && (s.Kind == "enum" || s.Kind == "recurse")
}

// chooses reports whether a step has the next hop be a gateway; of those that write it.
func chooses(s *schema.Step) bool {
	return s.Kind == "dispatch" || s.Kind == "lcr" || s.Kind == "next_destination"
}

// Finder is who names the host of what a step finds for the Request-URI; ok false: it finds
// nothing.
func Finder(p *graph.Policy, s *schema.Step) (o Owner, ok bool) {
	switch s.Kind {
	case "lookup": // who registered proved to be ours, or the policy does not ask
		return ByPolicy, true
	case "next_branches": // whether it is a stranger's, append_branch is asked
		return ByPolicy, true
	case "alias_lookup":
		return ByPolicy, true
	case "dispatch", "lcr", "next_destination":
		return ByPolicy, s.Args.Get("rewrite_host").B
	case "speed_dial": // a user wrote it, and unless he authenticated anybody may say to be him
		if s.Args.Get("owner").S == "auth" {
			return ByPolicy, true
		}
		return ByTemplate, true
	case "recurse":
		if redirection.Restricts(&s.Args, p.Exact) {
			return ByPolicy, true
		}
		return ByTemplate, true
	case "enum": // who holds the number wrote it, or the carrier whose tree it is
		if enum.Private(&s.Args) {
			return ByPolicy, true
		}
		return ByTemplate, true
	}
	return o, false
}

// setBy is who names the host by a step that sets it.
func setBy(p *graph.Policy, s *schema.Step) Owner {
	if p.NamesHost(s, s.Args.S) {
		return ByPolicy
	}
	return ByTemplate
}

// Named reports whether the policy names the host of every target wherever some steps of a rule
// have run: by the last of them that writes the Request-URI, and if strangers may have been found,
// which the policy does somewhere, by one that replaces all targets.
func Named(p *graph.Policy, steps []graph.Step, strangers bool) bool {
	uri, named := p.Bit(graph.KeyURI), false
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		o, finds := Finder(p, s.Src)
		switch {
		case s.Sub != nil && s.Sub.Writes&uri != 0:
			return false
		case s.Mask&uri == 0, s.Src.Kind == "set_port":
			continue
		case s.Src.Kind == "rewrite_uri", s.Src.Kind == "set_host":
			o, finds = setBy(p, s.Src), true
		case replaces(s.Src):
			return o == ByPolicy
		}
		if named = named || finds && o == ByPolicy; !named || !strangers {
			return named
		}
	}
	return false
}

// arm takes the arm of a step, or goes on.
func (r *Run) arm(s *graph.Step, leads bool) verdict {
	if s.Arm.Holds(r.holds) {
		return r.take(s, leads)
	}
	r.push(s.Arm.Not(), r.now(), len(r.frames), false)
	if leads {
		return r.end()
	}
	r.conds.way = r.onWay()
	switch {
	case s.Src.Kind == "loose_route":
		r.log = append(r.log, r.event(s))
		r.loose()
	case len(s.Writes) > 0:
		return r.write(s)
	}
	return next
}

// take runs the arm of a step instead of the rest.
func (r *Run) take(s *graph.Step, leads bool) verdict {
	r.push(s.Arm, r.now(), len(r.frames), false)
	r.conds.way = leads
	for _, l := range s.Arms {
		if v := r.follow(l, leads); v == stop || v == done {
			return v
		}
	}
	return r.end()
}

// loose does what loose_route does with a Route of ours, or with what a strict router put
// there.
func (r *Run) loose() {
	e, _ := r.j.Msg.FirstElement(sip.Route)
	if r.m.Strict() {
		e, _ = r.j.Msg.LastElement(sip.Route)
		if a, err := sip.ParseNameAddr(e.Value); err == nil {
			r.j.Msg.SetRURI(a.URI)
			r.Owner = ByCaller
		}
	}
	r.j.Msg.RemoveElement(e)
	if r.m.Verified() {
		r.j.Verified, r.j.Direction = true, job.Downstream
		if r.m.Direction == "upstream" {
			r.j.Direction = job.Upstream
		}
	}
}

// holds evaluates when an arm is taken.
func (r *Run) holds(l formula.Lit) bool {
	var is bool
	switch l.Kind {
	case formula.Routed:
		is = slices.Contains(l.Names, r.m.Route)
	case formula.Method:
		is = slices.Contains(l.Names, string(r.j.Msg.MethodName()))
	case formula.MaxForwards:
		n, ok := r.j.Msg.MaxForwards()
		is = ok && l.HoldsNumber(int64(n))
	default:
		is = r.m.True[r.opaque(l.Atom)]
	}
	return is != l.Neg
}
