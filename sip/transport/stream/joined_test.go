//go:build linux && !portable

package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
	"sipedge/sip/transport/transporttest"
)

// What a connection of a loop does otherwise than one with a goroutine is tested here; packages tcp
// and tls have the suite of both.

// looped is a Socket over TCP whose connections loops read.
type looped struct {
	t     *testing.T
	s     *Socket
	user  *user
	stats *transport.Stats
	addr  string
	over  *tls.Config // nil: it is TCP itself
}

// overBoth runs a test over TCP itself and over TLS.
func overBoth(t *testing.T, f func(t *testing.T, over *tls.Config)) {
	t.Run("tcp", func(t *testing.T) { f(t, nil) })
	overTLS(t, f)
}

func overTLS(t *testing.T, f func(t *testing.T, over *tls.Config)) {
	cert, key, _ := transporttest.NewAuthority(t).Issue("edge", transporttest.Names("edge"))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	over := &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true}
	t.Run("tls", func(t *testing.T) { f(t, over) })
}

// upon is TLS upon wire, which may be another's.
type upon struct {
	*tls.Conn
	wire *struct{ net.Conn }
}

func (u upon) Below() net.Conn  { return u.wire.Conn }
func (u upon) Move(to net.Conn) { u.wire.Conn = to }

func newLooped(t *testing.T, limits transport.Limits, p Protocol, over *tls.Config) *looped {
	t.Helper()
	if over == nil {
		return newGreeted(t, limits, p, nil)
	}
	x := newGreeted(t, limits, p, func(ctx context.Context, nc net.Conn) (net.Conn, error) {
		wire := &struct{ net.Conn }{nc}
		u := upon{tls.Server(wire, over), wire}
		return u, u.HandshakeContext(ctx)
	})
	x.over = over
	return x
}

func newGreeted(t *testing.T, limits transport.Limits, p Protocol, greet Greet) *looped {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &looped{t: t, user: &user{}, stats: new(transport.Stats), addr: l.Addr().String()}
	limits = limits.Defaults()
	loops := poll.NewLoops(2, 5*time.Millisecond, 20*time.Millisecond)
	var ids atomic.Uint64
	x.s = New(transport.Env{
		Listener: transport.Listener{Transport: sip.TCP, Addr: addrPort(l.Addr())},
		Limits:   limits, Stats: x.stats, Gate: transport.NewGate(limits), Loops: loops,
		Greeting: transport.NewHandshakes(limits),
		NextConn: func() uint64 { return ids.Add(1) },
	}, Road{Listener: l, Greet: greet}, p)
	x.user.unframed = func(f transport.Flow, _ []byte, _ error) {
		_ = x.s.Send(f.Target(), []byte("no"), 0)
	}
	x.s.Start(x.user)
	t.Cleanup(func() {
		x.close(5 * time.Second)
		loops.Close(context.Background())
		if n := x.stats.Open.Load() + x.stats.Looped.Load(); n != 0 {
			t.Errorf("%d connections open after Close", n)
		}
	})
	return x
}

func (x *looped) close(within time.Duration) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := x.s.Close(ctx); err != nil {
		x.t.Errorf("close: %v", err)
	}
}

// dial is a connection that a loop reads.
func (x *looped) dial() net.Conn {
	x.t.Helper()
	before := x.stats.Looped.Load()
	c, err := net.Dial("tcp4", x.addr)
	if err == nil && x.over != nil {
		s := tls.Client(c, x.over)
		c, err = s, s.Handshake()
	}
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	x.until("a loop has it", func() bool { return x.stats.Looped.Load() > before })
	return c
}

func (x *looped) until(what string, ok func() bool) {
	x.t.Helper()
	transporttest.Eventually(x.t, what, ok)
}

func (x *looped) write(c net.Conn, b []byte) {
	x.t.Helper()
	if _, err := c.Write(b); err != nil {
		x.t.Fatal(err)
	}
}

// target leads to a connection that has sent a message.
func (x *looped) target(c net.Conn) transport.Target {
	x.t.Helper()
	n := len(x.user.Messages())
	x.write(c, transporttest.Text(0, 0))
	x.until("its message", func() bool { return len(x.user.Messages()) > n })
	t := x.user.Messages()[n].Flow.Target()
	t.NoDial = true
	return t
}

