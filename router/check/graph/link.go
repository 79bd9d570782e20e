package graph

import (
	"maps"
	"slices"

	"sipedge/router/check/formula"
	"sipedge/schema"
)

// link finds the routes that steps name.
func (p *Policy) link(l *List) {
	for i := range l.Rules {
		for n := range l.Rules[i].Steps {
			s := &l.Rules[i].Steps[n]
			p.strays = p.strays || s.Src.Kind == "forward"
			lead := func(to *List, how Edge) *List {
				if to != nil {
					to.Calls = append(to.Calls, Call{l, i, n, how})
				}
				return to
			}
			find := func(of schema.Place, arg string, how Edge) *List {
				v := &s.Src.Args
				if arg != "" {
					v = v.Get(arg)
				}
				if v.Kind != schema.String {
					return nil
				}
				return lead(p.Named[of][v.S], how)
			}
			for _, arg := range s.kind.Calls {
				s.Sub = find(schema.InSub, arg, BySub)
			}
			for _, arg := range s.kind.Arms {
				if to := find(schema.InSub, arg, ByArm); to != nil {
					s.Arms = append(s.Arms, to)
				}
			}
			if s.Src.Kind == "send_request" {
				lead(p.Named[schema.InLocal][""], ByHook)
			}
			if s.kind.Hooks != nil {
				p.hook(l, s, find, lead)
			}
		}
	}
}

// hook finds the routes that a relay takes along. In a failure route these are also those that
// an earlier one named, and this one keeps.
func (p *Policy) hook(
	l *List, s *Step, find func(schema.Place, string, Edge) *List, lead func(*List, Edge) *List,
) {
	for _, arg := range slices.Sorted(maps.Keys(s.kind.Hooks)) {
		of := s.kind.Hooks[arg]
		to := find(of, arg, ByHook)
		*s.Takes.of(of) = to
		if to != nil || of == schema.InFailure || p.places(l)&schema.InFailure == 0 {
			continue
		}
		for _, to := range p.Lists {
			if to.Of == of && to != p.EveryReply() {
				lead(to, ByHook)
			}
		}
	}
	lead(p.EveryReply(), ByHook)
}

// EveryReply is the reply route that runs for every reply, or nil.
func (p *Policy) EveryReply() *List { return p.Named[schema.InReply]["all"] }

// comesBack finds out whether a list may end without ending the run, and which rules end it.
func (p *Policy) comesBack(l *List) {
	if l.known {
		return
	}
	l.known, l.back = true, true
	for i := range l.Rules {
		r := &l.Rules[i]
		for n := range r.Steps {
			s := &r.Steps[n]
			if s.Src.Kind == "return" {
				break
			}
			if s.Sub != nil {
				p.comesBack(s.Sub)
			}
			if r.Ends = s.Ends || s.Sub != nil && !s.Sub.back; r.Ends {
				break
			}
		}
	}
	for i := range l.Rules {
		switch r := &l.Rules[i]; {
		case slices.Contains(l.Returns, i):
			return
		case r.Ends && r.Src.Match == nil:
			l.back = false
			return
		}
	}
}

// spread notes what the rules of a list may have written when the next one is tried, and the
// list as a whole.
func (p *Policy) spread(l *List) {
	if l.spread {
		return
	}
	l.spread = true
	for i := range l.Rules {
		r := &l.Rules[i]
		keys := map[string]bool{}
		for n := range r.Steps {
			s := &r.Steps[n]
			l.Writes |= s.Mask
			for _, key := range s.Writes {
				keys[key] = true
			}
			if s.Sub == nil {
				continue
			}
			p.spread(s.Sub)
			l.Writes |= s.Sub.Writes
			for key := range s.Sub.Writers {
				keys[key] = true
			}
		}
		for key := range keys {
			if !r.Ends { // else no rule below sees it
				l.Writers[key] = append(l.Writers[key], i)
			}
		}
	}
}

// order notes what may have been written before each rule.
func (p *Policy) order() {
	for _, l := range p.Lists {
		p.Written |= l.Writes
	}
	for _, l := range p.Lists {
		before := p.before(l)
		for i := range l.Rules {
			r := &l.Rules[i]
			r.Earlier = before
			for n := 0; n < len(r.Steps) && !r.Ends; n++ {
				s := &r.Steps[n]
				if before |= s.Mask; s.Sub != nil {
					before |= s.Sub.Writes
				}
			}
		}
	}
}

// before is what may have been written when a list begins.
func (p *Policy) before(l *List) uint64 {
	switch l.Of {
	case schema.InRequest, schema.InError:
		return 0
	case schema.InSub:
		return p.Written
	}
	before := p.Written // but what is set for one run is not set yet
	for name := range p.Types {
		if bit := p.bits[name]; !Kept(name) && bit != shared {
			before &^= bit
		}
	}
	return before
}

// MayWrite reports whether a step may have written what a formula reads before a rule runs, or
// another step of the rule.
func (p *Policy) MayWrite(r *Rule, n *formula.Node) bool {
	before := r.Earlier
	for i := range r.Steps {
		before |= r.Steps[i].Mask
	}
	may := false
	n.Each(func(l formula.Lit) { may = may || p.Bit(KeyOf(l.Slot))&before != 0 })
	return may
}
