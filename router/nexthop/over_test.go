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
		got := Over([]resolve.Hop{plain}, &target, []byte(c.to), &m)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(resolve.Hop{})); diff != "" {
			t.Errorf("%s: want, got:\n%s", name, diff)
		}
	}
}
