package udp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/porttest"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// twins are the ways a socket can be made; every test runs for each.
var twins = map[string]transport.Drivers{
	"best":     {sip.UDP: Listen},
	"portable": {sip.UDP: ListenPortable},
}

// eachTwin runs a test for each twin.
func eachTwin(t *testing.T, f func(t *testing.T, d transport.Drivers)) {
	for name, d := range twins {
		t.Run(name, func(t *testing.T) { f(t, d) })
	}
}

func TestConformance(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
				transporttest.Run(t, sip.UDP, func(*testing.T) transporttest.World {
					return transporttest.Sockets{Drivers: drivers, Workers: workers}
				})
			})
		}
	})
}

func TestMarks(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		transporttest.Marks(t, sip.UDP, func(*testing.T) transporttest.World {
			return transporttest.Sockets{Drivers: drivers}
		})
	})
}

func manager(
	t *testing.T, drivers transport.Drivers, workers int, addrs ...string,
) *transport.Manager {
	t.Helper()
	cfg := transport.Config{Workers: workers}
	for _, a := range addrs {
		cfg.Listeners = append(cfg.Listeners,
			transport.Listener{Transport: sip.UDP, Addr: netip.MustParseAddrPort(a)})
	}
	m, err := transport.NewManager(cfg, drivers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func dial(t *testing.T, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWildcardsShareAPort(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		port := porttest.Free(t).Port()
		m := manager(t, drivers, 1, fmt.Sprintf("0.0.0.0:%d", port))
		m6 := manager(t, drivers, 1, fmt.Sprintf("[::]:%d", port))
		r, r6 := &transporttest.Recorder{}, &transporttest.Recorder{}
		m.Start(r)
		m6.Start(r6)
		for _, a := range []string{"127.0.0.1", "::1"} {
			c := dial(t, netip.AddrPortFrom(netip.MustParseAddr(a), port))
			if _, err := c.Write([]byte("OPTIONS " + a)); err != nil {
				t.Fatal(err)
			}
		}
		transporttest.Eventually(t, "both", func() bool {
			return len(r.Messages()) == 1 && len(r6.Messages()) == 1
		})
		if f := r.Messages()[0].Flow; !f.Remote.Addr().Is4() {
			t.Errorf("flow %+v: want an IPv4 remote", f)
		}
	})
}

func TestMappedTargetIsIPv4(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		r := &transporttest.Recorder{}
		a, b := manager(t, drivers, 1, "127.0.0.1:0"), manager(t, drivers, 1, "127.0.0.1:0")
		a.Start(&transporttest.Recorder{})
		b.Start(r)
		mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"),
			b.Listeners()[0].Addr.Port())
		to := transport.Target{Transport: sip.UDP, Listener: transport.AnyListener, Remote: mapped}
		if err := a.Send(to, []byte("OPTIONS"), 0); err != nil {
			t.Fatal(err)
		}
		transporttest.Eventually(t, "it", func() bool { return len(r.Messages()) == 1 })
	})
}

func TestKeepAlivesAndEmptyDatagrams(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		r := &transporttest.Recorder{}
		m := manager(t, drivers, 1, "127.0.0.1:0")
		m.Start(r)
		c := dial(t, m.Listeners()[0].Addr)
		for _, b := range []string{"", "\r\n\r\n", "\x00\x00\x00\x00", "\r\nOPTIONS"} {
			if _, err := c.Write([]byte(b)); err != nil {
				t.Fatal(err)
			}
		}
		transporttest.Eventually(t, "the message", func() bool { return len(r.Messages()) == 1 })
		if got := m.Stats()[0].KeepAlives.Load(); got != 3 {
			t.Errorf("%d keep-alives, want 3", got)
		}
		if got := m.Stats()[0].MessagesIn.Load(); got != 1 {
			t.Errorf("%d messages, want 1", got)
		}
	})
}

func TestAnotherServerIsRefusedThePort(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		for _, workers := range []int{1, 4} {
			m := manager(t, drivers, workers, "127.0.0.1:0")
			cfg := transport.Config{Workers: workers, Listeners: m.Listeners()}
			if _, err := transport.NewManager(cfg, drivers); err == nil {
				t.Errorf("%d workers: the same address twice: no error", workers)
			}
		}
	})
}

