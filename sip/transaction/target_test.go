package transaction

import (
	"bytes"
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/siphash"
	"sipedge/sip/transport"
)

// sockets is a Sender that has listeners and sends nothing.
type sockets []transport.Listener

func (s sockets) Listeners() []transport.Listener             { return s }
func (s sockets) Send(transport.Target, []byte, uint64) error { return nil }
func (s sockets) Choose(sip.Transport, netip.Addr) uint16     { return 0 }

func TestTargetComesBack(t *testing.T) {
	l := &Layer{cfg: Config{Sender: sockets{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("0.0.0.0:5060")},
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.9:5060")},
	}}}
	for _, addr := range []string{
		"", "192.0.2.1:5060", "[2001:db8::1]:5061", "[::ffff:192.0.2.1]:5060",
		"[fe80::1%eth0]:5060", "[fe80::1%eth1]:5060", "[fe80::2%eth0]:5060",
	} {
		want := transport.Target{
			Transport: sip.TLS, Listener: transport.AnyListener, NoDial: true, Conn: 1 << 60,
		}
		if addr != "" {
			want.Remote = netip.MustParseAddrPort(addr)
		}
		p := l.pack(want)
		if got := l.unpack(&p); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for i, local := range []string{"192.0.2.7", "192.0.2.8", "192.0.2.7", "192.0.2.9"} {
		want := transport.Target{Local: netip.MustParseAddr(local)}
		if want.Listener = uint16(i / 3); want.Listener == 1 {
			want.Local = netip.Addr{} // there is only one to leave from
		}
		p := l.pack(transport.Target{
			Listener: want.Listener, Local: netip.MustParseAddr(local),
		})
		if got := l.unpack(&p); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestBranch(t *testing.T) {
	l := &Layer{secret: siphash.NewKey(make([]byte, 16))}
	other := &Layer{secret: siphash.NewKey(bytes.Repeat([]byte{2}, 16))}
	const handle = 0x1234_5678_9abc_def0
	branch := l.appendBranch(nil, handle, []byte("-loop"))
	h, loop, ok := l.parseBranch(branch)
	if h != handle || string(loop) != "-loop" || !ok {
		t.Fatalf("%s: got %x, %q, %v", branch, h, loop, ok)
	}
	if loop, ok := l.Loop(branch); string(loop) != "-loop" || !ok {
		t.Errorf("Loop: got %q, %v", loop, ok)
	}
	if _, ok := other.Loop(branch); ok {
		t.Error("made under another secret, yet accepted")
	}
	for i := range branchLen {
		forged := append([]byte(nil), branch...)
		forged[i] ^= 1
		if _, ok := l.Loop(forged); ok {
			t.Errorf("%s is accepted", forged)
		}
		if _, ok := l.Loop(branch[:i]); ok {
			t.Errorf("%s is accepted", branch[:i])
		}
	}
}
