package job

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Self is the one predicate of what is this router: bound addresses,
// advertised names, aliases, served domains. It is immutable but for the
// domains that Serve finds elsewhere.
//
// A name or address is looked up with its port. A port that is not given is
// the transport's default one (RFC 3261 §19.1.2); without a transport, the
// default port of any. A listener bound to the unspecified address owns every
// local address of its family, as the machine has them when Self is made.
type Self struct {
	listeners []transport.Listener         // by index; addresses plain: no mapped IPv4, no zone
	locals    map[netip.Addr]struct{}      // addresses of the machine
	addrs     map[netip.AddrPort]protocols // advertised addresses, aliases
	names     map[place]protocols          // advertised names, aliases
	anywhere  map[string]struct{}          // aliases without a port
	domains   map[string]struct{}
	served    []func(name []byte) bool // more domains
	ports     map[uint16]struct{}      // of all listeners, advertised names and aliases
}

// place is a name in lower case with a port.
type place struct {
	name string
	port uint16
}

// protocols is a set of transports.
type protocols uint8

const everyProtocol = ^protocols(0)

func only(t sip.Transport) protocols { return 1 << t }

var transports = [...]sip.Transport{sip.UDP, sip.TCP, sip.TLS, sip.SCTP, sip.WS, sip.WSS}

// NewSelf makes the predicate. An Advertised name without a port stands at the
// bound port and at the transport's default one. domains are hosts: theirs is
// a URI without port or with one of this router's. aliases are host or
// host:port, of any transport; those without a port obey the rule of domains.
func NewSelf(listeners []transport.Listener, domains, aliases []string) *Self {
	return newSelf(listeners, domains, aliases, localAddrs())
}

// Serve adds domains that served knows, by their names as hosts are compared: in lower
// case without a last dot. It obeys the rule of domains. served is quick, allocates
// nothing and may be called at any time.
func (s *Self) Serve(served func(name []byte) bool) { s.served = append(s.served, served) }

func newSelf(
	listeners []transport.Listener, domains, aliases []string, locals []netip.Addr,
) *Self {
	s := &Self{
		locals:   map[netip.Addr]struct{}{},
		addrs:    map[netip.AddrPort]protocols{},
		names:    map[place]protocols{},
		anywhere: map[string]struct{}{},
		domains:  map[string]struct{}{},
		ports:    map[uint16]struct{}{},
	}
	for _, a := range locals {
		s.locals[plain(a)] = struct{}{}
	}
	for _, l := range listeners {
		s.addListener(l)
	}
	for _, d := range domains {
		s.domains[canonical(d)] = struct{}{}
	}
	for _, a := range aliases {
		host, port := splitPort(a)
		if port == 0 {
			s.anywhere[canonical(host)] = struct{}{}
			continue
		}
		s.add(host, port, everyProtocol)
	}
	return s
}

// NameOf is what a router calls itself, a host: its domain, or its address.
func NameOf(listeners []transport.Listener, domains []string) string {
	if len(domains) > 0 {
		return strings.Trim(domains[0], "[]")
	}
	for _, l := range listeners {
		if host, _, err := net.SplitHostPort(l.Advertised); err == nil {
			return host
		} else if l.Advertised != "" {
			return strings.Trim(l.Advertised, "[]")
		}
		if a := l.Addr.Addr(); a.IsValid() && !a.IsUnspecified() {
			return a.String()
		}
	}
	return "localhost"
}

func (s *Self) addListener(l transport.Listener) {
	l.Addr = netip.AddrPortFrom(plain(l.Addr.Addr()), l.Addr.Port())
	s.listeners = append(s.listeners, l)
	if !l.Addr.IsValid() {
		return // one that was removed
	}
	s.ports[l.Addr.Port()] = struct{}{}
	if l.Advertised == "" {
		return
	}
	host, port := splitPort(l.Advertised)
	if port != 0 {
		s.add(host, port, only(l.Transport))
		return
	}
	s.add(host, l.Addr.Port(), only(l.Transport))
	s.add(host, l.Transport.DefaultPort(), only(l.Transport))
}

func (s *Self) add(host string, port uint16, t protocols) {
	s.ports[port] = struct{}{}
	if a, ok := sip.ParseAddr([]byte(host)); ok {
		s.addrs[netip.AddrPortFrom(plain(a), port)] |= t
		return
	}
	s.names[place{canonical(host), port}] |= t
}

// Is reports whether host:port (port 0: none given) of the transport
// (NoTransport: any) is this router. host has no brackets.
func (s *Self) Is(host []byte, port uint16, t sip.Transport) bool {
	return s.Listener(host, port, t) || s.among(s.domains, host, port) || s.serves(host, port)
}

// IsURI reports whether a URI leads to this router over t: its host does, and so
// does its maddr, which stands for the host where a request is sent (RFC 3261
// §16.5, RFC 3263 §4).
func (s *Self) IsURI(u *sip.URI, t sip.Transport) bool {
	maddr, ok := u.Param("maddr")
	return s.Is(u.Host, u.Port, t) && (!ok || len(maddr) == 0 || s.Is(maddr, u.Port, t))
}

