package tcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
	"sipedge/sip/transport/porttest"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var drivers = transport.Drivers{sip.TCP: Listen}

func TestConformance(t *testing.T) {
	transporttest.Run(t, sip.TCP, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers}
	})
}

func TestMarks(t *testing.T) {
	transporttest.Marks(t, sip.TCP, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers}
	})
}

func manager(t testing.TB, l transport.Limits, u transport.User) *transport.Manager {
	t.Helper()
	m, err := transport.NewManager(transport.Config{Limits: l, Listeners: []transport.Listener{
		{Transport: sip.TCP, Addr: netip.MustParseAddrPort("127.0.0.1:0")},
	}}, drivers)
	if err != nil {
		t.Fatal(err)
	}
	if x, ok := u.(interface{ sendBy(s transport.Sender) }); ok {
		x.sendBy(m)
	}
	m.Start(u)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

func dial(t testing.TB, m *transport.Manager) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", m.Listeners()[0].Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func to(m *transport.Manager) transport.Target {
	return transport.Target{
		Transport: sip.TCP, Listener: transport.AnyListener, Remote: m.Listeners()[0].Addr,
	}
}

// answerer answers every message, and what is none with 513.
type answerer struct {
	transporttest.Recorder
	s transport.Sender
}

func (a *answerer) sendBy(s transport.Sender) { a.s = s }

func (a *answerer) Unframed(f transport.Flow, _ []byte, _ error) {
	_ = a.s.Send(f.Target(), []byte("SIP/2.0 513 Message Too Large\r\n\r\n"), 0)
}

