package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is one end of a net.Pipe with an address.
type pipe struct {
	net.Conn
	local, remote netip.AddrPort
}

func (p pipe) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(p.local) }
func (p pipe) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(p.remote) }

// listener hands out what is put into it.
type listener struct {
	conns  chan net.Conn
	errs   chan error
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case err := <-l.errs:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(local) }

var (
	local  = netip.MustParseAddrPort("192.0.2.1:5060")
	remote = netip.MustParseAddrPort("198.51.100.7:40000")
)

// fixture is a Socket over pipes in virtual time.
type fixture struct {
	t     *testing.T
	s     *Socket
	l     *listener
	user  *user
	stats *transport.Stats
	dial  Dial // nil: refuses
	greet Greet
	dials atomic.Int32
}

// user is a Recorder that can answer what is no message, and hold a connection.
type user struct {
	transporttest.Recorder
	unframed func(f transport.Flow, header []byte, err error)
	holds    atomic.Uint64 // the connection
	asked    atomic.Int32  // whether it holds one
}

func (u *user) Held(f transport.Flow) bool {
	u.asked.Add(1)
	return f.Conn == u.holds.Load()
}

func (u *user) Unframed(f transport.Flow, header []byte, err error) {
	if u.unframed != nil {
		u.unframed(f, header, err)
	}
}

// bubble runs f with a started Socket in virtual time, and closes it afterwards.
func bubble(t *testing.T, l transport.Limits, f func(t *testing.T, x *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		l = l.Defaults()
		x := &fixture{
			t: t,
			l: &listener{
				conns: make(chan net.Conn), errs: make(chan error), closed: make(chan struct{}),
			},
			user: &user{}, stats: new(transport.Stats),
		}
		var ids uint64
		e := transport.Env{
			Listener: transport.Listener{Transport: sip.TCP, Addr: local}, Index: 3,
			Limits: l, Stats: x.stats, Gate: transport.NewGate(l),
			Greeting: transport.NewHandshakes(l),
			NextConn: func() uint64 { return atomic.AddUint64(&ids, 1) },
		}
		dial := func(
			ctx context.Context, to netip.AddrPort, name sip.HostName,
		) (net.Conn, error) {
			x.dials.Add(1)
			if x.dial == nil {
				return nil, errors.New("connection refused")
			}
			return x.dial(ctx, to, name)
		}
		x.s = New(e, Road{Listener: x.l, Dial: dial, Greet: x.greet}, Protocol{})
		x.s.Start(x.user)
		f(t, x)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := x.s.Close(ctx); err != nil {
			t.Error(err)
		}
		if n := x.stats.Open.Load(); n != 0 {
			t.Errorf("%d connections open after Close", n)
		}
	})
}

// connect is a peer's connection to the Socket: the peer's end.
func (x *fixture) connect(from netip.AddrPort) net.Conn {
	x.t.Helper()
	ours, theirs := net.Pipe()
	x.l.conns <- pipe{ours, local, from}
	x.t.Cleanup(func() { theirs.Close() })
	synctest.Wait()
	return theirs
}

// write gives b to the peer's end and waits until the Socket has dealt with it.
func (x *fixture) write(c net.Conn, b []byte) {
	x.t.Helper()
	if _, err := c.Write(b); err != nil {
		x.t.Fatalf("write: %v", err)
	}
	synctest.Wait()
}

// collect reads everything from c in the background; what came so far is what it returns returns.
func collect(c net.Conn) func() string {
	var got []byte
	end := make(chan struct{})
	go func() {
		defer close(end)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			got = append(got, b[:n]...)
			if err != nil {
				return
			}
		}
	}()
	return func() string {
		synctest.Wait()
		return string(got)
	}
}

// ended fails the test unless the only connection so far ended, for that reason.
func (x *fixture) ended(c net.Conn, want transport.Reason) {
	x.t.Helper()
	synctest.Wait()
	if n := len(x.user.Ends()); n != 1 {
		x.t.Errorf("%d calls of Closed, want 1", n)
	}
	for r := range x.stats.Ended {
		count := uint64(0)
		if transport.Reason(r) == want {
			count = 1
		}
		if got := x.stats.Ended[r].Load(); got != count {
			x.t.Errorf("ended by %s: %d, want %d", transport.Reason(r), got, count)
		}
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		x.t.Errorf("the peer's end: %v, want its end", err)
	}
}

func (x *fixture) open(want int64) {
	x.t.Helper()
	synctest.Wait()
	if got := x.stats.Open.Load(); got != want {
		x.t.Errorf("%d connections open, want %d", got, want)
	}
}

func to(a netip.AddrPort) transport.Target {
	return transport.Target{Transport: sip.TCP, Listener: 3, Remote: a}
}

func (x *fixture) send(t transport.Target, b []byte, ref uint64) {
	x.t.Helper()
	if err := x.s.Send(t, b, ref); err != nil {
		x.t.Fatalf("send: %v", err)
	}
}
