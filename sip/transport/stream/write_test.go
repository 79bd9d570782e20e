package stream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// accepted is a connection a peer opened, known by its first message.
func (x *fixture) accepted() (net.Conn, transport.Target) {
	x.t.Helper()
	c := x.connect(remote)
	x.write(c, transporttest.Text(0, 0))
	return c, x.user.Messages()[0].Flow.Target()
}

func (x *fixture) failures(want ...uint64) {
	x.t.Helper()
	synctest.Wait()
	got := x.user.Failures()
	if len(got) != len(want) {
		x.t.Fatalf("%d failures %v, want refs %v", len(got), got, want)
	}
	for i, f := range got {
		if f.Ref != want[i] || f.Err == nil {
			x.t.Errorf("failure %d: ref %d, %v, want ref %d", i, f.Ref, f.Err, want[i])
		}
	}
}

func TestPeerThatDoesNotRead(t *testing.T) {
	bubble(t, transport.Limits{Write: 5 * time.Second}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		begin := time.Now()
		for ref := range uint64(4) {
			x.send(tg, transporttest.Text(int(ref), 0), ref) // ref 0 asks for no report
			synctest.Wait()
		}
		time.Sleep(4 * time.Second)
		x.open(1)
		for len(x.user.Ends()) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if d := time.Since(begin); d < 5*time.Second || d > 5100*time.Millisecond {
			t.Errorf("ended after %v, want 5s", d)
		}
		x.failures(1, 2, 3)
		x.ended(c, transport.EndedStalled)
		if n := x.stats.Unsent.Load(); n != 4 {
			t.Errorf("%d unsent, want 4", n)
		}
	})
}

func TestFullQueue(t *testing.T) {
	bubble(t, transport.Limits{Queue: 1000}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		b := make([]byte, 400)
		x.send(tg, b, 1)
		synctest.Wait() // the first is in the writer's hands, and counts still
		x.send(tg, b, 2)
		if err := x.s.Send(tg, b, 3); !errors.Is(err, transport.ErrQueueFull) {
			t.Errorf("third: %v, want ErrQueueFull", err)
		}
		got := collect(c)
		if len(got()) != 800 {
			t.Errorf("the peer read %d bytes, want 800", len(got()))
		}
		x.send(tg, b, 4) // there is room again
		if len(got()) != 1200 {
			t.Errorf("the peer read %d bytes, want 1200", len(got()))
		}
		x.failures()
		if full, out := x.stats.QueueFull.Load(), x.stats.MessagesOut.Load(); full != 1 || out != 3 {
			t.Errorf("%d refused and %d out counted, want 1 and 3", full, out)
		}
	})
}

func TestOnlyWhatDidNotLeaveFails(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		x.send(tg, make([]byte, 10), 1)
		synctest.Wait()
		for ref := uint64(2); ref < 5; ref++ { // these leave in one write
			x.send(tg, make([]byte, 10), ref)
		}
		if _, err := c.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 25)); err != nil { // 2, 3 and half of 4
			t.Fatal(err)
		}
		c.Close()
		x.failures(4)
	})
}

// A peer that pings and does not read costs its queue, not a record for each of the pongs.
func TestPongsThatWait(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		x.write(c, []byte("\r\n\r\n")) // its pong is in the writer's hands
		for range 100 {
			x.write(c, []byte("\r\n\r\n\r\n\r\n"))
		}
		x.send(tg, []byte("message"), 1)
		x.write(c, []byte("\r\n\r\n"))
		x.s.mu.Lock()
		out := x.s.conns[tg.Conn].out
		x.s.mu.Unlock()
		if n := len(out.marks); n != 3 {
			t.Errorf("%d records wait, want 3: pongs, a message, a pong", n)
		}
		want := strings.Repeat("\r\n", 201) + "message\r\n"
		if got := collect(c)(); got != want {
			t.Errorf("the peer got %q, want %q", got, want)
		}
		messages, bytes := x.stats.MessagesOut.Load(), x.stats.BytesOut.Load()
		if messages != 1 || bytes != uint64(len("message")) {
			t.Errorf("%d messages of %d bytes out, want 1 of 7", messages, bytes)
		}
	})
}

