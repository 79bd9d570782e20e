package tcp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

const (
	roundTrips = 300
	rounds     = 15
	slack      = 2 * time.Millisecond // of a machine that does other things, on one round trip
)

// Peers that accept and never read, and peers that a connection to never completes, beside one
// that is well: what is queued for those costs the messages of this one no time. A sender without
// black holes is measured in turn with it, so that what else the machine does falls on both.
func TestBlackHolesBesideAGoodOne(t *testing.T) {
	holes := 100
	if os.Getenv("SIPEDGE_SOAK") == "1" {
		holes = 1000
	}
	good := to(manager(t, transport.Limits{}, &echo{}))
	arrived := make(chan struct{}, 1)
	u := &transporttest.Recorder{}
	u.Answer(func(transport.Flow, []byte) { arrived <- struct{}{} })
	limits := transport.Limits{Connections: 8 * holes, Queue: 64 << 10, Write: time.Minute}
	m, free := manager(t, limits, u), manager(t, limits, u)
	deaf, silent := neverReads(t), neverConnects(t)
	message := transporttest.Text(1, 2000)
	for i := range holes {
		// The address tells one connection from another: all of 127.0.0.0/8 is this host.
		at := netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
		for _, port := range []uint16{deaf, silent} {
			hole := transport.Target{
				Transport: sip.TCP, Listener: transport.AnyListener,
				Remote: netip.AddrPortFrom(at, port),
			}
			for tries := 0; ; tries++ {
				err := m.Send(hole, message, 0)
				if errors.Is(err, transport.ErrQueueFull) || tries == 2000 {
					break
				}
				if err != nil {
					t.Fatalf("hole %d: %v", i, err)
				}
			}
		}
	}
	var alone, beside []time.Duration
	for range rounds {
		alone = append(alone, round(t, free, good, arrived))
		beside = append(beside, round(t, m, good, arrived))
	}
	before, during := slices.Min(alone), slices.Min(beside)
	t.Logf("p99 of a round trip: %v alone, %v beside %d that do not read and %d that do not answer",
		before, during, holes, holes)
	if during > before*12/10+slack {
		t.Errorf("p99 %v beside black holes, %v alone", during, before)
	}
	if n := m.Stats()[0].QueueFull.Load(); n < uint64(holes) {
		t.Errorf("%d messages refused, want one a hole at least", n)
	}
}

// round is the p99 of some round trips.
func round(
	t *testing.T, m *transport.Manager, to transport.Target, arrived chan struct{},
) time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range roundTrips {
		began := time.Now()
		if err := m.Send(to, transporttest.Text(i, 0), 0); err != nil {
			t.Fatal(err)
		}
		select {
		case <-arrived:
		case <-time.After(10 * time.Second):
			t.Fatal("no answer within 10s")
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// neverReads is a port of this host, on all addresses, that accepts and never reads.
func neverReads(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
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
