package transport

import (
	"fmt"
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
		if want.Remote.Addr().Zone() == "" {
			want.Name = sip.NewHostName("b.example")
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

// A name that so many came after is nobody's: the connection that is open may be used.
func TestNamesMakeRoom(t *testing.T) {
	k := NewPacker(nil)
	name := func(i int) sip.HostName { return sip.NewHostName(fmt.Sprintf("n%d.example", i)) }
	old, often := k.Pack(Target{Name: name(0)}), Packed{}
	for i := range mostNames + 10 {
		k.Pack(Target{Name: name(i)})
		often = k.Pack(Target{Name: name(-1)})
	}
	if got := k.Unpack(&old); got.Name == name(0) || !got.NoDial {
		t.Errorf("the oldest came back as %+v, want NoDial", got)
	}
	if got := k.Unpack(&often); got.Name != name(-1) || got.NoDial {
		t.Errorf("one that was used came back as %+v", got)
	}
	if n := len(k.names.numbers); n > mostNames {
		t.Errorf("%d names are kept", n)
	}
}
