package job

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sipedge/sip"
	"sipedge/sip/transport"
)

func listener(t sip.Transport, addr, advertised string) transport.Listener {
	return transport.Listener{
		Transport: t, Addr: netip.MustParseAddrPort(addr), Advertised: advertised,
	}
}

func example() *Self {
	return newSelf(
		[]transport.Listener{
			listener(sip.UDP, "192.0.2.10:5060", ""),
			listener(sip.TCP, "192.0.2.10:5070", "edge.example.org"),
			listener(sip.TLS, "192.0.2.10:5061", "edge.example.org:5061"),
			listener(sip.UDP, "[2001:db8::10]:5080", ""),
			listener(sip.UDP, "0.0.0.0:5090", ""),
			listener(sip.UDP, "10.0.0.1:5062", "203.0.113.1:6062"),
		},
		[]string{"Example.NET", "198.51.100.7"},
		[]string{"sip.example.com:5060", "any.example.com", "[2001:DB8:0::99]:5060"},
		[]netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("10.9.8.7"),
			netip.MustParseAddr("2001:db8::10")},
	)
}

func TestSelf(t *testing.T) {
	const no, domain, own = 0, 1, 2 // own: a listener's, domain: only Is
	tests := []struct {
		name string
		host string
		port uint16
		t    sip.Transport
		want int
	}{
		{"bound", "192.0.2.10", 5060, sip.UDP, own},
		{"bound, any transport", "192.0.2.10", 5060, sip.NoTransport, own},
		{"bound, default port", "192.0.2.10", 0, sip.UDP, own},
		{"bound, default port of any transport", "192.0.2.10", 0, sip.NoTransport, own},
		{"bound, other port", "192.0.2.10", 5999, sip.UDP, no},
		{"bound, other transport", "192.0.2.10", 5060, sip.TCP, no},
		{"bound elsewhere than the default port", "192.0.2.10", 0, sip.TCP, no},
		{"another machine", "192.0.2.11", 5060, sip.UDP, no},
		{"IPv4-mapped", "::ffff:192.0.2.10", 5060, sip.UDP, own},
		{"IPv6", "2001:db8::10", 5080, sip.UDP, own},
		{"IPv6 in another form", "2001:DB8:0:0::10", 5080, sip.UDP, own},
		{"IPv6 in brackets", "[2001:db8::10]", 5080, sip.UDP, own},
		{"IPv6, default port is not bound", "2001:db8::10", 0, sip.UDP, no},
		{"advertised name at the bound port", "edge.example.org", 5070, sip.TCP, own},
		{"advertised name at the default port", "EDGE.example.ORG", 0, sip.TCP, own},
		{"advertised name with a last dot", "edge.example.org.", 5070, sip.TCP, own},
		{"advertised name and port", "edge.example.org", 5061, sip.TLS, own},
		{"advertised name, TLS default", "edge.example.org", 0, sip.TLS, own},
		{"advertised name, not over UDP", "edge.example.org", 0, sip.UDP, no},
		{"advertised address", "203.0.113.1", 6062, sip.UDP, own},
		{"advertised address, bound port", "203.0.113.1", 5062, sip.UDP, no},
		{"behind an advertised address", "10.0.0.1", 5062, sip.UDP, own},
		{"wildcard, an interface", "10.9.8.7", 5090, sip.UDP, own},
		{"wildcard, loopback", "127.0.0.2", 5090, sip.UDP, own},
		{"wildcard itself", "0.0.0.0", 5090, sip.UDP, own},
		{"wildcard, not the other family", "2001:db8::10", 5090, sip.UDP, no},
		{"wildcard, not an address of this machine", "10.9.8.8", 5090, sip.UDP, no},
		{"alias with port", "sip.example.com", 5060, sip.TCP, own},
		{"alias with default port left out", "sip.example.com", 0, sip.UDP, own},
		{"alias with port, TLS default is another", "sip.example.com", 0, sip.TLS, no},
		{"alias with another port", "sip.example.com", 5070, sip.UDP, no},
		{"alias that is an IPv6 address", "2001:db8::99", 0, sip.UDP, own},
		{"alias without port", "any.example.com", 0, sip.TLS, own},
		{"alias without port, a port of ours", "any.example.com", 5070, sip.UDP, own},
		{"alias without port, a foreign port", "any.example.com", 9, sip.UDP, no},
		{"domain", "example.net", 0, sip.NoTransport, domain},
		{"domain, other case and last dot", "EXAMPLE.net.", 0, sip.TLS, domain},
		{"domain, a port of ours", "example.net", 5090, sip.UDP, domain},
		{"domain, a foreign port", "example.net", 5999, sip.UDP, no},
		{"domain that is an address", "198.51.100.7", 0, sip.UDP, domain},
		{"below a domain", "sub.example.net", 0, sip.UDP, no},
		{"nothing", "", 0, sip.NoTransport, no},
		{"too long for a name", strings.Repeat("a", 300), 0, sip.UDP, no},
	}
	s := example()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := s.Is([]byte(tt.host), tt.port, tt.t), tt.want > no; got != want {
				t.Errorf("Is: want %v, got %v", want, got)
			}
			if got, want := s.Listener([]byte(tt.host), tt.port, tt.t), tt.want == own; got != want {
				t.Errorf("Listener: want %v, got %v", want, got)
			}
		})
	}
}

