package tcp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// vanish has the system throw away what comes for a connection: its peer hears nothing any more,
// as of a machine without power, or behind a firewall that has forgotten the connection.
func vanish(t *testing.T, c net.Conn) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: 1, Filter: &nothing[0]})
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// A peer that has vanished is called anew: the connection to it ends when it acknowledges nothing,
// though the system has taken all that was written.
func TestVanishedIsCalledAnew(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	u := &transporttest.Recorder{}
	m := manager(t, transport.Limits{Write: 100 * time.Millisecond}, u)
	peer := transport.Target{
		Transport: sip.TCP, Listener: transport.AnyListener,
		Remote: netip.MustParseAddrPort(l.Addr().String()),
	}
	for i := range 2 {
		if err := m.Send(peer, transporttest.Text(i, 0), 0); err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		vanish(t, c)
		if err := m.Send(peer, transporttest.Text(i, 0), 0); err != nil {
			t.Fatal(err)
		}
		transporttest.Eventually(t, "its end", func() bool { return len(u.Ends()) == i+1 })
	}
}

// So does one that came, if later: it may have no network for a moment.
func TestVanishedWhoCame(t *testing.T) {
	u := &transporttest.Recorder{}
	m := manager(t, transport.Limits{Write: 50 * time.Millisecond}, u)
	c, tg := reached(t, m, u)
	vanish(t, c)
	begun := time.Now()
	if err := m.Send(tg, transporttest.Text(1, 0), 0); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "its end", func() bool { return len(u.Ends()) == 1 })
	if took := time.Since(begun); took < time.Second {
		t.Errorf("ended after %s", took)
	}
}
