package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/pattern"
	"sipedge/router/check/walk"
	"sipedge/schema"
)

// Open relay: a request of a stranger to a stranger's target that is sent on, or makes the
// router send one of its own there.
//
// A stranger comes from none of the networks and listeners that stand on the way to the relay,
// or where a variable was set that stands there, or that a `not` names anywhere; has no
// Route that loose_route takes, of a dialog or a Path to who registered; and no table vouches
// for it. The target is a stranger's unless the Request-URI is ours, or the policy names the
// host itself, by a `to` or an edit: in so many words, or in the row of a table that is no
// cache. What searches for such a request also shows it.

// relay is a finding.
type relay struct {
	rule    *schema.Rule
	step    *schema.Step
	example *example.Message // nil: it could not be shown that there is none
	way     string
	why     string
}

// sends reports whether a step sends a request on, or one of our own, to where the policy does
// not say itself; target is the template that says where, "" none: the Request-URI does.
func sends(p *graph.Policy, s *schema.Step) (is bool, target string) {
	args, arg := &s.Args, "to"
	hop := args.Get("to")
	switch s.Kind {
	case "relay", "forward":
	case "append_branch":
		if hop.Kind != schema.String {
			arg = "uri"
		}
	case "send_request":
		if hop = args.Get("next_hop"); hop.Kind == schema.String {
			arg = "next_hop"
		}
	default:
		return false, ""
	}
	target = args.Get(arg).S
	return target == "" || !p.NamesHost(s, target), target
}

// openRelays finds the relays strangers can use.
func openRelays(p *graph.Policy) (list []relay) {
	p.World.Renew()
	tainted, strangers := taints(p), findsStrangers(p)
	for _, l := range p.Lists {
		for i := range l.Rules {
			for n := range l.Rules[i].Steps {
				is, target := sends(p, l.Rules[i].Steps[n].Src)
				if !is || target == "" && walk.Named(p, l.Rules[i].Steps[:n], strangers) {
					continue
				}
				if r := relayable(p, l, i, n, target, tainted); r != nil {
					list = append(list, *r)
				}
			}
		}
	}
	return list
}

// Literals about the target of a relay.
var (
	ours = formula.Leaf(&formula.Atom{Slot: formula.Slot{Kind: formula.Myself}})
	own  = walk.Owned(walk.ByPolicy)
)

// relayable tries every way to a step.
func relayable(p *graph.Policy, l *graph.List, i, n int, target string, tainted bool) (
	found *relay,
) {
	s := l.Rules[i].Steps[n].Src
	leads := pattern.Hop()
	if _, host, ok := graph.CutScheme(target); ok && !graph.HasField(host) {
		leads = pattern.MAddr()
	}
	hop := graph.ReadText(target).Says(leads)
	ways, _, _ := p.Ways(l, 0)
	for _, way := range ways {
		if graph.Entry(way, l) != p.Request {
			continue
		}
		g := &walk.Goal{List: l, Rule: i, Step: n, Way: way}
		more := stranger(p, g, s.Kind)
		switch {
		case target == "" && !tainted:
			more = append(more, ours.Not())
		case target != "" && hop != nil && !p.MayWrite(&l.Rules[i], hop):
			more = append(more, hop)
		}
		search := find(p, g, more, func(r *walk.Run, _ *example.Model) *formula.Node {
			switch {
			case target == "" && r.Among:
				return nil
			case target == "" && r.Chosen && (s.Kind == "relay" || s.Kind == "forward"):
				return r.Enough(walk.Chosen)
			case target != "" || r.Owner == walk.ByTemplate:
				return nil
			case r.Owner == walk.ByPolicy:
				return r.Enough(own)
			case r.Ours:
				return r.Enough(ours)
			}
			return nil
		})
		r := &relay{rule: l.Rules[i].Src, step: s, example: search.found, why: search.unsure}
		switch {
		case search.found != nil:
			r.way = describe(search.run.Way)
			return r
		case search.unsure != "" && found == nil && !trusted(g):
			found = r
		}
	}
	return found
}

// findsStrangers reports whether some step finds targets that the policy does not name.
func findsStrangers(p *graph.Policy) bool {
	for _, l := range p.Lists {
		for i := range l.Rules {
			for n := range l.Rules[i].Steps {
				if walk.FindsStrangers(p, l.Rules[i].Steps[n].Src) {
					return true
				}
			}
		}
	}
	return false
}

// taints reports whether some step takes the host of the Request-URI from elsewhere in the
// message.
func taints(p *graph.Policy) bool {
	for _, l := range p.Lists {
		for i := range l.Rules {
			for n := range l.Rules[i].Steps {
				switch s := l.Rules[i].Steps[n].Src; s.Kind {
				case "loose_route": // of a strict router
					if s.Args.Get("verify").S == "none" {
						return true
					}
				case "rewrite_uri", "set_host":
					if !p.NamesHost(s, s.Args.S) {
						return true
					}
				default:
					if o, ok := walk.Finder(p, s); ok && o == walk.ByTemplate {
						return true
					}
				}
			}
		}
	}
	return false
}

