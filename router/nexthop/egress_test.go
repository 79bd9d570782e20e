package nexthop

import (
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

func listener(t sip.Transport, addr string) transport.Listener {
	return transport.Listener{Transport: t, Addr: netip.MustParseAddrPort(addr)}
}

// sender sends nothing.
type sender []transport.Listener

func (s sender) Send(transport.Target, []byte, uint64) error { return nil }
func (s sender) Listeners() []transport.Listener             { return s }
func (s sender) Choose(t sip.Transport, to netip.Addr) uint16 {
	return transport.Choose(s, t, to, nil)
}

func TestEgress(t *testing.T) {
	ls := []transport.Listener{
		listener(sip.UDP, "10.0.0.9:5060"),
		listener(sip.UDP, "10.0.0.9:5070"),
		listener(sip.TCP, "10.0.0.9:5060"),
		listener(sip.UDP, "[2001:db8::9]:5060"),
		listener(sip.UDP, "192.168.0.9:5060"),
		listener(sip.TCP, "192.168.0.9:5060"),
	}
	f := Finder{Sender: sender(ls)}
	const none = transport.AnyListener
	tests := []struct {
		name       string
		in, forced uint16
		hop        string
		t          sip.Transport
		want       uint16
	}{
		{"the sender's choice", 2, none, "10.0.0.2:5060", sip.UDP, 0},
		{"the port it came in by", 1, none, "10.0.0.2:5060", sip.UDP, 1},
		{"another address is not preferred", 4, none, "10.0.0.2:5060", sip.UDP, 0},
		{"forced", 0, 4, "10.0.0.2:5060", sip.UDP, 4},
		{"forced is of another transport", 0, 4, "10.0.0.2:5060", sip.TCP, 5},
		{"forced does not suit", 0, 2, "10.0.0.2:5060", sip.UDP, 0},
		{"forced has another family", 0, 3, "10.0.0.2:5060", sip.UDP, 0},
		{"another transport", 0, none, "10.0.0.2:5060", sip.TCP, 2},
		{"another family", 0, none, "[2001:db8::2]:5060", sip.UDP, 3},
		{"none", 0, none, "[2001:db8::2]:5060", sip.TCP, none},
	}
	for _, tt := range tests {
		hop := resolve.Hop{Transport: tt.t, Addr: netip.MustParseAddrPort(tt.hop)}
		got := f.Egress(tt.in, tt.forced, hop)
		if got != tt.want {
			t.Errorf("%s: want %d, got %d", tt.name, tt.want, got)
		}
	}
}