// flaky is a Conn whose reads fail first, as after ICMP errors.
type flaky struct {
	failures atomic.Int32
	closed   chan struct{}
	sent     atomic.Int32
}

func (f *flaky) ReadBatch(ds []Datagram) (int, error) {
	switch {
	case f.failures.Add(-1) >= 0:
		return 0, errors.New("network is unreachable")
	case f.sent.Add(1) == 1:
		for i := range ds {
			ds[i].N = copy(ds[i].Buf, fmt.Sprintf("OPTIONS %d", i))
			ds[i].Remote = netip.AddrPortFrom(netip.IPv6Loopback(), uint16(i+1))
		}
		return len(ds), nil
	}
	<-f.closed
	return 0, net.ErrClosed
}

func (f *flaky) Backlog() uint8 { return 60 }

func (f *flaky) WriteBatch(ds []Datagram) (int, error) { return len(ds), nil }

func (f *flaky) Undelivered(func([]byte, error)) bool {
	<-f.closed
	return false
}

func (f *flaky) Stop() error {
	close(f.closed)
	return nil
}

func (f *flaky) Close() error { return nil }

func TestReaderSurvivesErrorsAndTakesBatches(t *testing.T) {
	f := &flaky{closed: make(chan struct{})}
	f.failures.Store(3)
	s := &Socket{
		env: transport.Env{Stats: new(transport.Stats), Limits: transport.Limits{}.Defaults()},
	}
	s.outs = []*outbox{newOutbox(&s.env, f)}
	r := &transporttest.Recorder{}
	s.Start(r)
	transporttest.Eventually(t, "the batch", func() bool { return len(r.Messages()) == batch })
	for i, m := range r.Messages() {
		if string(m.Data) != fmt.Sprintf("OPTIONS %d", i) || m.Flow.Remote.Port() != uint16(i+1) ||
			m.Flow.Backlog != 60 {
			t.Errorf("message %d: %q from %s", i, m.Data, m.Flow.Remote)
		}
	}
	if got := s.env.Stats.ReadErrors.Load(); got != 3 {
		t.Errorf("%d read errors, want 3", got)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWorkersShareTheLoad(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		if runtime.GOOS != "linux" {
			t.Skip("one socket an address here")
		}
		m := manager(t, drivers, 4, "127.0.0.1:0")
		r := &transporttest.Recorder{}
		m.Start(r)
		const senders = 64
		for i := range senders {
			c := dial(t, m.Listeners()[0].Addr)
			if _, err := fmt.Fprintf(c, "OPTIONS %d", i); err != nil {
				t.Fatal(err)
			}
		}
		transporttest.Eventually(t, "all", func() bool { return len(r.Messages()) == senders })
	})
}

type echo struct{ s transport.Sender }

func (e echo) Receive(f transport.Flow, b []byte)   { _ = e.s.Send(f.Target(), b, 0) }
func (e echo) Failed(transport.Flow, uint64, error) {}
func (e echo) Closed(transport.Flow)                {}

func TestNothingIsAllocated(t *testing.T) {
	eachTwin(t, func(t *testing.T, drivers transport.Drivers) {
		m := manager(t, drivers, 1, "127.0.0.1:0")
		m.Start(echo{m})
		c := dial(t, m.Listeners()[0].Addr)
		b := bytes.Repeat([]byte("x"), 700)
		in := make([]byte, 1000)
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		got := testing.AllocsPerRun(200, func() {
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(in); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("%v allocations a round trip, want 0", got)
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	m, err := transport.NewManager(transport.Config{
		Workers: 1,
		Listeners: []transport.Listener{
			{Transport: sip.UDP, Addr: netip.MustParseAddrPort("127.0.0.1:0")},
		},
	}, twins["best"])
	if err != nil {
		b.Fatal(err)
	}
	m.Start(echo{m})
	defer m.Close(context.Background())
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.Listeners()[0].Addr))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	out, in := make([]byte, 700), make([]byte, 1000)
	out[0] = 'x'
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(in); err != nil {
			b.Fatal(err)
		}
	}
}