// What was received at the limit has grown by a Via and a Record-Route when it is sent on.
func TestLimitIsOfWhatIsReceived(t *testing.T) {
	bubble(t, transport.Limits{Message: 1000}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		got := collect(c)
		x.send(tg, make([]byte, 1200), 1)
		if n := len(got()); n != 1200 {
			t.Errorf("the peer got %d bytes, want 1200", n)
		}
		err := x.s.Send(tg, make([]byte, sip.MaxMessage+1), 2)
		if !errors.Is(err, transport.ErrTooLarge) {
			t.Errorf("more than a message can be: %v, want ErrTooLarge", err)
		}
	})
}

func TestOneDialForAll(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		ours, theirs := net.Pipe()
		x.dial = func(ctx context.Context, to netip.AddrPort, _ sip.HostName) (net.Conn, error) {
			time.Sleep(time.Second)
			return pipe{ours, netip.AddrPortFrom(local.Addr(), 7), to}, nil
		}
		got := collect(theirs)
		defer theirs.Close()
		x.send(to(remote), []byte("a"), 1)
		x.send(to(remote), []byte("b"), 2)
		time.Sleep(500 * time.Millisecond)
		x.send(to(remote), []byte("c"), 3)
		time.Sleep(time.Second)
		x.send(to(remote), []byte("d"), 4)
		if got() != "abcd" || x.dials.Load() != 1 {
			t.Errorf("the peer got %q after %d dials, want all after one", got(), x.dials.Load())
		}
		m := transporttest.Text(1, 0)
		x.write(theirs, m)
		f := x.user.Messages()[0].Flow
		if f.Local.Port() != 7 || f.Remote != remote || f.Conn == 0 {
			t.Errorf("flow %+v", f)
		}
		x.failures()
	})
}