// A URI is ours where its host is and, if it has one, its maddr.
func TestSelfURI(t *testing.T) {
	s := example()
	for text, want := range map[string]bool{
		"sip:a@example.net":                                true,
		"sip:a@example.net;maddr=192.0.2.10":               true,
		"sip:a@example.net;MADDR=example.net":              true,
		"sip:a@example.net;maddr":                          true,
		"sip:a@example.net;maddr=198.51.100.1":             false,
		"sip:a@example.net:5080;maddr=[2001:db8::10]":      true,
		"sip:a@example.net;x=1;%6daddr=elsewhere.test;y=2": false,
		"sip:a@198.51.100.1;maddr=192.0.2.10":              false,
	} {
		u, err := sip.ParseURI([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.IsURI(&u, u.Transport()); got != want {
			t.Errorf("%s: want %v, got %v", text, want, got)
		}
	}
}

func TestOwns(t *testing.T) {
	tests := []struct {
		addr string
		want bool
	}{
		{"192.0.2.10:5060", true},
		{"[::ffff:192.0.2.10]:5060", true},
		{"192.0.2.10:5064", false},
		{"[2001:db8::10]:5080", true},
		{"10.9.8.7:5090", true},
		{"127.3.2.1:5090", true},
		{"203.0.113.1:6062", false}, // advertised, bound by somebody else
		{"192.0.2.77:5090", false},
		{"[2001:db8::99]:5060", false}, // an alias is not bound
	}
	s := example()
	for _, tt := range tests {
		if got := s.Owns(netip.MustParseAddrPort(tt.addr)); got != tt.want {
			t.Errorf("%s: want %v, got %v", tt.addr, tt.want, got)
		}
	}
}

func TestBound(t *testing.T) {
	s := example()
	if l, ok := s.Bound(2); !ok || l.Transport != sip.TLS {
		t.Errorf("2: want the TLS listener, got %+v %v", l, ok)
	}
	if _, ok := s.Bound(transport.AnyListener); ok {
		t.Error("any: want none")
	}
}

// Whatever the router writes of itself, it recognises when it comes back:
// as a URI of Record-Route or Path with its transport parameter, and as the
// sent-by of a Via.
func TestSelfKnowsWhatItWrites(t *testing.T) {
	protocol := rapid.SampledFrom(transports[:])
	addr := rapid.SampledFrom([]string{
		"192.0.2.1", "198.51.100.20", "127.0.0.1", "2001:db8::1", "fe80::1", "0.0.0.0", "::",
	})
	port := rapid.SampledFrom([]uint16{80, 443, 5060, 5061, 5070, 60000})
	name := rapid.SampledFrom([]string{"", "Edge.example.org", "edge", "203.0.113.9", "2001:DB8::F"})
	one := rapid.Custom(func(t *rapid.T) transport.Listener {
		l := transport.Listener{
			Transport: protocol.Draw(t, "transport"),
			Addr: netip.AddrPortFrom(netip.MustParseAddr(addr.Draw(t, "addr")),
				port.Draw(t, "port")),
			Advertised: name.Draw(t, "advertised"),
		}
		if l.Advertised != "" && rapid.Bool().Draw(t, "with port") {
			host := sip.AppendHost(nil, []byte(l.Advertised))
			p := port.Draw(t, "advertised port")
			l.Advertised = string(host) + ":" + strconv.Itoa(int(p))
		}
		return l
	})
	rapid.Check(t, func(t *rapid.T) {
		ls := rapid.SliceOfN(one, 1, 4).Draw(t, "listeners")
		s := newSelf(ls, nil, nil, []netip.Addr{netip.MustParseAddr("192.0.2.77")})
		l := rapid.SampledFrom(ls).Draw(t, "written")
		for _, text := range written(l) {
			u, err := sip.ParseURI([]byte(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if !s.Listener(u.Host, u.Port, u.Transport()) || !s.Is(u.Host, u.Port, u.Transport()) {
				t.Errorf("%s is not recognised", text)
			}
			if !s.Listener(u.Host, u.Port, sip.NoTransport) {
				t.Errorf("%s without transport is not recognised", text)
			}
		}
	})
}

// written are the URIs a router may write for a listener.
func written(l transport.Listener) (uris []string) {
	param := ";transport=" + l.Transport.String() + ";lr"
	bound := string(sip.AppendHost(nil, []byte(l.Addr.Addr().String())))
	withPort := func(host string, port uint16) string {
		return "sip:" + host + ":" + strconv.Itoa(int(port)) + param
	}
	uris = append(uris, withPort(bound, l.Addr.Port()))
	if l.Addr.Port() == l.Transport.DefaultPort() {
		uris = append(uris, "sip:"+bound+param)
	}
	if l.Addr.Addr() == netip.IPv4Unspecified() {
		uris = append(uris, withPort("192.0.2.77", l.Addr.Port()))
	}
	if l.Advertised == "" {
		return uris
	}
	host, port := splitPort(l.Advertised)
	host = string(sip.AppendHost(nil, []byte(host)))
	if port == 0 {
		return append(uris, "sip:"+host+param, withPort(host, l.Addr.Port()))
	}
	uris = append(uris, withPort(host, port))
	if port == l.Transport.DefaultPort() {
		uris = append(uris, "sip:"+host+param)
	}
	return uris
}

func TestSelfAllocatesNothing(t *testing.T) {
	s := example()
	hosts := [][]byte{[]byte("192.0.2.10"), []byte("Example.Net"), []byte("2001:db8::10"),
		[]byte("any.example.com"), []byte("somewhere.else.example")}
	n := testing.AllocsPerRun(1000, func() {
		for _, h := range hosts {
			s.Is(h, 0, sip.NoTransport)
			s.Listener(h, 5060, sip.UDP)
		}
		s.Owns(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 8, 7}), 5090))
	})
	if n != 0 {
		t.Errorf("want 0 allocations, got %v", n)
	}
}

// Domains that others find obey the rule of domains, and cost no memory.
func TestSelfServes(t *testing.T) {
	s := example()
	s.Serve(func(name []byte) bool { return string(name) == "elsewhere.example" })
	s.Serve(func(name []byte) bool { return string(name) == "203.0.113.77" })
	ours := s.listeners[0].Addr.Port()
	for _, tt := range []struct {
		host string
		port uint16
		want bool
	}{
		{"elsewhere.example", 0, true}, {"Elsewhere.Example.", 0, true},
		{"elsewhere.example", ours, true}, {"elsewhere.example", 9, false},
		{"other.example", 0, false}, {"203.0.113.77", 0, true},
	} {
		if got := s.Is([]byte(tt.host), tt.port, sip.NoTransport); got != tt.want {
			t.Errorf("%s:%d is ours: %v", tt.host, tt.port, got)
		}
		if s.Listener([]byte(tt.host), tt.port, sip.NoTransport) {
			t.Errorf("%s:%d is a listener", tt.host, tt.port)
		}
	}
	host := []byte("Elsewhere.Example")
	if n := testing.AllocsPerRun(100, func() { s.Is(host, 0, sip.NoTransport) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
