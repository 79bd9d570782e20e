package transaction

import (
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
)

func TestTargetComesBack(t *testing.T) {
	l := new(Layer)
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
}

func TestBranch(t *testing.T) {
	l := &Layer{cfg: Config{Secret: [16]byte{1}}}
	other := &Layer{cfg: Config{Secret: [16]byte{2}}}
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
