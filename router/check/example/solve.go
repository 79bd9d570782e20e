package example

import (
	"slices"

	"sipedge/schema"
	"sipedge/sip"
)

// solver makes a message for which literals hold, each slot for itself but for those that
// hang together: the parts of a URI, the source and the listener, status and cause.
type solver struct {
	*World
	lits []Lit
	m    *Model
}

// Solve finds a message; the answer is unsure when one of its slots gave up, or a literal can't
// be chosen.
func (w *World) Solve(lits []Lit) (*Model, answer) {
	s := &solver{World: w, lits: lits, m: &Model{asked: map[slotKind]bool{}}}
	for _, l := range lits {
		s.m.asked[l.Kind] = true
	}
	out := found
	for _, part := range []func() answer{
		s.method, s.flow, s.flags, s.dialog, s.numbers, s.result,
		func() answer { return s.uri(OfRURI) }, func() answer { return s.uri(ofFrom) },
		func() answer { return s.uri(ofTo) }, s.fields,
	} {
		switch part() {
		case Nothing:
			return nil, Nothing
		case Unsure:
			out = Unsure
		}
	}
	return s.m, out
}

// of are the literals of a kind of slot.
func (s *solver) of(kind slotKind) (list []Lit) {
	for _, l := range s.lits {
		if l.Kind == kind {
			list = append(list, l)
		}
	}
	return list
}

// named reports whether all literals take a name.
func named(lits []Lit, name string) bool {
	for _, l := range lits {
		if slices.Contains(l.Names, name) == l.Neg {
			return false
		}
	}
	return true
}

// oneName picks the first of the names that all literals of the slot take.
func (s *solver) oneName(kind slotKind, of ...string) (string, answer) {
	lits := s.of(kind)
	for _, name := range of {
		if named(lits, name) {
			return name, found
		}
	}
	return "", Nothing
}

// truth is what literals of a yes or no say; the answer is nothing if they contradict.
func truth(lits []Lit, otherwise bool) (bool, answer) {
	for i, l := range lits {
		if l.Neg != lits[0].Neg {
			return false, Nothing
		}
		if i == 0 {
			otherwise = !l.Neg
		}
	}
	return otherwise, found
}

func (s *solver) method() (a answer) {
	s.m.method, a = s.oneName(Method, s.methods...)
	return a
}

// flags are opaque atoms: each is its own slot.
func (s *solver) flags() answer {
	for _, l := range s.of(Opaque) {
		if s.m.True == nil {
			s.m.True = map[*Atom]bool{}
		}
		if was, ok := s.m.True[l.Atom]; ok && was == l.Neg {
			return Nothing
		}
		s.m.True[l.Atom] = !l.Neg
	}
	return found
}

func (s *solver) dialog() (a answer) {
	if s.m.Route, a = s.oneName(Routed, noRoute, VerifiedRoute, ForgedRoute); a != found {
		return a
	}
	if s.m.Direction, a = s.oneName(Direction, "", "downstream", "upstream"); a != found {
		return a
	}
	if s.m.Route == VerifiedRoute && s.m.Direction == "" {
		if s.m.Direction, a = s.oneName(Direction, "downstream", "upstream"); a != found {
			return a
		}
	}
	lits := s.of(InDialog)
	s.m.inDialog, a = truth(lits, s.m.Route == VerifiedRoute)
	if a == found && s.m.Route == VerifiedRoute && !s.m.inDialog {
		return Nothing // a tag is only taken within a dialog
	}
	return a
}

func (s *solver) numbers() answer {
	n, a := s.number(MaxForwards, 70, 0, 255)
	if a == Nothing { // also a message without one: no literal takes it
		if slices.ContainsFunc(s.of(MaxForwards), func(l Lit) bool { return !l.Neg }) {
			return Nothing
		}
		n = -1
	}
	s.m.MaxForwards = int(n)
	if len(s.of(theSize)) > 0 {
		const least = 420 // what a message of ours may take
		if n, a = s.number(theSize, 600, least, 65_000); a == Nothing {
			return Unsure
		}
		s.m.size = int(n)
	}
	return found
}

