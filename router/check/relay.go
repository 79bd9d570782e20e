package check

import (
	"fmt"
	"net/netip"
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
	example *Message // nil: it could not be shown that there is none
	way     string
	why     string
}

// openRelays finds the relays strangers can use.
func (p *policy) openRelays() (list []relay) {
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
			more = append(more, leaf(&atom{slot: slot{kind: myself}}).not())
		}
		search := p.find(g, more, func(m *model, out *outcome) []*node {
			local := !template && !out.tainted && p.isOurs(m)
			switch {
			case !template && out.own:
				return out.ownBy
			case local:
				return []*node{leaf(&atom{slot: slot{kind: myself}})}
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

func (p *policy) isOurs(m *model) bool {
	s := solver{world: &p.world}
	return s.ours(&m.uris[ofRURI])
}

// stranger is what makes a request one of a stranger.
func (p *policy) stranger(g *goal, kind string) []*node {
	nets, listeners := &atom{slot: slot{kind: theSource}}, &atom{slot: slot{kind: theListener}}
	var more []*node
	look := func(all bool) func(lit) {
		return func(l lit) {
			switch {
			case l.kind == opaque && l.trust:
				more = append(more, leaf(l.atom).not())
			case !all && !l.neg:
			case l.kind == theSource:
				nets.nets = append(nets.nets, narrow(l.nets)...)
			case l.kind == theListener:
				listeners.names = append(listeners.names, l.names...)
			}
		}
	}
	for _, l := range p.lists {
		for i := range l.rules {
			l.rules[i].match.each(look(false))
		}
	}
	g.list.rules[g.rule].match.each(look(true))
	for _, c := range g.way {
		c.from.rules[c.rule].match.each(look(true))
	}
	methods := &atom{slot: slot{kind: theMethod}, names: []string{"CANCEL"}}
	if kind == "relay" { // the engine relays an ACK by the same law itself
		methods.names = append(methods.names, "ACK")
	}
	verified := &atom{slot: slot{kind: routed}, names: []string{verifiedRoute}}
	return append(more, leaf(nets).not(), leaf(listeners).not(), leaf(methods).not(),
		leaf(verified).not())
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

func vouches(n *node) bool {
	if n.lit.atom != nil {
		l := n.lit
		switch l.kind {
		case theSource:
			return !l.neg && len(narrow(l.nets)) == len(l.nets)
		case theListener, opaque:
			return !l.neg && (l.kind == theListener || l.trust)
		}
		return false
	}
	if n.some {
		return len(n.kids) > 0 && !slices.ContainsFunc(n.kids, func(k *node) bool { return !vouches(k) })
	}
	return slices.ContainsFunc(n.kids, vouches)
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
