package nexthop

import (
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/resolve"
)

func TestGuard(t *testing.T) {
	g := Guard{
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		Allow: []netip.Prefix{netip.MustParsePrefix("169.254.7.0/24")},
	}
	const far, here = "192.0.2.1", "127.0.0.1"
	tests := []struct {
		addr, src string
		want      bool
	}{
		{"192.0.2.7", far, true},
		{"2001:db8::1", far, true},
		{"10.2.0.1", far, true},
		{"fd00::1", far, true},
		{"127.0.0.1", far, false},
		{"127.0.0.1", here, true},
		{"127.0.0.1", "::1", true},
		{"127.255.0.9", far, false},
		{"::1", far, false},
		{"::1", here, true},
		{"::ffff:127.0.0.1", far, false},
		{"169.254.169.254", far, false},
		{"169.254.169.254", here, false},
		{"169.254.7.1", far, true},
		{"fe80::1", far, false},
		{"fe80::1%eth0", far, false},
		{"224.0.1.75", far, false},
		{"ff02::1", far, false},
		{"0.0.0.0", far, false},
		{"::", far, false},
		{"255.255.255.255", far, false},
		{"10.1.2.3", far, false},
		{"10.1.2.3", here, false},
		{"::ffff:10.1.2.3", far, false},
	}
	for _, tt := range tests {
		to := netip.AddrPortFrom(netip.MustParseAddr(tt.addr), 5060)
		got := g.Allows(to, netip.AddrPortFrom(netip.MustParseAddr(tt.src), 5070), Told)
		if got != tt.want {
			t.Errorf("%s for %s: want %v, got %v", tt.addr, tt.src, tt.want, got)
		}
	}
}

// Only the policy leads to its gateways, and only its own words past the rest. Where a network is
// allowed, others stand beside a gateway: it is its port, and who sends from there.
func TestGuardOfGateways(t *testing.T) {
	g := Guard{
		Allow: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.9/32"), netip.MustParsePrefix("127.0.1.0/24"),
		},
		Gateways: []netip.AddrPort{
			netip.MustParseAddrPort("192.0.2.7:5060"), netip.MustParseAddrPort("192.0.2.9:5060"),
			netip.MustParseAddrPort("127.0.0.1:5070"), netip.MustParseAddrPort("127.0.1.1:5070"),
		},
		Known: func(to netip.AddrPort, beside bool) bool {
			at := netip.MustParseAddrPort("192.0.2.9:5090")
			return to.Addr() == at.Addr() && (to.Port() == at.Port() || !beside)
		},
	}
	const far, here, gateway = "198.51.100.1:5060", "127.0.0.1:5081", "192.0.2.7:40000"
	for _, tt := range []struct {
		to, from string
		by       Trust
		want     bool
	}{
		{"192.0.2.7:5060", far, Told, false},
		{"192.0.2.7:5061", far, Told, false},
		{"[::ffff:192.0.2.7]:5060", far, Told, false},
		{"192.0.2.7:5060", far, Ruled, true},
		{"192.0.2.7:5060", far, Own, true},
		{"192.0.2.7:5060", gateway, Told, true},
		{"192.0.2.8:5060", far, Told, true},
		{"192.0.2.9:5060", far, Told, false},
		{"[::ffff:192.0.2.9]:5060", far, Told, false},
		{"192.0.2.9:5090", far, Told, false},
		{"192.0.2.9:5062", far, Told, true},
		{"192.0.2.9:5060", far, Ruled, true},
		{"192.0.2.9:5060", far, Own, true},
		{"192.0.2.9:5060", "192.0.2.9:5062", Told, false},
		{"192.0.2.9:5060", "[::ffff:192.0.2.9]:5060", Told, true},
		{"192.0.2.9:5060", "192.0.2.9:5090", Told, false},
		{"127.0.0.1:5070", far, Ruled, false},
		{"127.0.0.1:5070", far, Own, true},
		{"127.0.0.1:5070", here, Told, true},
		{"127.0.0.1:5071", here, Told, true},
		{"127.0.1.1:5070", far, Told, false},
		{"127.0.1.1:5070", "127.0.1.1:5081", Told, false},
		{"127.0.1.1:5070", far, Ruled, true},
		{"127.0.1.1:5071", far, Told, true},
	} {
		got := g.Allows(netip.MustParseAddrPort(tt.to), netip.MustParseAddrPort(tt.from), tt.by)
		if got != tt.want {
			t.Errorf("%s for %s by %d: want %v, got %v", tt.to, tt.from, tt.by, tt.want, got)
		}
	}
}

