package example

import (
	"net/netip"
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// flow picks a listener and a source that can reach it.
func (s *solver) flow() pattern.Answer {
	if s.place == schema.InLocal {
		return found
	}
	port, a := number(s.of(formula.SourcePort), 5060, 1, 65535)
	if a != found {
		return a
	}
	s.m.sourcePort = uint16(port)
	for i, l := range s.Listeners {
		if !s.listens(&l) {
			continue
		}
		for _, family := range []string{"inet", "inet6"} {
			if !named(s.of(formula.Family), family) || !reaches(family, l.Addr.Addr()) {
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
	if !named(s.of(formula.Transport), l.Transport.String()) {
		return false
	}
	at := netip.AddrPortFrom(l.Addr.Addr().Unmap(), l.Addr.Port())
	for _, want := range s.of(formula.Listener) {
		is := slices.ContainsFunc(want.Names, func(name string) bool {
			t, addr, ok := formula.ListenerName(name)
			return ok && t == l.Transport && addr == at
		})
		if is == want.Neg {
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
	lits := s.of(formula.Source)
	good := func(a netip.Addr) bool {
		return a.IsValid() && a.Is4() == (family == "inet") && !slices.ContainsFunc(lits,
			func(l formula.Lit) bool { return l.HoldsAddr(a) == l.Neg })
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
			for _, p := range l.Nets {
				for _, a := range ends(p, l.Neg, nice) {
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
