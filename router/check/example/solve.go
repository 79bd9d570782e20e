package example

import (
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/schema"
)

// solver makes a message for which literals hold, each slot for itself but for those that
// hang together: the parts of a URI, the source and the listener, status and cause, what a
// header field says of other values.
type solver struct {
	*World
	place schema.Place
	lits  []formula.Lit
	m     *Model
}

const (
	found   = pattern.Found
	nothing = pattern.Nothing
	unsure  = pattern.Unsure
)

// Solve finds a message that comes to a route type, and on demand the reply to it; the answer
// is Unsure when one of its slots gave up. The message is then nil, or not one for which the
// literals of that slot hold.
func (w *World) Solve(place schema.Place, lits []formula.Lit, reply bool) (*Model, pattern.Answer) {
	var mine, its []formula.Lit
	for _, l := range lits {
		if l.Slot.Reply {
			its = append(its, l)
		} else {
			mine = append(mine, l)
		}
	}
	m, a := w.solve(place, mine)
	if a == nothing || !reply {
		return m, a
	}
	its = append(its, formula.Lit{Atom: &formula.Atom{
		Slot: formula.Slot{Kind: formula.Method}, Names: []string{m.method},
	}})
	r, b := w.solve(schema.InReply, its)
	if b == nothing {
		return nil, nothing
	}
	m.reply = r // it repeats what its request says, RFC 3261 §8.2.6.2
	r.callID, r.cseq, r.from, r.uris = m.callID, m.sequence(), m.address(formula.OfFrom), m.uris
	return m, max(a, b)
}

func (w *World) solve(place schema.Place, lits []formula.Lit) (*Model, pattern.Answer) {
	s := &solver{World: w, place: place, lits: lits, m: &Model{asked: map[formula.Kind]bool{}}}
	for _, l := range lits {
		s.m.asked[l.Kind] = true
	}
	if place == schema.InStartup || place == schema.InTimer {
		return s.m, s.flags()
	}
	out := found
	for _, part := range []func() pattern.Answer{
		s.method, s.flow, s.flags, s.dialog, s.hops, s.result,
		func() pattern.Answer { return s.uri(formula.OfRURI) },
		func() pattern.Answer { return s.uri(formula.OfFrom) },
		func() pattern.Answer { return s.uri(formula.OfTo) },
		func() pattern.Answer { return s.uri(formula.OfTarget) },
		s.addresses, s.fields, s.body, s.sizes,
	} {
		switch part() {
		case nothing:
			return nil, nothing
		case unsure:
			out = unsure
		}
	}
	if place == schema.InError {
		a := s.spoil()
		if a == nothing {
			return nil, nothing
		}
		out = max(out, a)
	}
	return s.m, out
}

// of are the literals of a kind of slot.
func (s *solver) of(kind formula.Kind) (list []formula.Lit) {
	for _, l := range s.lits {
		if l.Kind == kind {
			list = append(list, l)
		}
	}
	return list
}

// field are the literals of a header field.
func (s *solver) field(name string) (list []formula.Lit) {
	for _, l := range s.lits {
		if l.Kind == formula.Header && l.Name == name {
			list = append(list, l)
		}
	}
	return list
}

// patterns are literals as those of texts.
func patterns(lits []formula.Lit) []pattern.Lit {
	list := make([]pattern.Lit, len(lits))
	for i, l := range lits {
		list[i] = pattern.Lit{Pattern: l.Text, Neg: l.Neg}
	}
	return list
}

// named reports whether all literals take a name.
func named(lits []formula.Lit, name string) bool {
	for _, l := range lits {
		if slices.Contains(l.Names, name) == l.Neg {
			return false
		}
	}
	return true
}

// oneName picks the first of the names that all literals of the slot take.
func (s *solver) oneName(kind formula.Kind, of ...string) (string, pattern.Answer) {
	lits := s.of(kind)
	for _, name := range of {
		if named(lits, name) {
			return name, found
		}
	}
	return "", nothing
}

// truth is what literals of a yes or no say; the answer is nothing if they contradict.
func truth(lits []formula.Lit, otherwise bool) (bool, pattern.Answer) {
	for i, l := range lits {
		if l.Neg != lits[0].Neg {
			return false, nothing
		}
		if i == 0 {
			otherwise = !l.Neg
		}
	}
	return otherwise, found
}

// sequences are texts of CSeq for a method.
func sequences(method string) *pattern.Domain {
	return pattern.NewDomain(`^[0-9]{1,9}[ \t]+`+quoted(method)+`$`, "1 "+method)
}

// method is also the end of CSeq.
func (s *solver) method() pattern.Answer {
	lits, text, out := s.of(formula.Method), s.field("CSeq"), nothing
	for _, name := range s.methods {
		if !named(lits, name) {
			continue
		}
		s.m.method = name
		if len(text) == 0 {
			return found
		}
		v, a := pattern.Pick(s.effort, sequences(name), patterns(text))
		if s.m.cseq = v; a == found {
			return found
		}
		out = max(out, a)
	}
	return out
}

