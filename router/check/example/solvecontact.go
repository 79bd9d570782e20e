package example

import (
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/sip"
)

// contacts finds Contacts with the URIs that literals ask for, and with the texts.
func (s *solver) contacts() pattern.Answer {
	texts := s.field("Contact")
	var must, mustNot []*formula.Node
	for _, l := range s.of(formula.Contact) {
		if l.Neg {
			mustNot = append(mustNot, l.Sub.Not())
		} else {
			must = append(must, l.Sub)
		}
	}
	for _, also := range [][]*formula.Node{nil, spared(texts)} {
		given, a := s.given(must, append(mustNot, also...))
		switch {
		case a == found:
			a = s.withTexts(given, texts, len(mustNot) > 0)
		case also == nil:
			return a
		}
		if a != nothing {
			return a
		}
	}
	// Other URIs may have other texts.
	f := list{
		s: s, lits: texts, parted: true, first: make([]*pattern.Domain, min(1, len(must))),
	}
	return s.beyond(&f, sip.Contact)
}

// spared keeps from the parts of a URI what no text may have.
func spared(texts []formula.Lit) (list []*formula.Node) {
	for _, l := range texts {
		if !l.Neg || l.Presence {
			continue
		}
		for _, kind := range []formula.Kind{formula.User, formula.Host} {
			slot := formula.Slot{Kind: kind, Role: formula.OfContact}
			list = append(list, formula.Leaf(&formula.Atom{Slot: slot, Text: l.Text}).Not())
		}
	}
	return list
}

// given finds the URIs, as few as can be, as texts of Contact.
func (s *solver) given(must, mustNot []*formula.Node) (texts []string, a pattern.Answer) {
	if len(must) == 0 {
		return nil, found
	}
	u, a := s.contact(nil, slices.Concat(must, mustNot))
	if a == found {
		return []string{"<" + u.String() + ">"}, found
	}
	for _, n := range must { // not all of them in one
		u, a := s.contact(nil, append([]*formula.Node{n}, mustNot...))
		if a != found {
			return nil, a
		}
		texts = append(texts, "<"+u.String()+">")
	}
	return texts, found
}

// withTexts places the URIs among the texts that literals ask for. strict: others may not be.
func (s *solver) withTexts(given []string, texts []formula.Lit, strict bool) pattern.Answer {
	f := list{s: s, lits: slices.Clone(texts), domain: elements, parted: true}
	slot := formula.Slot{Kind: formula.Header, Name: sip.Contact.String()}
	for _, text := range given {
		atom := &formula.Atom{Slot: slot, Text: pattern.Exact(text)}
		f.lits = append(f.lits, formula.Lit{Atom: atom})
	}
	all, a := f.solve()
	for _, v := range all {
		if strict && strings.Contains(v, ":") && !slices.Contains(given, v) {
			a = unsure // it may be one that must not be
		}
		s.m.fields = append(s.m.fields, header{slot.Name, v})
	}
	return a
}

// contact finds a URI for which lits and all of todo hold.
func (s *solver) contact(lits []formula.Lit, todo []*formula.Node) (uri, pattern.Answer) {
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		switch {
		case n.Lit.Atom != nil:
			lits = append(lits[:len(lits):len(lits)], n.Lit)
		case !n.Some:
			todo = append(slices.Clone(n.Kids), todo...)
		default:
			out := nothing
			for _, k := range n.Kids {
				if !s.effort.Spend(1) {
					return uri{}, unsure
				}
				u, a := s.contact(lits, append([]*formula.Node{k}, todo...))
				if a == found {
					return u, found
				}
				out = max(out, a)
			}
			return uri{}, out
		}
	}
	inner := solver{World: s.World, place: s.place, lits: lits, m: &Model{}}
	return inner.address(formula.OfContact)
}
