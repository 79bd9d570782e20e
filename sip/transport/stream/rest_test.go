//go:build linux

package stream

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// sleeper is a Socket over TCP whose connections rest soon.
type sleeper struct {
	t     *testing.T
	s     *Socket
	user  *user
	stats *transport.Stats
	addr  string
}

func newSleeper(t *testing.T, idle time.Duration, pings ...Pings) *sleeper {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &sleeper{t: t, user: &user{}, stats: new(transport.Stats), addr: l.Addr().String()}
	limits := transport.Limits{Idle: idle}.Defaults()
	var ids atomic.Uint64
	e := transport.Env{
		Listener: transport.Listener{Transport: sip.TCP, Addr: addrPort(l.Addr())},
		Limits:   limits, Stats: x.stats, Gate: transport.NewGate(limits),
		Greeting: transport.NewHandshakes(limits),
		NextConn: func() uint64 { return ids.Add(1) << 20 },
	}
	var p Protocol
	if len(pings) > 0 {
		p.Pings = pings[0]
	}
	x.s = New(e, Road{Listener: l}, p)
	x.s.restAfter = 5 * time.Millisecond
	x.s.Start(x.user)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := x.s.Close(ctx); err != nil || ctx.Err() != nil {
			t.Errorf("close: %v, %v", err, ctx.Err())
		}
		if open, rest := x.stats.Open.Load(), x.stats.Resting.Load(); open != 0 || rest != 0 {
			t.Errorf("%d connections open and %d at rest after Close", open, rest)
		}
	})
	return x
}

func (x *sleeper) dial() net.Conn {
	x.t.Helper()
	c, err := net.Dial("tcp4", x.addr)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	return c
}

// until waits for what comes by itself, or for go test's own bound.
func (x *sleeper) until(what string, ok func() bool) {
	x.t.Helper()
	for i := 0; !ok(); i++ {
		if i == 30000 {
			x.t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (x *sleeper) rests(n int64) {
	x.t.Helper()
	x.until("rest", func() bool { return x.stats.Resting.Load() == n })
}

func (x *sleeper) write(c net.Conn, b []byte) {
	x.t.Helper()
	if _, err := c.Write(b); err != nil {
		x.t.Fatal(err)
	}
}

// Messages wake who rests, each connection its own; answers leave without.
func TestRest(t *testing.T) {
	x := newSleeper(t, restWorth)
	a, b := x.dial(), x.dial()
	x.rests(2)
	for i := range 3 {
		for _, c := range []net.Conn{a, b} {
			text := transporttest.Text(i, 300)
			x.write(c, text[:100])
			x.until("awake", func() bool { return x.stats.Resting.Load() < 2 })
			time.Sleep(3 * x.s.restAfter)
			if x.stats.Resting.Load() != 1 {
				t.Errorf("%d at rest, want 1: a message has begun", x.stats.Resting.Load())
			}
			x.write(c, text[100:])
			x.rests(2)
		}
	}
	all := x.user.Messages()
	if len(all) != 6 {
		t.Fatalf("%d messages, want 6", len(all))
	}
	for i, c := range []net.Conn{a, b} {
		if err := x.s.Send(all[i].Flow.Target(), []byte("answer"), 1); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 10)
		if n, err := c.Read(got); string(got[:n]) != "answer" {
			t.Errorf("read %q, %v", got[:n], err)
		}
	}
	x.rests(2)
}

// The end of a connection is seen while it rests.
func TestRestEnds(t *testing.T) {
	x := newSleeper(t, restWorth)
	for name, end := range map[string]struct {
		by   func(c net.Conn)
		want transport.Reason
	}{
		"closed": {func(c net.Conn) { c.Close() }, transport.EndedByPeer},
		"reset": {func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, transport.EndedByError},
		"idle": {func(net.Conn) {
			x.s.mu.Lock()
			for _, c := range x.s.resting {
				c.active.Store(time.Now().Add(-time.Hour).UnixNano())
				c.wrote.Store(c.active.Load())
			}
			x.s.mu.Unlock()
			for _, c := range x.s.tired(time.Now()) {
				c.wake()
			}
		}, transport.EndedIdle},
		"nobody reads": {func(net.Conn) {
			x.s.mu.Lock()
			var one *conn
			for _, c := range x.s.resting {
				one = c
			}
			x.s.mu.Unlock()
			o := &outbox{data: []byte("lost"), marks: []mark{{4, 7, false}}}
			one.broken(o, 0, context.DeadlineExceeded)
		}, transport.EndedByPeer},
	} {
		t.Run(name, func(t *testing.T) {
			before := x.stats.Ended[end.want].Load()
			c := x.dial()
			x.rests(1)
			end.by(c)
			x.until("ended", func() bool { return x.stats.Open.Load() == 0 })
			if got := x.stats.Ended[end.want].Load() - before; got != 1 {
				t.Errorf("ended by %s: %d, want 1", end.want, got)
			}
		})
	}
}

// Who rests is pinged, and ends when he does not answer.
func TestRestPings(t *testing.T) {
	x := newSleeper(t, restWorth,
		Pings{Frame: []byte("ping"), Every: 100 * time.Millisecond, Lost: 2})
	c := x.dial()
	ended := &x.stats.Ended[transport.EndedSilent]
	for n := range uint64(2) {
		x.rests(1)
		x.until("a ping", func() bool {
			for _, c := range x.s.tired(time.Now()) {
				c.wake()
			}
			return x.stats.Pings.Load() == n+1
		})
		got := make([]byte, 4)
		if _, err := io.ReadFull(c, got); string(got) != "ping" {
			t.Errorf("read %q, %v", got, err)
		}
		if n == 0 {
			x.write(c, transporttest.Text(0, 300)) // an answer: both pings are left to be lost
			x.until("the answer", func() bool { return len(x.user.Messages()) == 1 })
		}
	}
	x.until("ended", func() bool {
		for _, c := range x.s.tired(time.Now()) {
			c.wake()
		}
		return ended.Load() == 1
	})
	if n := x.stats.Pings.Load(); n != 3 {
		t.Errorf("%d pings, want 3: one that was answered, two that were not", n)
	}
}

// Close ends those that rest, and those that are about to.
func TestRestAndClose(t *testing.T) {
	for range 20 {
		x := newSleeper(t, restWorth)
		for range 10 {
			x.dial()
		}
		x.until("open", func() bool { return x.stats.Open.Load() == 10 })
		time.Sleep(x.s.restAfter)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := x.s.Close(ctx); err != nil || ctx.Err() != nil {
			t.Errorf("close: %v, %v", err, ctx.Err())
		}
		cancel()
	}
}

// What is short-lived does not rest.
func TestRestIsWorthIt(t *testing.T) {
	x := newSleeper(t, restWorth/2)
	x.dial()
	x.until("open", func() bool { return x.stats.Open.Load() == 1 })
	time.Sleep(10 * x.s.restAfter)
	if n := x.stats.Resting.Load(); n != 0 {
		t.Errorf("%d at rest", n)
	}
}