// flags are opaque atoms: each is its own slot.
func (s *solver) flags() pattern.Answer {
	for _, l := range s.of(formula.Opaque) {
		if s.m.True == nil {
			s.m.True, s.m.why = map[formula.Slot]bool{}, map[formula.Slot]string{}
		}
		if was, ok := s.m.True[l.Slot]; ok && was == l.Neg {
			return nothing
		}
		s.m.True[l.Slot], s.m.why[l.Slot] = !l.Neg, l.Why
	}
	return found
}

// dialog is what tells of one: the Route set, its direction and the tag of To.
func (s *solver) dialog() pattern.Answer {
	for _, s.m.Route = range formula.Routes {
		verified := s.m.Verified()
		within, a := truth(s.of(formula.InDialog), verified)
		if a == nothing || verified && !within || !named(s.of(formula.Routed), s.m.Route) ||
			s.m.Route == formula.PathRoute && (within || !s.Paths) {
			continue // a tag is only taken within a dialog, a Path without
		}
		directions := []string{"downstream", "upstream"}
		if !verified {
			directions = append([]string{""}, directions...)
		}
		s.m.inDialog = within
		if s.m.Direction, a = s.oneName(formula.Direction, directions...); a == found {
			switch s.m.Route {
			case formula.PairRoute:
				s.m.Route = formula.VerifiedRoute
				return unsure
			case formula.PathRoute:
				s.m.Route = formula.ForgedRoute
				return unsure
			}
			return found
		}
	}
	return nothing
}

// hops is Max-Forwards: one of 256 numbers, or none.
func (s *solver) hops() pattern.Answer {
	numbers, lits := s.of(formula.MaxForwards), s.field("Max-Forwards")
	s.m.limited = len(numbers)+len(lits) > 0
	good := func(n int64, text string) bool {
		for _, l := range numbers {
			if (text != "" && l.HoldsNumber(n)) == l.Neg {
				return false
			}
		}
		for _, l := range lits {
			if (text != "" && (l.Presence || l.Text.Holds(text))) == l.Neg {
				return false
			}
		}
		return true
	}
	if s.place == schema.InReply && good(0, "") {
		return found // replies have none
	}
	const usual = 70
	for n := int64(-1); n <= 255; n++ {
		try := n
		if n < 0 {
			try = usual
		}
		if text := decimal(try); good(try, text) {
			s.m.hops = text
			return found
		}
	}
	if good(0, "") {
		return found
	}
	var text []formula.Lit
	for _, l := range lits {
		if !l.Presence {
			text = append(text, l)
		}
	}
	if len(text) == 0 {
		return nothing
	}
	_, a := pattern.Pick(s.effort, digits, patterns(text))
	if a == nothing && s.place != schema.InError {
		return nothing
	}
	return unsure // a number may have zeros before it
}

var digits = pattern.NewDomain(`^[0-9]+$`)

// number picks a number within bounds that all literals take: the solutions are intervals that
// begin where a literal begins, or behind where one ends.
func number(lits []formula.Lit, likely, low, high int64) (int64, pattern.Answer) {
	good := func(n int64) bool {
		return low <= n && n <= high && !slices.ContainsFunc(lits, func(l formula.Lit) bool {
			return l.HoldsNumber(n) == l.Neg
		})
	}
	try := []int64{likely, low}
	for _, l := range lits {
		for _, b := range l.Nums {
			try = append(try, b.Min, b.Max+1)
		}
	}
	if i := slices.IndexFunc(try, good); i >= 0 {
		return try[i], found
	}
	return 0, nothing
}

// result is status and cause of each round: a timeout is a 408, a transport that failed a 503.
func (s *solver) result() pattern.Answer {
	rounds := 0
	if s.place == schema.InReply {
		rounds = 1
	}
	for _, l := range s.lits {
		if l.Kind == formula.Status || l.Kind == formula.Cause {
			rounds = max(rounds, int(l.Round)+1)
		}
	}
	for round := range rounds {
		same := func(kind formula.Kind) (list []formula.Lit) {
			for _, l := range s.of(kind) {
				if int(l.Round) == round {
					list = append(list, l)
				}
			}
			return list
		}
		r, a := s.outcome(same(formula.Status), same(formula.Cause))
		if a != found {
			return a
		}
		s.m.results = append(s.m.results, r)
	}
	return found
}

func (s *solver) outcome(status, cause []formula.Lit) (result, pattern.Answer) {
	for _, c := range []string{"", "timeout", "transport"} {
		if !named(cause, c) || c != "" && s.place == schema.InReply {
			continue
		}
		likely, lo, hi := int64(486), int64(300), int64(699)
		switch {
		case s.place == schema.InReply:
			likely, lo = 200, 101
		case c == "timeout":
			lo, hi = 408, 408
		case c == "transport":
			lo, hi = 503, 503
		}
		if n, a := number(status, likely, lo, hi); a == found {
			return result{int(n), c}, found
		}
	}
	return result{}, nothing
}