// number picks a number within bounds that all literals take: the solutions are intervals that
// begin where a literal begins, or behind where one ends.
func (s *solver) number(kind slotKind, likely, low, high int64) (int64, answer) {
	return pickNumber(s.of(kind), likely, low, high)
}

func pickNumber(lits []Lit, likely, low, high int64) (int64, answer) {
	good := func(n int64) bool {
		return low <= n && n <= high && !slices.ContainsFunc(lits, func(l Lit) bool {
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
	return 0, Nothing
}

// result is status and cause: a timeout is a 408, a transport that failed a 503.
func (s *solver) result() (a answer) {
	if s.Place != schema.InFailure && s.Place != schema.InReply && !s.hooked() {
		return found
	}
	low := int64(300)
	causes := []string{"", "timeout", "transport"}
	if s.Place == schema.InReply {
		low, causes = 101, causes[:1]
	}
	causesLits := s.of(theCause)
	for _, cause := range causes {
		if !named(causesLits, cause) {
			continue
		}
		lo, hi := low, int64(699)
		switch cause {
		case "timeout":
			lo, hi = 408, 408
		case "transport":
			lo, hi = 503, 503
		}
		likely := int64(486)
		if s.Place == schema.InReply {
			likely = 200
		}
		n, a := s.number(theStatus, likely, lo, hi)
		if a == found {
			s.m.status, s.m.cause = int(n), cause
			return found
		}
	}
	return Nothing
}

// hooked: a request that goes on to its failure route.
func (s *solver) hooked() bool { return true }

// fields solves each header field: of every literal that asks for one an instance, which no
// literal forbids.
func (s *solver) fields() answer {
	lits := s.of(Header)
	var done []string
	out := found
	for _, l := range lits {
		if slices.Contains(done, l.Name) {
			continue
		}
		done = append(done, l.Name)
		var same []Lit
		for _, o := range lits {
			if o.Name == l.Name {
				same = append(same, o)
			}
		}
		if a := s.field(l.Name, same); a != found {
			if out = a; a == Nothing {
				return Nothing
			}
		}
	}
	return out
}

func (s *solver) field(name string, lits []Lit) answer {
	var wanted, forbidden []Lit
	present, absent := false, false
	for _, l := range lits {
		switch {
		case l.presence && l.Neg:
			absent = true
		case l.presence:
			present = true
		case l.Neg:
			forbidden = append(forbidden, l)
		default:
			wanted = append(wanted, l)
		}
	}
	d := fields
	if isList(sip.LookupHeader([]byte(name))) {
		d = elements
	}
	if absent {
		if present || len(wanted) > 0 {
			return Nothing
		}
		return found
	}
	try := [][]Lit{append(slices.Clone(wanted), forbidden...)} // one for all
	if len(wanted) == 0 && !present {
		return found
	}
	if v, a := pick(s.effort, d, try[0]); a == found {
		s.m.fields = append(s.m.fields, header{name, v})
		return found
	} else if len(wanted) < 2 {
		return a
	}
	for _, w := range wanted {
		v, a := pick(s.effort, d, append([]Lit{w}, forbidden...))
		if a != found {
			return a
		}
		s.m.fields = append(s.m.fields, header{name, v})
	}
	return found
}

// isList reports whether a comma in such a field means a further element, RFC 3261 §7.3.1.
func isList(id sip.HeaderID) bool {
	switch id {
	case sip.Via, sip.Contact, sip.Route, sip.RecordRoute, sip.Path, sip.ServiceRoute,
		sip.Require, sip.ProxyRequire, sip.Supported, sip.Unsupported, sip.Allow,
		sip.AllowEvents, sip.Accept, sip.Warning, sip.Reason, sip.ContentEncoding,
		sip.PAssertedIdentity, sip.PPreferredIdentity:
		return true
	}
	return false
}