// stranger is what makes a request one of a stranger.
func stranger(p *graph.Policy, g *walk.Goal, kind string) []*formula.Node {
	nets := &formula.Atom{Slot: formula.Slot{Kind: formula.Source}}
	listeners := &formula.Atom{Slot: formula.Slot{Kind: formula.Listener}}
	var more []*formula.Node
	look := func(all bool) func(formula.Lit) {
		return func(l formula.Lit) {
			switch {
			case l.Kind == formula.Opaque && l.Trust:
				more = append(more, formula.Leaf(l.Atom).Not())
			case !all && !l.Neg:
			case l.Kind == formula.Source:
				nets.Nets = append(nets.Nets, narrow(l.Nets)...)
			case l.Kind == formula.Listener:
				listeners.Names = append(listeners.Names, l.Names...)
			}
		}
	}
	for _, l := range p.Lists {
		for i := range l.Rules {
			l.Rules[i].Match.Each(look(false))
			for n := range l.Rules[i].Steps {
				if arm := l.Rules[i].Steps[n].Arm; arm != nil {
					arm.Each(look(false))
				}
			}
		}
	}
	onWay := []*graph.Rule{&g.List.Rules[g.Rule]}
	for _, c := range g.Way {
		onWay = append(onWay, &c.From.Rules[c.Rule])
	}
	for _, r := range append(onWay, setters(p, onWay)...) {
		r.Match.Each(look(true))
	}
	methods := &formula.Atom{Slot: formula.Slot{Kind: formula.Method}, Names: []string{"CANCEL"}}
	if kind != "forward" { // the engine relays an ACK by the same law itself
		methods.Names = append(methods.Names, "ACK")
	}
	verified := &formula.Atom{
		Slot: formula.Slot{Kind: formula.Routed}, Names: formula.Taken,
	}
	for _, a := range []*formula.Atom{nets, listeners, methods, verified} {
		more = append(more, formula.Leaf(a).Not())
	}
	return more
}

// setters are the rules that set variables which some rules ask.
func setters(p *graph.Policy, rules []*graph.Rule) (list []*graph.Rule) {
	asked := map[string]bool{}
	for _, r := range rules {
		r.Match.Each(func(l formula.Lit) {
			if l.Kind == formula.Variable {
				asked[l.Name] = true
			}
		})
	}
	sets := func(s graph.Step) bool {
		return slices.ContainsFunc(s.Writes, func(key string) bool { return asked[key] })
	}
	for _, l := range p.Lists {
		for i := range l.Rules {
			if len(asked) > 0 && slices.ContainsFunc(l.Rules[i].Steps, sets) {
				list = append(list, &l.Rules[i])
			}
		}
	}
	return list
}

// narrow leaves out networks that are everybody.
func narrow(nets []netip.Prefix) (list []netip.Prefix) {
	for _, p := range nets {
		if p.Bits() > 0 {
			list = append(list, p)
		}
	}
	return list
}

// trusted reports whether a match on the way alone keeps strangers out: what counts when the
// search gave up.
func trusted(g *walk.Goal) bool {
	if vouches(g.List.Rules[g.Rule].Match) {
		return true
	}
	return slices.ContainsFunc(g.Way, func(c graph.Call) bool {
		return vouches(c.From.Rules[c.Rule].Match)
	})
}

func vouches(n *formula.Node) bool {
	if n.Lit.Atom != nil {
		l := n.Lit
		switch l.Kind {
		case formula.Source:
			return !l.Neg && len(narrow(l.Nets)) == len(l.Nets)
		case formula.Listener, formula.Opaque:
			return !l.Neg && (l.Kind == formula.Listener || l.Trust)
		}
		return false
	}
	if n.Some {
		return len(n.Kids) > 0 && !slices.ContainsFunc(n.Kids, func(k *formula.Node) bool {
			return !vouches(k)
		})
	}
	return slices.ContainsFunc(n.Kids, vouches)
}

// describe names the rules of a way: request "calls" → outbound line 12.
func describe(way []walk.Frame) string {
	var names []string
	for _, f := range way {
		r := f.List.Rules[f.Rule].Src
		if r.Name != "" {
			names = append(names, fmt.Sprintf("%s %q", short(f.List), r.Name))
		} else {
			names = append(names, fmt.Sprintf("%s line %d", short(f.List), r.Pos.Line))
		}
	}
	return strings.Join(names, " → ")
}

// short is the name of a list, or what it is.
func short(l *graph.List) string {
	if l.Name == "" {
		return l.Of.String()
	}
	return l.Name
}
