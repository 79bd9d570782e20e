package nexthop

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// TestOver: a binding is called over its connection and nobody else's; when that has ended, at its
// Contact, if that is of the same host and transport.
func TestOver(t *testing.T) {
	const hop = "sip:192.0.2.7:40000;transport=tcp"
	from := netip.MustParseAddrPort("192.0.2.7:40000")
	one := resolve.Hop{Transport: sip.TCP, Addr: from, Conn: 9}
	plain := resolve.Hop{Transport: sip.TCP, Addr: from}
	for name, c := range map[string]struct {
		contact, to string
		conn        uint64
		want        []resolve.Hop
	}{
		"behind a NAT": {"sip:a@10.0.0.1:5060;transport=tcp", hop, 9, []resolve.Hop{one}},
		"a name":       {"sip:a@phone.example.net;transport=tcp", hop, 9, []resolve.Hop{one}},
		"the same host": {"sip:a@192.0.2.7:5062;transport=tcp", hop, 9, []resolve.Hop{one,
			{Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.7:5062")}}},
		"by another transport": {"sip:a@192.0.2.7:5062", hop, 9, []resolve.Hop{one}},
		"no connection":        {"sip:a@192.0.2.7:5062;transport=tcp", hop, 0, []resolve.Hop{plain}},
		"the policy's own hop": {"sip:a@192.0.2.7:5062;transport=tcp", "sip:proxy.example.net", 9,
			[]resolve.Hop{plain}},
	} {
		var m sip.Message
		text := "OPTIONS " + c.contact + " SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" +
			"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		target := job.Target{NextHop: []byte(hop), Conn: c.conn}
		got := Over([]resolve.Hop{plain}, &target, []byte(c.to), &m, nil)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(resolve.Hop{})); diff != "" {
			t.Errorf("%s: want, got:\n%s", name, diff)
		}
	}
}

// TestBesides: a gateway that stands beside others in a network that is allowed is not called for
// who has opened a connection from its host, but for a dialog's sake, or for itself.
func TestBesides(t *testing.T) {
	g := Guard{
		Allow:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Gateways: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:5062")},
	}
	for _, c := range []struct {
		name, contact, from string
		guard               *Guard
		want                int
	}{
		{"a phone", "sip:a@192.0.2.7:5064;transport=tcp", "192.0.2.7:40000", &g, 2},
		{"the gateway beside it", "sip:a@192.0.2.7:5062;transport=tcp", "192.0.2.7:40000", &g, 1},
		{"a dialog", "sip:a@192.0.2.7:5062;transport=tcp", "192.0.2.7:40000", nil, 2},
		{"the gateway itself", "sip:a@192.0.2.7:5062;transport=tcp", "192.0.2.7:5062", &g, 2},
	} {
		u, err := sip.ParseURI([]byte(c.contact))
		if err != nil {
			t.Fatal(err)
		}
		hop := resolve.Hop{Transport: sip.TCP, Addr: netip.MustParseAddrPort(c.from), Conn: 9}
		if got := Besides([]resolve.Hop{hop}, &u, c.guard); len(got) != c.want {
			t.Errorf("%s: want %d hops, got %v", c.name, c.want, got)
		}
	}
}