// Messages of several connections come whole and in their order, whatever their size and however
// they are cut.
func TestJoinedHoweverTheyArrive(t *testing.T) { overBoth(t, testJoinedHoweverTheyArrive) }

func testJoinedHoweverTheyArrive(t *testing.T, over *tls.Config) {
	x := newLooped(t, transport.Limits{}, Protocol{}, over)
	const conns, each = 6, 40
	var all sync.WaitGroup
	want := make([][]byte, conns)
	for i := range conns {
		c, r := x.dial(), rand.New(rand.NewPCG(7, uint64(i)))
		for k := range each {
			size := r.IntN(2000)
			if r.IntN(8) == 0 {
				size = 60000 // more than a loop reads at once
			}
			want[i] = append(want[i], transporttest.Text(k, size)...)
		}
		all.Go(func() {
			for rest := want[i]; len(rest) > 0; {
				n := min(1+r.IntN(30000), len(rest))
				if _, err := c.Write(rest[:n]); err != nil {
					t.Error(err)
					return
				}
				if rest = rest[n:]; r.IntN(4) == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	x.until("all messages", func() bool { return len(x.user.Messages()) == conns*each })
	got := map[uint64][]byte{}
	for _, m := range x.user.Messages() {
		got[m.Flow.Conn] = append(got[m.Flow.Conn], m.Data...)
	}
	for id, b := range got {
		if !bytes.Equal(b, want[id-1]) {
			t.Errorf("connection %d: what came is not what was sent", id)
		}
	}
}

// Who writes while the loop is at work, and who does while it waits: all that is sent arrives, in
// the order of each sender.
func TestJoinedManySenders(t *testing.T) { overBoth(t, testJoinedManySenders) }

func testJoinedManySenders(t *testing.T, over *tls.Config) {
	x := newLooped(t, transport.Limits{Queue: 8 << 20}, Protocol{}, over)
	const senders, each = 4, 500
	var targets []transport.Target
	var peers []net.Conn
	for range 3 {
		c := x.dial()
		peers, targets = append(peers, c), append(targets, x.target(c))
	}
	stop := make(chan struct{})
	var noise, all sync.WaitGroup
	noise.Go(func() { // has the loop busy, now and then
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_, _ = peers[i%3].Write([]byte("\r\n\r\n"))
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	for s := range senders {
		all.Go(func() {
			for i := range each {
				for k := range targets {
					if err := x.s.Send(targets[k], fmt.Appendf(nil, "<%d %d>", s, i), 1); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for _, c := range peers {
		all.Go(func() {
			next, n := [senders]int{}, 0
			for rest, b := []byte(nil), make([]byte, 4096); n < senders*each; {
				k, err := c.Read(b)
				if err != nil {
					t.Error(err)
					return
				}
				rest = append(rest, b[:k]...)
				for {
					rest = bytes.TrimLeft(rest, "\r\n")
					one, more, whole := bytes.Cut(rest, []byte(">"))
					if !whole {
						break
					}
					var s, i int
					if _, err := fmt.Sscanf(string(one), "<%d %d", &s, &i); err != nil ||
						next[s] != i {
						t.Errorf("%q, want number %v: %v", one, next, err)
						return
					}
					next[s], rest = i+1, more
					n++
				}
			}
		})
	}
	all.Wait()
	close(stop)
	noise.Wait()
}

// Each bound of time ends who passes it, and nobody else.
func TestJoinedBounds(t *testing.T) { overBoth(t, testJoinedBounds) }

func testJoinedBounds(t *testing.T, over *tls.Config) {
	const (
		bound = 150 * time.Millisecond
		long  = 400 * time.Millisecond // the other one is to say something in this time
	)
	for name, b := range map[string]struct {
		bound  time.Duration
		limits transport.Limits
		does   func(x *looped, c net.Conn)
		want   transport.Reason
	}{
		"slow": {bound, transport.Limits{Arrival: bound}, func(x *looped, c net.Conn) {
			x.write(c, transporttest.Text(0, 0)[:40])
		}, transport.EndedSlow},
		"idle": {long, transport.Limits{Idle: long}, func(x *looped, c net.Conn) {
			x.write(c, transporttest.Text(0, 0))
		}, transport.EndedIdle},
		"deaf": {bound, transport.Limits{Write: bound, Queue: 64 << 20}, func(x *looped, c net.Conn) {
			to := x.target(c)
			for ref := range uint64(400) {
				if x.s.Send(to, make([]byte, 50000), ref+1) != nil {
					break // it has ended
				}
			}
		}, transport.EndedStalled},
		"answered, and stays": {bound, transport.Limits{Arrival: bound}, func(x *looped, c net.Conn) {
			x.write(c, []byte("OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\nmore"))
			got, _ := io.ReadAll(c) // our end
			if string(got) != "no" {
				x.t.Errorf("read %q", got)
			}
		}, transport.EndedFraming},
	} {
		t.Run(name, func(t *testing.T) {
			x := newLooped(t, b.limits, Protocol{}, over)
			good, stop := x.dial(), make(chan struct{})
			var ping sync.WaitGroup
			ping.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(bound / 10):
						_, _ = good.Write([]byte("\r\n\r\n"))
						_, _ = io.ReadFull(good, make([]byte, 2))
					}
				}
			})
			defer ping.Wait()
			defer close(stop)
			c := x.dial()
			begun := time.Now()
			b.does(x, c)
			x.until("ended", func() bool { return x.stats.Ended[b.want].Load() == 1 })
			if d := time.Since(begun); d < b.bound {
				t.Errorf("ended within %s", d)
			}
			if n := x.stats.Open.Load(); n != 1 {
				t.Errorf("%d open, want the other one", n)
			}
			if unsent := len(x.user.Failures()); uint64(unsent) != x.stats.Unsent.Load() ||
				name == "deaf" && unsent == 0 {
				t.Errorf("%d failed, %d unsent", unsent, x.stats.Unsent.Load())
			}
		})
	}
}

// Who is held is not idle, as long as that lasts.
func TestJoinedHeld(t *testing.T) { overBoth(t, testJoinedHeld) }

func testJoinedHeld(t *testing.T, over *tls.Config) {
	const idle = 400 * time.Millisecond
	x := newLooped(t, transport.Limits{Idle: idle}, Protocol{}, over)
	x.user.holds.Store(1)
	begun := time.Now()
	c, other := x.dial(), x.dial()
	x.write(c, transporttest.Text(0, 0))
	x.write(other, transporttest.Text(0, 0))
	ended := func(n uint64) func() bool {
		return func() bool { return x.stats.Ended[transport.EndedIdle].Load() == n }
	}
	x.until("the other one has ended", ended(1))
	x.until("the held one is asked for", func() bool { return x.user.asked.Load() > 5 })
	if n := x.stats.Open.Load(); n != 1 {
		t.Errorf("%d open, want the held one", n)
	}
	if d := time.Since(begun); d < idle {
		t.Errorf("ended within %s", d)
	}
	x.user.holds.Store(0)
	x.until("that has ended, too", ended(2))
}

// Pings are sent on time, though the loop looks at all connections rarely.
func TestJoinedPings(t *testing.T) { overBoth(t, testJoinedPings) }

func testJoinedPings(t *testing.T, over *tls.Config) {
	x := newLooped(t, transport.Limits{},
		Protocol{Pings: Pings{Frame: []byte("ping"), Every: 100 * time.Millisecond, Lost: 2}}, over)
	c := x.dial()
	if got, _ := io.ReadAll(c); string(got) != "pingping" {
		t.Errorf("read %q", got)
	}
	x.until("ended", func() bool { return x.stats.Ended[transport.EndedSilent].Load() == 1 })
}

// Close lets what waits leave, for as long as it may; what does not fails.
func TestJoinedClose(t *testing.T) {
	overBoth(t, func(t *testing.T, over *tls.Config) {
		testJoinedClose(t, over, 200, 50000)
		testJoinedClose(t, over, 20000, 500) // many in one piece that is stuck
	})
}

func testJoinedClose(t *testing.T, over *tls.Config, many, size uint64) {
	for _, within := range []time.Duration{10 * time.Second, 50 * time.Millisecond} {
		x := newLooped(t, transport.Limits{Queue: 64 << 20}, Protocol{}, over)
		c := x.dial()
		to := x.target(c)
		for ref := range many {
			if err := x.s.Send(to, make([]byte, size), ref+1); err != nil {
				t.Fatal(err)
			}
		}
		got := make(chan uint64, 1)
		if within > time.Second {
			go func() {
				time.Sleep(10 * time.Millisecond)
				n, _ := io.Copy(io.Discard, c)
				got <- uint64(n)
			}()
		} else if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil { // room for some
			t.Fatal(err)
		}
		x.close(within)
		out, failed := x.stats.MessagesOut.Load(), uint64(len(x.user.Failures()))
		if out+failed != many {
			t.Errorf("within %s: %d out and %d failed of %d", within, out, failed, many)
		}
		switch {
		case within < time.Second:
			if failed == 0 {
				t.Error("nothing failed, though nobody read")
			}
		case failed > 0 || <-got != many*size:
			t.Errorf("%d failed, though there was time", failed)
		}
		if n := x.stats.Ended[transport.EndedByShutdown].Load(); n != 1 {
			t.Errorf("%d ended by shutdown", n)
		}
	}
}

// Connections that have nothing half read have no buffer.
func TestJoinedBuffers(t *testing.T) { overBoth(t, testJoinedBuffers) }

func testJoinedBuffers(t *testing.T, over *tls.Config) {
	x := newLooped(t, transport.Limits{}, Protocol{}, over)
	c := x.dial()
	half := func() (n int) {
		done := make(chan int)
		x.s.mu.Lock()
		for one := range x.s.live {
			defer func() { n += <-done }()
			one.loop.Leave(spy{one, done})
		}
		x.s.mu.Unlock()
		return n
	}
	text := transporttest.Text(1, 30000)
	x.write(c, text[:20000])
	x.until("a buffer", func() bool { return half() >= 20000 })
	x.write(c, append(text[20000:], '\r'))
	x.until("a small buffer", func() bool { n := half(); return 0 < n && n <= firstBuffer })
	x.write(c, []byte("\n\r\n"))
	x.until("no buffer", func() bool { return half() == 0 })
	if n := len(x.user.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// spy looks at a connection when it is the loop's turn.
type spy struct {
	c    *conn
	size chan int
}

func (s spy) Attend(poll.Readiness, time.Time) {
	if s.c.half == nil {
		s.size <- 0
		return
	}
	s.size <- len(s.c.half.buf)
}
func (s spy) Judge(time.Time) {}
func (s spy) Look(time.Time)  {}

// corked sends what follows its first write in one piece.
type corked struct {
	net.Conn
	open bool
	held []byte
}

func (c *corked) Write(b []byte) (int, error) {
	if !c.open {
		c.open = true
		return c.Conn.Write(b)
	}
	c.held = append(c.held, b...)
	return len(b), nil
}

// A message that comes with the end of a handshake is read, though the socket has nothing more.
func TestJoinedAtOnce(t *testing.T) {
	overTLS(t, func(t *testing.T, over *tls.Config) {
		x := newLooped(t, transport.Limits{}, Protocol{}, over)
		nc, err := net.Dial("tcp4", x.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		cork := &corked{Conn: nc}
		c := tls.Client(cork, over)
		for i := range 2 {
			x.write(c, transporttest.Text(i, 900))
		}
		x.write(nc, cork.held)
		x.until("both messages", func() bool { return len(x.user.Messages()) == 2 })
	})
}

// A loop may be told of who resets his connection at once before the connection has joined it.
func TestResetAtOnce(t *testing.T) {
	x := newLooped(t, transport.Limits{}, Protocol{}, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				c, err := net.Dial("tcp4", x.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		})
	}
	all.Wait()
	x.until("all have ended", func() bool { return x.stats.Open.Load() == 0 })
}