// Nobody but the policy, and who stands at a gateway, leads to the name of one.
func TestGuardOfNames(t *testing.T) {
	g := Guard{Names: map[string]bool{"gw.example": true}}
	for _, own := range []string{
		"sip:192.0.2.7", "sip:GW2.example.;transport=tcp", "sip:x;maddr=gw3.example",
	} {
		u, err := sip.ParseURI([]byte(own))
		if err != nil {
			t.Fatal(err)
		}
		g.Add(&u)
	}
	const far, gateway = "198.51.100.1:5060", "192.0.2.7:40000"
	for _, tt := range []struct {
		uri, from string
		by        Trust
		want      bool
	}{
		{"sip:a@gw.example", far, Told, false},
		{"sips:a@Gw.Example:5080", far, Told, false},
		{"sip:a@gw.example.", far, Told, false},
		{"sip:gw2.example", far, Told, false},
		{"sip:gw3.example", far, Told, false},
		{"sip:a@other.example;maddr=gw.example", far, Told, false},
		{"sip:a@gw.example;maddr=other.example", far, Told, true},
		{"sip:a@x", far, Told, true},
		{"sip:a@mygw.example", far, Told, true},
		{"sip:a@192.0.2.8", far, Told, true},
		{"sip:a@gw.example", far, Ruled, true},
		{"sip:a@gw.example", far, Own, true},
		{"sip:a@gw.example", gateway, Told, true},
	} {
		u, err := sip.ParseURI([]byte(tt.uri))
		if err != nil {
			t.Fatal(err)
		}
		if got := g.AllowsName(&u, netip.MustParseAddrPort(tt.from), tt.by); got != tt.want {
			t.Errorf("%s for %s by %d: want %v, got %v", tt.uri, tt.from, tt.by, tt.want, got)
		}
	}
	at := netip.MustParseAddrPort("192.0.2.7:5060")
	if !g.IsGateway(at) {
		t.Error("the address that was added is no gateway's")
	}
	g.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	beside := netip.MustParseAddrPort(gateway)
	if !g.IsGateway(at) || g.IsGateway(beside) || !g.Hosts(beside.Addr()) {
		t.Error("others beside a gateway count as it")
	}
}

func TestGuardWhy(t *testing.T) {
	g := Guard{
		Deny:     []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		Gateways: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:5060")},
		Names:    map[string]bool{"gw.test": true},
	}
	for addr, want := range map[string]string{
		"127.0.0.1": loopback, "169.254.1.1": linkLocal, "224.0.0.1": noDestination,
		"::ffff:10.1.0.1": denied, "192.0.2.7": gateway,
	} {
		to := netip.MustParseAddr(addr)
		hops := []resolve.Hop{{Addr: netip.AddrPortFrom(to, 5060)}}
		want = why + to.Unmap().String() + " " + want
		if got := g.Why(hops, netip.AddrPort{}, Told); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	u, _ := sip.ParseURI([]byte("sip:a@gw.test"))
	may, got := g.AllowsName(&u, netip.AddrPort{}, Told), g.WhyName(&u)
	if may || got != why+"gw.test "+gateway {
		t.Errorf("by name: %q", got)
	}
}