// A peer that is still writing when it is refused must be able to read why.
func TestAnswerToOversizedIsNotReset(t *testing.T) {
	a := &answerer{}
	m := manager(t, transport.Limits{}, a)
	for range 20 {
		c := dial(t, m)
		if _, err := c.Write(transporttest.Text(1, 500000)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if want := "SIP/2.0 513 Message Too Large\r\n\r\n"; err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
		c.Close()
	}
	st := m.Stats()[0]
	transporttest.Eventually(t, "the ends", func() bool { return st.Open.Load() == 0 })
	if n := st.Ended[transport.EndedOversized].Load(); n != 20 {
		t.Errorf("%d ended by size, want 20", n)
	}
}

// Half-closing is the end of the requests, not of the answers.
func TestAnswersAfterHalfClose(t *testing.T) {
	a := &transporttest.Recorder{}
	m := manager(t, transport.Limits{}, a)
	a.Answer(func(f transport.Flow, b []byte) {
		if err := m.Send(f.Target(), b, 0); err != nil {
			t.Error(err)
		}
	})
	c := dial(t, m)
	var want []byte
	for i := range 10 {
		want = append(want, transporttest.Text(i, 5000)...)
	}
	if _, err := c.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

func TestIdleConnectionsComeAndGo(t *testing.T) {
	const limit = 200
	m := manager(t, transport.Limits{PerSource: limit}, &transporttest.Recorder{})
	st := m.Stats()[0]
	var all []net.Conn
	first := runtime.GOMAXPROCS(0) // one for each loop
	for range first {
		all = append(all, dial(t, m))
	}
	most := limit
	if poll.Works {
		most = 1 // that of a connection on its way to the loop
	}
	transporttest.Eventually(t, "the first", func() bool {
		return st.Open.Load() == int64(first) && (!poll.Works || st.Looped.Load() == int64(first))
	})
	before := runtime.NumGoroutine() // the loops run, too
	for range limit - first + 10 {
		all = append(all, dial(t, m))
	}
	transporttest.Eventually(t, "the limit", func() bool {
		return st.Refused.Load() == 10 && st.Open.Load() == limit
	})
	transporttest.Eventually(t, fmt.Sprintf("%d goroutines at most", most),
		func() bool { return runtime.NumGoroutine() <= before+most })
	for _, c := range all {
		c.Close()
	}
	transporttest.Eventually(t, "the end", func() bool {
		return st.Open.Load() == 0 && runtime.NumGoroutine() <= before
	})
}

// A peer that never reads costs itself only.
func TestDeafPeerBesideAGoodOne(t *testing.T) {
	a, good := &transporttest.Recorder{}, &transporttest.Recorder{}
	l := transport.Limits{Write: 200 * time.Millisecond, Queue: 100000}
	m, peer := manager(t, l, a), manager(t, transport.Limits{}, good)
	deaf := dial(t, m)
	if _, err := deaf.Write(transporttest.Text(0, 0)); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "its message", func() bool { return len(a.Messages()) == 1 })
	tg := a.Messages()[0].Flow.Target()
	tg.NoDial = true
	big, sent, full, goodSent := make([]byte, 50000), uint64(0), 0, 0
	transporttest.Eventually(t, "the end of the deaf one", func() bool {
		for range 20 {
			switch err := m.Send(tg, big, sent+1); {
			case err == nil:
				sent++
			case errors.Is(err, transport.ErrQueueFull):
				full++
			}
		}
		if err := m.Send(to(peer), transporttest.Text(1, 0), 0); err != nil {
			t.Fatal(err)
		}
		goodSent++
		return len(a.Ends()) == 1
	})
	if full == 0 {
		t.Error("the queue never was full")
	}
	if f := a.Failures(); len(f) == 0 || f[len(f)-1].Ref != sent {
		t.Errorf("%d failures of %d sent, want up to the last", len(f), sent)
	}
	st := m.Stats()[0]
	transporttest.Eventually(t, "all of the good one's messages", func() bool {
		return len(good.Messages()) == goodSent
	})
	// A message is counted once it was written, and may be there before.
	transporttest.Eventually(t, "an account of all", func() bool {
		return st.MessagesOut.Load()+st.Unsent.Load() == sent+uint64(goodSent)
	})
}

// Whatever happens to the connections, each message is sent once or fails once.
func TestEveryMessageIsAccountedFor(t *testing.T) {
	a, b := &transporttest.Recorder{}, &transporttest.Recorder{}
	m, peer := manager(t, transport.Limits{}, a), manager(t, transport.Limits{}, b)
	var nonsense atomic.Bool // the next answer ends its connection
	b.Answer(func(f transport.Flow, _ []byte) {
		if nonsense.Swap(false) {
			_ = peer.Send(f.Target(), []byte("no message\r\n\r\n"), 0)
		}
	})
	const senders, each = 8, 300
	var refs, accepted atomic.Uint64
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range each {
				if m.Send(to(peer), transporttest.Text(i, 0), refs.Add(1)) == nil {
					accepted.Add(1)
				}
				if i%50 == 0 {
					nonsense.Store(true)
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	st := m.Stats()[0]
	transporttest.Eventually(t, "an account of all", func() bool {
		return st.MessagesOut.Load()+st.Unsent.Load() == accepted.Load()
	})
	// What is unsent is told once it was counted. The next answer, if none was yet, is nonsense.
	transporttest.Eventually(t, "all failures, and the end of a connection", func() bool {
		return uint64(len(a.Failures())) >= st.Unsent.Load() && len(a.Ends()) > 0
	})
	seen := make(map[uint64]bool)
	for _, f := range a.Failures() {
		if seen[f.Ref] {
			t.Errorf("ref %d failed twice", f.Ref)
		}
		seen[f.Ref] = true
	}
	if uint64(len(seen)) != st.Unsent.Load() {
		t.Errorf("%d failures for %d unsent", len(seen), st.Unsent.Load())
	}
}

func TestWildcardAndPortInUse(t *testing.T) {
	m := manager(t, transport.Limits{}, &transporttest.Recorder{})
	cfg := transport.Config{Listeners: m.Listeners()}
	if _, err := transport.NewManager(cfg, drivers); err == nil {
		t.Error("the same address twice: no error")
	}
	var both []transport.Listener
	port := porttest.Free(t).Port()
	for _, a := range []string{"0.0.0.0", "::"} {
		both = append(both, transport.Listener{
			Transport: sip.TCP, Addr: netip.AddrPortFrom(netip.MustParseAddr(a), port),
		})
		w, err := transport.NewManager(transport.Config{Listeners: both}, drivers)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		both = w.Listeners()
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

type echo struct{ s transport.Sender }

func (e *echo) sendBy(s transport.Sender)            { e.s = s }
func (e *echo) Receive(f transport.Flow, b []byte)   { _ = e.s.Send(f.Target(), b, 0) }
func (e *echo) Failed(transport.Flow, uint64, error) {}
func (e *echo) Closed(transport.Flow)                {}

func BenchmarkRoundTrip(b *testing.B) {
	for _, window := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d under way", window), func(b *testing.B) {
			m := manager(b, transport.Limits{}, &echo{})
			c := dial(b, m)
			_ = c.SetDeadline(time.Time{})
			out := bytes.Repeat(transporttest.Text(1, 700), window)
			in := make([]byte, len(out))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
