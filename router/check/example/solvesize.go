package example

import (
	"slices"
	"strconv"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/sip"
)

// lengths are texts of Content-Length.
var lengths = pattern.NewDomain(`^[0-9]{1,5}$`)

// sizes is the length of the body and of the whole, when the rest is known.
func (s *solver) sizes() pattern.Answer {
	if a := s.length(); a != found {
		return a
	}
	return s.size()
}

// length is Content-Length, and a body that has it.
func (s *solver) length() pattern.Answer {
	lits := s.field("Content-Length")
	var text []pattern.Lit
	absent := false
	for _, l := range lits {
		if l.Presence {
			absent = absent || l.Neg
		} else {
			text = append(text, patterns([]formula.Lit{l})...)
		}
	}
	switch {
	case absent && slices.ContainsFunc(lits, func(l formula.Lit) bool { return !l.Neg }):
		return nothing
	case absent && s.m.transport.Reliable():
		return unsure // a datagram can be without
	case absent:
		s.m.length = noLength
		return found
	case len(text) == 0:
		return found
	case len(s.of(formula.Size)) > 0:
		return unsure
	}
	n := len(s.m.body.text)
	v, a := strconv.Itoa(n), found
	if !pattern.HoldAll(text, v) {
		v, a = pattern.Pick(s.effort, lengths, text)
	}
	if a != found {
		return a
	}
	want, _ := strconv.Atoi(v)
	if want < n {
		return unsure // a shorter body may do
	}
	s.m.length, s.m.body.text = v, s.m.body.text+strings.Repeat("x", want-n)
	return found
}

// least is what no message is shorter than.
const least = 60

// size makes the message as long as literals ask.
func (s *solver) size() pattern.Answer {
	lits := s.of(formula.Size)
	if len(lits) == 0 {
		return found
	}
	high := int64(min(s.most, sip.MaxMessage))
	if s.m.transport == sip.UDP {
		high = min(high, 65_507)
	}
	for _, s.m.terse = range []bool{false, true} {
		low := int64(len(s.m.write(s.place, 0, " ")))
		if n, a := number(lits, max(600, low), low, high); a == found {
			s.m.size = int(n)
			return found
		}
	}
	if _, a := number(lits, 600, least, high); a == nothing {
		return nothing
	}
	return unsure
}