func TestDialTimesOut(t *testing.T) {
	bubble(t, transport.Limits{Dial: 3 * time.Second}, func(t *testing.T, x *fixture) {
		x.dial = func(ctx context.Context, _ netip.AddrPort, _ sip.HostName) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		begin := time.Now()
		x.send(to(remote), []byte("a"), 1)
		other := netip.AddrPortFrom(remote.Addr(), 1)
		x.send(to(other), []byte("b"), 2) // dialled beside it
		synctest.Wait()
		if x.dials.Load() != 2 {
			t.Errorf("%d dials, want 2", x.dials.Load())
		}
		for len(x.user.Failures()) < 2 {
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(begin); d < 3*time.Second || d > 3010*time.Millisecond {
			t.Errorf("failed after %v, want 3s", d)
		}
		if !errors.Is(x.user.Failures()[0].Err, context.DeadlineExceeded) {
			t.Errorf("failed with %v", x.user.Failures()[0].Err)
		}
		if len(x.user.Ends()) != 0 {
			t.Error("Closed for what never was open")
		}
	})
}

func TestLimits(t *testing.T) {
	l := transport.Limits{Connections: 3, PerSource: 2}
	bubble(t, l, func(t *testing.T, x *fixture) {
		a := []netip.AddrPort{
			netip.MustParseAddrPort("[2001:db8::1]:1"),
			netip.MustParseAddrPort("[2001:db8::2]:1"), // the same /64
		}
		one := x.connect(a[0])
		x.connect(a[1])
		x.open(2)
		collect(x.connect(a[0]))() // ends at once, else the bubble would not be idle
		x.open(2)
		x.connect(remote)
		x.open(3)
		collect(x.connect(netip.MustParseAddrPort("203.0.113.1:1")))()
		if err := x.s.Send(to(remote), []byte("x"), 1); !errors.Is(err, transport.ErrLimit) {
			t.Errorf("dial above the limit: %v, want ErrLimit", err)
		}
		x.open(3)
		if n := x.stats.Refused.Load(); n != 3 {
			t.Errorf("%d refused, want 3", n)
		}
		one.Close()
		x.open(2)
		x.connect(a[1])
		x.open(3)
	})
}

// Places that answer nothing cannot take the connections of those who call.
func TestBlackHoles(t *testing.T) {
	l := transport.Limits{Connections: 8, Dial: 5 * time.Second}
	bubble(t, l, func(t *testing.T, x *fixture) {
		x.dial = func(ctx context.Context, _ netip.AddrPort, _ sip.HostName) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		at := func(port uint16) transport.Target { return to(netip.AddrPortFrom(remote.Addr(), port)) }
		for port := range uint16(8) {
			err := x.s.Send(at(port), []byte("x"), 1)
			if full := port >= 2; errors.Is(err, transport.ErrLimit) != full {
				t.Errorf("attempt %d: %v, want a limit at a quarter of 8", port+1, err)
			}
		}
		for range 6 {
			x.connect(remote)
		}
		x.open(6)
		time.Sleep(l.Dial)
		x.failures(1, 1)
		x.send(at(1), []byte("x"), 2) // the attempts are over
	})
}

func TestRefusedDialsLeaveNothing(t *testing.T) {
	bubble(t, transport.Limits{Connections: 2}, func(t *testing.T, x *fixture) {
		for ref := range uint64(10) {
			x.send(to(remote), []byte("x"), ref+1)
			synctest.Wait()
		}
		if n := len(x.user.Failures()); n != 10 {
			t.Errorf("%d failures, want 10", n)
		}
	})
}

// A Socket that a reload adds may be sent by before it is started: its User hears of it then.
func TestSentBeforeStart(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		s := New(x.s.env, x.s.road, x.s.protocol)
		if err := s.Send(to(remote), []byte("x"), 1); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		x.failures()
		s.Start(x.user)
		synctest.Wait()
		x.failures(1)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAcceptErrors(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		begin := time.Now()
		for range 10 {
			x.l.errs <- syscall.EMFILE
		}
		x.connect(remote)
		x.open(1)
		// 5, 10 … 640 ms, then a second
		if d := time.Since(begin); d < 2*time.Second || d > 4*time.Second {
			t.Errorf("ten errors took %v", d)
		}
		if n := x.stats.AcceptErrors.Load(); n != 10 {
			t.Errorf("%d errors counted, want 10", n)
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c, tg := x.accepted()
		x.connect(netip.AddrPortFrom(remote.Addr(), 2)) // an idle one
		x.send(tg, []byte("last words"), 1)
		var got func() string
		time.AfterFunc(time.Second, func() { got = collect(c) })
		begin := time.Now()
		if err := x.closeWithin(10 * time.Second); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d != time.Second {
			t.Errorf("took %v, want 1s", d)
		}
		synctest.Wait()
		if got() != "last words" {
			t.Errorf("the peer got %q", got())
		}
		if len(x.user.Ends()) != 2 || x.stats.Ended[transport.EndedByShutdown].Load() != 2 {
			t.Errorf("ends %v, want two by shutdown", x.user.Ends())
		}
		x.failures()
	})
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	bubble(t, transport.Limits{Write: time.Hour}, func(t *testing.T, x *fixture) {
		x.dial = func(ctx context.Context, _ netip.AddrPort, _ sip.HostName) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		_, tg := x.accepted()
		x.send(tg, []byte("unread"), 1)
		x.send(to(remote), []byte("nobody there"), 2)
		begin := time.Now()
		if err := x.closeWithin(3 * time.Second); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("took %v, want 3s", d)
		}
		x.failures(2, 1)
	})
}

func (x *fixture) closeWithin(d time.Duration) error {
	ctx, cancel := context.WithTimeout(x.t.Context(), d)
	defer cancel()
	return x.s.Close(ctx)
}
