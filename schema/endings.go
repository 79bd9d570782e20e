package schema

import "slices"

// endings checks how runs End: steps that never run, arms that run off their
// end, requests that get no answer.
func (c *routes) endings() {
	c.lists(c.unreached)
	c.lists(func(rules []Rule) {
		c.each(rules, func(m ref) {
			if to := c.named[InSub][m.name.S]; m.arm && c.comesBack(to) {
				d := m.name.Problem(ArmEnds, "%q can run off its end, and nothing follows %s",
					m.name.S, m.arg)
				d.Hint = "end " + m.name.S +
					" with a rule without match that ends, such as drop or reply"
				c.add(d)
			}
		})
	})
	c.exits(c.doc.Routes.Request)
	for i := range c.doc.Routes.Sub {
		if r := &c.doc.Routes.Sub[i]; r.Places&InRequest != 0 {
			c.exits(r.Rules)
		}
	}
	if request := c.doc.Routes.Request; !c.diags.HasErrors() && c.runsOff(request) {
		c.add(c.unanswered(request))
	}
}

// ends reports whether a step always ends the run.
func (c *routes) ends(s *Step) bool {
	k := c.v.kinds[s.Kind]
	switch k.Ending {
	case Ends:
		return true
	case EndsByArgs:
		return k.EndsWhen(&s.Args)
	}
	for _, m := range c.refs(s) {
		if m.to == InSub && !m.arm && !c.comesBack(c.named[InSub][m.name.S]) {
			return true
		}
	}
	return false
}

// leaves reports whether a step is the return of a sub-route.
func (c *routes) leaves(s *Step) bool { return s.Kind == "return" }

// comesBack reports whether a sub-route can end without ending the run: off
// its end or by return. Sub-routes do not lead to themselves.
func (c *routes) comesBack(r *Route) bool {
	back, known := c.back[r]
	if !known {
		back = c.runsOff(r.Rules)
		c.back[r] = back
	}
	return back
}

// runsOff reports whether a list can end without ending the run.
func (c *routes) runsOff(rules []Rule) bool {
	for i := range rules {
		ended := false
		for j := range rules[i].Do {
			if c.leaves(&rules[i].Do[j]) {
				return true
			}
			if ended = c.ends(&rules[i].Do[j]); ended {
				break
			}
		}
		if ended && rules[i].Match == nil {
			return false
		}
	}
	return true
}

// unreached looks for steps behind one that ends.
func (c *routes) unreached(rules []Rule) {
	for i := range rules {
		do := rules[i].Do
		for j := 0; j+1 < len(do); j++ {
			if !c.leaves(&do[j]) && !c.ends(&do[j]) {
				continue
			}
			next := Key{Name: do[j+1].Kind, Pos: do[j+1].Pos}
			next.End = next.Pos.Col + len(next.Name)
			d := next.Problem(NeverRuns, "%q never runs: %q before it ends the run",
				next.Name, do[j].Kind)
			if c.v.kinds[do[j].Kind].Ending == Continues && !c.leaves(&do[j]) {
				d.Hint = "the sub-route " + do[j].Args.S + " never comes back"
			}
			c.add(d)
			break
		}
	}
}

// exits looks for exit where a request runs: nothing answered it.
func (c *routes) exits(rules []Rule) {
	for i := range rules {
		for j := range rules[i].Do {
			if s := &rules[i].Do[j]; s.Kind == "exit" {
				key := Key{Name: s.Kind, Pos: s.Pos, End: s.Pos.Col + len(s.Kind)}
				d := key.Problem(Unanswered, "exit ends a request without an answer")
				d.Hint = "reply to it, or drop it to be silent on purpose"
				c.add(d)
			}
		}
	}
}

// unanswered points at where a request runs off the end of its list.
func (c *routes) unanswered(rules []Rule) Diagnostic {
	last := &rules[len(rules)-1]
	d := Diagnostic{Pos: last.Pos, Code: Unanswered}
	d.Message = "a request that matches no rule gets no answer"
	d.Hint = "end the list with a rule without match: - do: [{reply: {code: 404}}]"
	if last.Match == nil {
		s := &last.Do[len(last.Do)-1]
		key := Key{Name: s.Kind, Pos: s.Pos, End: s.Pos.Col + len(s.Kind)}
		d = key.Problem(Unanswered, "the request gets no answer: nothing follows %q", s.Kind)
		d.Hint = "a request ends by reply, redirect, relay, forward or drop"
		if k := c.v.kinds[s.Kind]; slices.Contains(k.Calls, "") {
			d.Hint = "the sub-route " + s.Args.S + " can come back"
		}
	}
	return d
}
