package check

import (
	"fmt"
	"net/netip"
	"sipedge/router/check/example"
	"slices"
	"strings"

	"sipedge/schema"
)

// Open relay: a request of a stranger to a stranger's target that is sent on.
//
// A stranger comes from none of the networks and listeners that stand on the way to the relay,
// or that a `not` names anywhere; has no verified Route; and no table vouches for it. The target
// is a stranger's unless the Request-URI is ours, or the policy names the host itself: by a
// literal `to` or an edit. What searches for such a request also shows it.

// sender are the actions that send a request on.
var senders = []string{"relay", "forward"}

// relay is a finding.
type relay struct {
	rule    *schema.Rule
	step    *schema.Step
	example *example.Message // nil: it could not be shown that there is none
	way     string
	why     string
}

// openRelays finds the relays strangers can use.
func (p *policy) openRelays() (list []relay) {
	p.world.Renew()
	tainted := p.taints()
	for _, l := range p.lists {
		if l.of == schema.InReply || l.of == schema.InBranch {
			continue
		}
		for i := range l.rules {
			for n := range l.rules[i].steps {
				s := &l.rules[i].steps[n]
				to := s.src.Args.Get("to")
				if !slices.Contains(senders, s.src.Kind) ||
					to.Kind == schema.String && ownHost(s.src.Kind, to.S) {
					continue
				}
				if r := p.openRelay(l, i, n, tainted || to.Kind == schema.String); r != nil {
					list = append(list, *r)
				}
			}
		}
	}
	return list
}

// openRelay tries every way to a step.
func (p *policy) openRelay(l *list, i, n int, tainted bool) (found *relay) {
	s := &l.rules[i].steps[n]
	template := s.src.Args.Get("to").Kind == schema.String
	for _, way := range p.ways(l) {
		if entry(way, l).of != schema.InRequest {
			continue
		}
		g := &goal{list: l, rule: i, step: n, way: way}
		more := p.stranger(g, s.src.Kind)
		if !tainted {
			more = append(more, example.Leaf(&example.Atom{Slot: example.Slot{Kind: example.Myself}}).Not())
		}
		search := p.find(g, more, func(m *example.Model, out *outcome) []*example.Node {
			local := !template && !out.tainted && p.world.Ours(m)
			switch {
			case !template && out.own:
				return out.ownBy
			case local:
				return []*example.Node{example.Leaf(&example.Atom{Slot: example.Slot{Kind: example.Myself}})}
			}
			return nil
		})
		r := &relay{rule: l.rules[i].src, step: s.src, example: search.found, why: search.unsure}
		switch {
		case search.found != nil:
			r.way = describe(search.out.way)
			return r
		case search.unsure != "" && found == nil && !g.trusted():
			found = r
		}
	}
	return found
}

// taints reports whether some step takes the host of the Request-URI from a message.
func (p *policy) taints() bool {
	for _, l := range p.lists {
		for i := range l.rules {
			for n := range l.rules[i].steps {
				switch s := l.rules[i].steps[n].src; s.Kind {
				case "rewrite_uri", "set_host":
					if !ownHost(s.Kind, s.Args.S) {
						return true
					}
				}
			}
		}
	}
	return false
}

// stranger is what makes a request one of a stranger.
func (p *policy) stranger(g *goal, kind string) []*example.Node {
	nets := &example.Atom{Slot: example.Slot{Kind: example.Source}}
	listeners := &example.Atom{Slot: example.Slot{Kind: example.Listener}}
	var more []*example.Node
	look := func(all bool) func(example.Lit) {
		return func(l example.Lit) {
			switch {
			case l.Kind == example.Opaque && l.Trust:
				more = append(more, example.Leaf(l.Atom).Not())
			case !all && !l.Neg:
			case l.Kind == example.Source:
				nets.Nets = append(nets.Nets, narrow(l.Nets)...)
			case l.Kind == example.Listener:
				listeners.Names = append(listeners.Names, l.Names...)
			}
		}
	}
	for _, l := range p.lists {
		for i := range l.rules {
			l.rules[i].match.Each(look(false))
		}
	}
	g.list.rules[g.rule].match.Each(look(true))
	for _, c := range g.way {
		c.from.rules[c.rule].match.Each(look(true))
	}
	methods := &example.Atom{Slot: example.Slot{Kind: example.Method}, Names: []string{"CANCEL"}}
	if kind == "relay" { // the engine relays an ACK by the same law itself
		methods.Names = append(methods.Names, "ACK")
	}
	verified := &example.Atom{
		Slot: example.Slot{Kind: example.Routed}, Names: []string{example.VerifiedRoute},
	}
	for _, a := range []*example.Atom{nets, listeners, methods, verified} {
		more = append(more, example.Leaf(a).Not())
	}
	return more
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
func (g *goal) trusted() bool {
	if vouches(g.list.rules[g.rule].match) {
		return true
	}
	return slices.ContainsFunc(g.way, func(c call) bool {
		return vouches(c.from.rules[c.rule].match)
	})
}

func vouches(n *example.Node) bool {
	if n.Lit.Atom != nil {
		l := n.Lit
		switch l.Kind {
		case example.Source:
			return !l.Neg && len(narrow(l.Nets)) == len(l.Nets)
		case example.Listener, example.Opaque:
			return !l.Neg && (l.Kind == example.Listener || l.Trust)
		}
		return false
	}
	if n.Some {
		return len(n.Kids) > 0 && !slices.ContainsFunc(n.Kids, func(k *example.Node) bool {
			return !vouches(k)
		})
	}
	return slices.ContainsFunc(n.Kids, vouches)
}

// describe names the rules of a way: request "calls" → outbound line 12.
func describe(way []frame) string {
	var names []string
	for _, f := range way {
		r := f.list.rules[f.rule].src
		if r.Name != "" {
			names = append(names, fmt.Sprintf("%s %q", f.list.name, r.Name))
		} else {
			names = append(names, fmt.Sprintf("%s line %d", f.list.name, r.Pos.Line))
		}
	}
	return strings.Join(names, " → ")
}
