package tcp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

const (
	roundTrips = 300
	// stall is shorter than anything that waits for a black hole, and long for a machine that is
	// in use.
	stall = 3 * time.Second
)

// Peers that accept and never read, and peers that a connection to never completes, beside one
// that is well: no message of this one waits for what is queued for those.
func TestBlackHolesBesideAGoodOne(t *testing.T) {
	holes := 100
	if os.Getenv("SIPEDGE_SOAK") == "1" {
		holes = 1000
	}
	good := to(manager(t, transport.Limits{}, &echo{}))
	arrived := make(chan struct{}, 1)
	u := &transporttest.Recorder{}
	u.Answer(func(transport.Flow, []byte) { arrived <- struct{}{} })
	limits := transport.Limits{
		Connections: 8 * holes, Queue: 64 << 10, Write: time.Minute, Dial: time.Minute,
	}
	m := manager(t, limits, u)
	deaf, silent := neverReads(t), neverConnects(t)
	message := transporttest.Text(1, 2000)
	// full has a hole's queue filled, and reports whether it was before.
	full := func(i int, port uint16) bool {
		// The address tells one connection from another: all of 127.0.0.0/8 is this host.
		hole := transport.Target{
			Transport: sip.TCP, Listener: transport.AnyListener,
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), port),
		}
		for tries := 0; ; tries++ {
			err := m.Send(hole, message, 0)
			if errors.Is(err, transport.ErrQueueFull) {
				return tries == 0
			}
			if err != nil {
				t.Fatalf("hole %d: %v", i, err)
			}
		}
	}
	// The kernel takes some of it, until it does not any more.
	for again := true; again; {
		again = false
		for i := range holes {
			again = !full(i, deaf) || again
			again = !full(i, silent) || again
		}
		time.Sleep(10 * time.Millisecond)
	}
	for i := range roundTrips {
		if err := m.Send(good, transporttest.Text(i, 0), 0); err != nil {
			t.Fatal(err)
		}
		select {
		case <-arrived:
		case <-time.After(stall):
			t.Fatalf("message %d has no answer within %v", i, stall)
		}
	}
	if n := m.Stats()[0].QueueFull.Load(); n < uint64(holes) {
		t.Errorf("%d messages refused, want one a hole at least", n)
	}
}

// neverReads is a port of this host, on all addresses, that accepts and never reads.
func neverReads(t *testing.T) uint16 {
	t.Helper()
	// Little is taken for it: segments are short, and so are the buffers of both ends.
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var wrong error
		err := c.Control(func(fd uintptr) {
			wrong = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1024),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 300))
		})
		return errors.Join(err, wrong)
	}}
	l, err := lc.Listen(t.Context(), "tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// neverConnects is a port of this host, on all addresses, that lets connections wait: nobody
// accepts, and those that may wait for it are there.
func neverConnects(t *testing.T) uint16 {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
	d := net.Dialer{Timeout: 300 * time.Millisecond}
	for {
		c, err := d.Dial("tcp4", at.String())
		if err != nil {
			return at.Port()
		}
		t.Cleanup(func() { c.Close() })
	}
}
