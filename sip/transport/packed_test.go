package transport

import (
	"net/netip"
	"testing"

	"sipedge/sip"
)

func fixed(all ...Listener) func() []Listener { return func() []Listener { return all } }

func TestTargetComesBack(t *testing.T) {
	l := NewPacker(fixed(
		Listener{Transport: sip.UDP, Addr: netip.MustParseAddrPort("0.0.0.0:5060")},
		Listener{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.9:5060")},
	))
	for _, addr := range []string{
		"", "192.0.2.1:5060", "[2001:db8::1]:5061", "[::ffff:192.0.2.1]:5060",
		"[fe80::1%eth0]:5060", "[fe80::1%eth1]:5060", "[fe80::2%eth0]:5060",
	} {
		want := Target{
			Transport: sip.TLS, Listener: AnyListener, NoDial: true, Conn: 1 << 60,
		}
		if addr != "" {
			want.Remote = netip.MustParseAddrPort(addr)
		}
		p := l.Pack(want)
		if got := l.Unpack(&p); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for i, local := range []string{"192.0.2.7", "192.0.2.8", "192.0.2.7", "192.0.2.9"} {
		want := Target{Local: netip.MustParseAddr(local)}
		if want.Listener = uint16(i / 3); want.Listener == 1 {
			want.Local = netip.Addr{} // there is only one to leave from
		}
		p := l.Pack(Target{
			Listener: want.Listener, Local: netip.MustParseAddr(local),
		})
		if got := l.Unpack(&p); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestFlowComesBack(t *testing.T) {
	k := NewPacker(fixed(
		Listener{Transport: sip.UDP, Addr: netip.MustParseAddrPort("0.0.0.0:5060")},
		Listener{Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.9:5060")},
	))
	for _, want := range []Flow{
		{Transport: sip.UDP, Local: netip.MustParseAddrPort("0.0.0.0:5060")},
		{Transport: sip.UDP, Local: netip.MustParseAddrPort("192.0.2.7:5060")},
		{Transport: sip.TCP, Listener: 1, Conn: 7, Local: netip.MustParseAddrPort("192.0.2.9:40001")},
	} {
		want.Remote = netip.MustParseAddrPort("198.51.100.1:5062")
		p := k.PackFlow(want)
		if got := k.UnpackFlow(&p); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
