package check

import (
	"net/netip"
	"slices"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// world is what messages of a policy can be like.
type world struct {
	self      *job.Self
	listeners []transport.Listener
	methods   []string
	hosts     []string // of ours
	ports     []uint16
	place     schema.Place
}

// solver makes a message for which literals hold, each slot for itself but for those that
// hang together: the parts of a URI, the source and the listener, status and cause.
type solver struct {
	*world
	lits []lit
	m    *model
}

// solve finds a message; the answer is unsure when one of its slots gave up, or a literal can't
// be chosen.
func (w *world) solve(lits []lit) (*model, answer) {
	s := &solver{world: w, lits: lits, m: &model{asked: map[slotKind]bool{}}}
	for _, l := range lits {
		s.m.asked[l.kind] = true
	}
	out := found
	for _, part := range []func() answer{
		s.method, s.flow, s.flags, s.dialog, s.numbers, s.result,
		func() answer { return s.uri(ofRURI) }, func() answer { return s.uri(ofFrom) },
		func() answer { return s.uri(ofTo) }, s.fields,
	} {
		switch part() {
		case nothing:
			return nil, nothing
		case unsure:
			out = unsure
		}
	}
	return s.m, out
}

// of are the literals of a kind of slot.
func (s *solver) of(kind slotKind) (list []lit) {
	for _, l := range s.lits {
		if l.kind == kind {
			list = append(list, l)
		}
	}
	return list
}

// named reports whether all literals take a name.
func named(lits []lit, name string) bool {
	for _, l := range lits {
		if slices.Contains(l.names, name) == l.neg {
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
	return "", nothing
}

// truth is what literals of a yes or no say; the answer is nothing if they contradict.
func truth(lits []lit, otherwise bool) (bool, answer) {
	for i, l := range lits {
		if l.neg != lits[0].neg {
			return false, nothing
		}
		if i == 0 {
			otherwise = !l.neg
		}
	}
	return otherwise, found
}

func (s *solver) method() (a answer) {
	s.m.method, a = s.oneName(theMethod, s.methods...)
	return a
}

// flags are opaque atoms: each is its own slot.
func (s *solver) flags() answer {
	for _, l := range s.of(opaque) {
		if s.m.true == nil {
			s.m.true = map[*atom]bool{}
		}
		if was, ok := s.m.true[l.atom]; ok && was == l.neg {
			return nothing
		}
		s.m.true[l.atom] = !l.neg
	}
	return found
}

func (s *solver) dialog() (a answer) {
	if s.m.route, a = s.oneName(routed, noRoute, verifiedRoute, forgedRoute); a != found {
		return a
	}
	if s.m.direction, a = s.oneName(theDirection, "", "downstream", "upstream"); a != found {
		return a
	}
	if s.m.route == verifiedRoute && s.m.direction == "" {
		if s.m.direction, a = s.oneName(theDirection, "downstream", "upstream"); a != found {
			return a
		}
	}
	lits := s.of(inDialog)
	s.m.inDialog, a = truth(lits, s.m.route == verifiedRoute)
	if a == found && s.m.route == verifiedRoute && !s.m.inDialog {
		return nothing // a tag is only taken within a dialog
	}
	return a
}

func (s *solver) numbers() answer {
	n, a := s.number(maxForwards, 70, 0, 255)
	if a == nothing { // also a message without one: no literal takes it
		if slices.ContainsFunc(s.of(maxForwards), func(l lit) bool { return !l.neg }) {
			return nothing
		}
		n = -1
	}
	s.m.maxForwards = int(n)
	if len(s.of(theSize)) > 0 {
		const least = 420 // what a message of ours may take
		if n, a = s.number(theSize, 600, least, 65_000); a == nothing {
			return unsure
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

func pickNumber(lits []lit, likely, low, high int64) (int64, answer) {
	good := func(n int64) bool {
		return low <= n && n <= high && !slices.ContainsFunc(lits, func(l lit) bool {
			return l.holdsNumber(n) == l.neg
		})
	}
	try := []int64{likely, low}
	for _, l := range lits {
		for _, b := range l.nums {
			try = append(try, b.min, b.max+1)
		}
	}
	if i := slices.IndexFunc(try, good); i >= 0 {
		return try[i], found
	}
	return 0, nothing
}

// result is status and cause: a timeout is a 408, a transport that failed a 503.
func (s *solver) result() (a answer) {
	if s.place != schema.InFailure && s.place != schema.InReply && !s.hooked() {
		return found
	}
	low := int64(300)
	causes := []string{"", "timeout", "transport"}
	if s.place == schema.InReply {
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
		if s.place == schema.InReply {
			likely = 200
		}
		n, a := s.number(theStatus, likely, lo, hi)
		if a == found {
			s.m.status, s.m.cause = int(n), cause
			return found
		}
	}
	return nothing
}

// hooked: a request that goes on to its failure route.
func (s *solver) hooked() bool { return true }

// fields solves each header field: of every literal that asks for one an instance, which no
// literal forbids.
func (s *solver) fields() answer {
	lits := s.of(theHeader)
	var done []string
	out := found
	for _, l := range lits {
		if slices.Contains(done, l.name) {
			continue
		}
		done = append(done, l.name)
		var same []lit
		for _, o := range lits {
			if o.name == l.name {
				same = append(same, o)
			}
		}
		if a := s.field(l.name, same); a != found {
			if out = a; a == nothing {
				return nothing
			}
		}
	}
	return out
}

func (s *solver) field(name string, lits []lit) answer {
	var wanted, forbidden []lit
	present, absent := false, false
	for _, l := range lits {
		switch {
		case l.presence && l.neg:
			absent = true
		case l.presence:
			present = true
		case l.neg:
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
			return nothing
		}
		return found
	}
	try := [][]lit{append(slices.Clone(wanted), forbidden...)} // one for all
	if len(wanted) == 0 && !present {
		return found
	}
	if v, a := pick(d, try[0]); a == found {
		s.m.fields = append(s.m.fields, header{name, v})
		return found
	} else if len(wanted) < 2 {
		return a
	}
	for _, w := range wanted {
		v, a := pick(d, append([]lit{w}, forbidden...))
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

// flow picks a listener and a source that can reach it.
func (s *solver) flow() answer {
	port, a := s.number(theSourcePort, 5060, 1, 65535)
	if a != found {
		return a
	}
	s.m.sourcePort = uint16(port)
	for i, l := range s.listeners {
		if !s.listens(&l) {
			continue
		}
		for _, family := range []string{"inet", "inet6"} {
			if !named(s.of(theFamily), family) || !reaches(family, l.Addr.Addr()) {
				continue
			}
			if src, ok := s.source(family, l.Addr.Addr().IsLoopback()); ok {
				s.m.source, s.m.listener, s.m.transport, s.m.local = src, i, l.Transport, l.Addr
				return found
			}
		}
	}
	return nothing
}

// listens reports whether the literals take a listener and its transport.
func (s *solver) listens(l *transport.Listener) bool {
	if !named(s.of(theTransport), l.Transport.String()) {
		return false
	}
	at := netip.AddrPortFrom(l.Addr.Addr().Unmap(), l.Addr.Port())
	for _, want := range s.of(theListener) {
		is := slices.ContainsFunc(want.names, func(name string) bool {
			t, addr, ok := listenerName(name)
			return ok && t == l.Transport && addr == at
		})
		if is == want.neg {
			return false
		}
	}
	return true
}

// reaches: a listener for all addresses of IPv6 may take IPv4 as well.
func reaches(family string, listener netip.Addr) bool {
	if listener.Is6() && listener.IsUnspecified() {
		return true
	}
	return listener.Unmap().Is4() == (family == "inet")
}

// source picks an address: the solutions are ranges that begin where a network begins, or
// behind the end of one.
func (s *solver) source(family string, loopback bool) (netip.Addr, bool) {
	lits := s.of(theSource)
	good := func(a netip.Addr) bool {
		return a.IsValid() && a.Is4() == (family == "inet") && !slices.ContainsFunc(lits,
			func(l lit) bool { return l.holdsAddr(a) == l.neg })
	}
	try := strangers
	if loopback {
		try = locals
	}
	if i := slices.IndexFunc(try, good); i >= 0 {
		return try[i], true
	}
	for _, nice := range []bool{true, false} {
		for _, l := range lits {
			for _, p := range l.nets {
				for _, a := range ends(p, l.neg, nice) {
					if good(a) {
						return a, true
					}
				}
			}
		}
	}
	for _, a := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if good(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

var (
	strangers = []netip.Addr{
		netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("198.51.100.9"),
		netip.MustParseAddr("2001:db8::9"),
	}
	locals = []netip.Addr{
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("203.0.113.9"),
		netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8::9"),
	}
)

// ends are addresses at the beginning of a network, or behind its end.
func ends(p netip.Prefix, behind, nice bool) []netip.Addr {
	first := p.Masked().Addr()
	if !behind {
		if nice {
			return []netip.Addr{first.Next().Next().Next(), first.Next()}
		}
		return []netip.Addr{first}
	}
	b := first.AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	if nice {
		return []netip.Addr{last.Next().Next()}
	}
	return []netip.Addr{last.Next()}
}