// Listener is Is for what may be consumed as our own Route or Via: bound and
// advertised addresses and aliases, not domains.
func (s *Self) Listener(host []byte, port uint16, t sip.Transport) bool {
	var buf [maxName]byte
	a, isAddr := sip.ParseAddr(host)
	a = a.Unmap()
	name := lowered(buf[:0], host)
	here := func(port uint16, t sip.Transport) bool {
		if isAddr {
			at := netip.AddrPortFrom(a, port)
			return holds(s.addrs[at], t) || s.bound(at, t)
		}
		return holds(s.names[place{string(name), port}], t)
	}
	return anyPort(port, t, here) || s.among(s.anywhere, host, port)
}

// Owns reports whether addr is an address and port bound by a listener.
func (s *Self) Owns(addr netip.AddrPort) bool {
	return s.bound(netip.AddrPortFrom(plain(addr.Addr()), addr.Port()), sip.NoTransport)
}

func (s *Self) bound(at netip.AddrPort, t sip.Transport) bool {
	for i := range s.listeners {
		l := &s.listeners[i]
		if l.Addr.Port() != at.Port() || !holds(only(l.Transport), t) {
			continue
		}
		b, a := l.Addr.Addr(), at.Addr()
		if b == a || b.IsUnspecified() && b.Is4() == a.Is4() && s.local(a) {
			return true
		}
	}
	return false
}

// Bound returns the listener of that index, as Flow.Listener gives it. ok false: there is none.
func (s *Self) Bound(i uint16) (l transport.Listener, ok bool) {
	if int(i) >= len(s.listeners) {
		return l, false
	}
	return s.listeners[i], s.listeners[i].Addr.IsValid()
}

// Listeners are all, by that index. One that was removed has no address.
func (s *Self) Listeners() []transport.Listener { return s.listeners }

func (s *Self) local(a netip.Addr) bool {
	_, ok := s.locals[a]
	return ok || a.IsLoopback()
}

// among looks a host up in a set of hosts that stand at every port of ours.
func (s *Self) among(set map[string]struct{}, host []byte, port uint16) bool {
	if len(set) == 0 {
		return false
	}
	if port != 0 {
		if _, ours := s.ports[port]; !ours {
			return false
		}
	}
	var buf [maxName]byte
	name := lowered(buf[:0], host)
	if a, ok := sip.ParseAddr(host); ok {
		name = a.Unmap().AppendTo(buf[:0])
	}
	_, ok := set[string(name)]
	return ok
}

// serves is among for what Serve added.
func (s *Self) serves(host []byte, port uint16) bool {
	if _, ours := s.ports[port]; len(s.served) == 0 || port != 0 && !ours {
		return false
	}
	buf := names.Get().(*[maxName]byte) // what is handed to a func can't stand on the stack
	defer names.Put(buf)
	name := lowered(buf[:0], host)
	if a, ok := sip.ParseAddr(host); ok {
		name = a.Unmap().AppendTo(buf[:0])
	}
	return slices.ContainsFunc(s.served, func(has func([]byte) bool) bool { return has(name) })
}

var names = sync.Pool{New: func() any { return new([maxName]byte) }}

// anyPort calls found with the port, or with the default port of the
// transport, or of every transport, until it holds.
func anyPort(port uint16, t sip.Transport, found func(uint16, sip.Transport) bool) bool {
	switch {
	case port != 0:
		return found(port, t)
	case t != sip.NoTransport:
		return found(t.DefaultPort(), t)
	}
	for _, t := range transports {
		if found(t.DefaultPort(), t) {
			return true
		}
	}
	return false
}

func holds(p protocols, t sip.Transport) bool {
	return p != 0 && (t == sip.NoTransport || p&only(t) != 0)
}

// maxName is the longest host name, RFC 1035 §2.3.4.
const maxName = 255

// lowered is host in lower case without a last dot; longer than a name can be it is nothing.
func lowered(buf, host []byte) []byte {
	if host = bytes.TrimSuffix(host, dot); len(host) > maxName {
		return nil
	}
	return sip.AppendLower(buf, host)
}

var dot = []byte(".")

// canonical is a configured host as it is looked up: an address in its
// shortest form, a name in lower case without a last dot.
func canonical(host string) string {
	if a, ok := sip.ParseAddr([]byte(host)); ok {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// splitPort splits "host", "host:port", "[v6]", "[v6]:port" or a bare IPv6 address.
func splitPort(s string) (host string, port uint16) {
	if _, ok := sip.ParseAddr([]byte(s)); ok {
		return s, 0
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return s, 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return s, 0
	}
	return host, uint16(n)
}

// plain is an address as it is compared: IPv4 never mapped, no zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// localAddrs are the addresses of this machine's interfaces, none when they
// cannot be read.
func localAddrs() (addrs []netip.Addr) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			addrs = append(addrs, p.Addr())
		}
	}
	return addrs
}
