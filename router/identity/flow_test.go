package identity

import (
	"net/netip"
	"strings"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
)

func TestFlowInContact(t *testing.T) {
	r := New([]transport.Listener{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
		{Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
	}, []byte("secret"))
	flows := []transport.Flow{
		{Transport: sip.UDP, Remote: netip.MustParseAddrPort("198.51.100.7:40001")},
		{Transport: sip.TCP, Listener: 1, Conn: 1<<63 + 5,
			Remote: netip.MustParseAddrPort("[2001:db8::7]:65535")},
	}
	for _, uri := range []string{"sip:a@b", "sip:a@b;c=d?e=f", "sip:a;flow=x@b", "sip:a@b;flow=1.2"} {
		for i, f := range flows {
			with := r.AppendFlow(nil, []byte(uri), f, []byte("call"))
			if _, err := sip.ParseURI(with); err != nil {
				t.Fatalf("%s: %v", with, err)
			}
			from, to, got, ok := r.flowIn(with, []byte("call"))
			if !ok || got != f {
				t.Errorf("%s: want %v, got %v %v", with, f, got, ok)
			}
			if back := string(with[:from]) + string(with[to:]); back != uri {
				t.Errorf("%s: want %s back, got %s", with, uri, back)
			}
			again := r.AppendFlow(nil, with, flows[1-i], []byte("call"))
			if _, _, got, _ := r.flowIn(again, []byte("call")); got != flows[1-i] ||
				strings.Count(string(again), flowStart) != strings.Count(string(with), flowStart) {
				t.Errorf("%s: the last flow counts: %v", again, got)
			}
			for n := from; n < to; n++ { // whatever is changed, it leads nowhere
				changed := []byte(string(with))
				changed[n] ^= 1
				if _, _, got, ok := r.flowIn(changed, []byte("call")); ok {
					t.Fatalf("%s leads to %v", changed, got)
				}
			}
			if _, _, _, ok := r.flowIn(with, []byte("another")); ok {
				t.Errorf("%s leads somewhere in another dialog", with)
			}
			if _, _, _, ok := New(nil, []byte("secret")).flowIn(with, []byte("call")); ok {
				t.Errorf("%s leads to a listener that is none", with)
			}
		}
	}
}
