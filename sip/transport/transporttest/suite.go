package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/porttest"
)

var (
	v4 = netip.MustParseAddr("127.0.0.1")
	v6 = netip.MustParseAddr("::1")
)

// Run runs the suite for transport tr. world makes a new network for each test.
func Run(t *testing.T, tr sip.Transport, world func(t *testing.T) World) {
	s := suite{tr: tr, world: world}
	for _, a := range []netip.Addr{v4, v6} {
		t.Run(fmt.Sprintf("there and back over %s", a), func(t *testing.T) { s.thereAndBack(t, a) })
	}
	t.Run("large messages", s.large)
	t.Run("the caller keeps its buffer", s.buffer)
	t.Run("families are chosen", s.families)
	t.Run("no listener", s.noListener)
	t.Run("stopped", s.stopped)
	if tr.Reliable() {
		s.streams(t)
	}
}

type suite struct {
	tr    sip.Transport
	world func(t *testing.T) World
}

// Text makes a request of at least size bytes, marked i.
func Text(i, size int) []byte {
	const head = "MESSAGE sip:b@example.org SIP/2.0\r\n" +
		"Via: SIP/2.0/TCP a.example.org;branch=z9hG4bK%d\r\n" +
		"From: <sip:a@example.org>;tag=1\r\nTo: <sip:b@example.org>\r\n" +
		"Call-ID: %d\r\nCSeq: %d MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: %d\r\n\r\n"
	body := max(0, size-len(head))
	b := fmt.Appendf(nil, head, i, i, i+1, body)
	return append(b, bytes.Repeat([]byte("x"), body)...)
}

func (s *suite) listener(a netip.Addr) transport.Listener {
	return transport.Listener{Transport: s.tr, Addr: netip.AddrPortFrom(a, 0)}
}

// kept is a listener of 127.0.0.1 whose port nobody takes while it is closed.
func (s *suite) kept(t *testing.T) transport.Listener {
	t.Helper()
	return transport.Listener{Transport: s.tr, Addr: porttest.Free(t)}
}

// pair opens two started nodes and the target that leads from the first to the second.
func (s *suite) pair(t *testing.T, w World, a netip.Addr, ra, rb *Recorder) (
	Node, Node, transport.Target,
) {
	t.Helper()
	return s.pairTo(t, w, s.listener(a), ra, rb)
}

// pairTo is pair with the listener of the second.
func (s *suite) pairTo(t *testing.T, w World, l transport.Listener, ra, rb *Recorder) (
	Node, Node, transport.Target,
) {
	t.Helper()
	na, nb := w.Open(t, s.listener(l.Addr.Addr())), w.Open(t, l)
	na.Start(ra)
	nb.Start(rb)
	t.Cleanup(func() {
		na.Stop()
		nb.Stop()
	})
	return na, nb, s.to(nb)
}

// to leads to the first listener of n.
func (s *suite) to(n Node) transport.Target {
	return transport.Target{
		Transport: s.tr, Listener: transport.AnyListener, Remote: n.Listeners()[0].Addr,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// echo answers every message with itself, on its flow.
func echo(t *testing.T, n Node) func(f transport.Flow, b []byte) {
	return func(f transport.Flow, b []byte) {
		if err := n.Send(f.Target(), b, 0); err != nil {
			t.Errorf("answer: %v", err)
		}
	}
}

func (s *suite) thereAndBack(t *testing.T, a netip.Addr) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	na, nb, to := s.pair(t, w, a, ra, rb)
	if na.Listeners()[0].Addr.Port() == 0 {
		t.Fatal("the listener's port is not filled in")
	}
	rb.Answer(echo(t, nb))
	want := Text(1, 0)
	must(t, na.Send(to, want, 0))
	w.Until(t, "the answer", func() bool { return len(ra.Messages()) == 1 })

	q, r := rb.Messages()[0], ra.Messages()[0]
	if !bytes.Equal(q.Data, want) || !bytes.Equal(r.Data, want) {
		t.Errorf("sent %q, got %q, back %q", want, q.Data, r.Data)
	}
	if q.Flow.Transport != s.tr || q.Flow.Listener != 0 || q.Flow.Local != to.Remote {
		t.Errorf("flow %+v: want %s, listener 0, local %s", q.Flow, s.tr, to.Remote)
	}
	if q.Flow.Remote != r.Flow.Local || q.Flow.Local != r.Flow.Remote {
		t.Errorf("flows %+v and %+v do not mirror each other", q.Flow, r.Flow)
	}
	if got := q.Flow.Conn != 0; got != s.tr.Reliable() {
		t.Errorf("flow %+v: has a connection: %v", q.Flow, got)
	}
	if q.Flow.Remote.Addr() != a {
		t.Errorf("remote address %s, want %s", q.Flow.Remote.Addr(), a)
	}
}

func (s *suite) large(t *testing.T) {
	w, rb := s.world(t), &Recorder{}
	na, _, to := s.pair(t, w, v4, &Recorder{}, rb)
	want := Text(1, 60000)
	must(t, na.Send(to, want, 0))
	w.Until(t, "the message", func() bool { return len(rb.Messages()) == 1 })
	if got := rb.Messages()[0].Data; !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, want %d the same", len(got), len(want))
	}
	if err := na.Send(to, make([]byte, 66000), 0); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("66,000 bytes: %v, want ErrTooLarge", err)
	}
}

func (s *suite) buffer(t *testing.T) {
	w, rb := s.world(t), &Recorder{}
	na, _, to := s.pair(t, w, v4, &Recorder{}, rb)
	const count = 20
	b := make([]byte, 0, 1000)
	for i := range count {
		b = append(b[:0], Text(i, 0)...)
		must(t, na.Send(to, b, 0))
		clear(b)
		if !s.tr.Reliable() {
			w.Until(t, "each message", func() bool { return len(rb.Messages()) == i+1 })
		}
	}
	w.Until(t, "all messages", func() bool { return len(rb.Messages()) == count })
	for i, m := range rb.Messages() {
		if want := Text(i, 0); !bytes.Equal(m.Data, want) {
			t.Fatalf("message %d: got %q, want %q", i, m.Data, want)
		}
	}
}

func (s *suite) families(t *testing.T) {
	w, rb := s.world(t), &Recorder{}
	na := w.Open(t, s.listener(v6), s.listener(v4))
	na.Start(&Recorder{})
	nb := w.Open(t, s.listener(v4), s.listener(v6))
	nb.Start(rb)
	t.Cleanup(func() {
		na.Stop()
		nb.Stop()
	})
	for i, l := range nb.Listeners() {
		to := transport.Target{
			Transport: s.tr, Listener: transport.AnyListener, Remote: l.Addr,
		}
		must(t, na.Send(to, Text(i, 0), 0))
		w.Until(t, "the message", func() bool { return len(rb.Messages()) == i+1 })
		f := rb.Messages()[i].Flow
		if f.Listener != uint16(i) || f.Remote.Addr() != l.Addr.Addr() {
			t.Errorf("to %s: flow %+v", l.Addr, f)
		}
		if want := uint16(1 - i); na.Choose(s.tr, l.Addr.Addr()) != want {
			t.Errorf("Choose(%s) = %d, want %d", l.Addr.Addr(), na.Choose(s.tr, l.Addr.Addr()), want)
		}
	}
}

func (s *suite) noListener(t *testing.T) {
	w := s.world(t)
	na, _, to := s.pair(t, w, v4, &Recorder{}, &Recorder{})
	other := sip.UDP
	if s.tr == sip.UDP {
		other = sip.TCP
	}
	for name, change := range map[string]func(*transport.Target){
		"transport":   func(t *transport.Target) { t.Transport = other },
		"family":      func(t *transport.Target) { t.Remote = netip.AddrPortFrom(v6, 9) },
		"wrong index": func(t *transport.Target) { t.Listener = 7 },
		"not its own": func(t *transport.Target) { t.Listener, t.Transport = 0, other },
	} {
		bad := to
		change(&bad)
		if err := na.Send(bad, Text(0, 0), 0); !errors.Is(err, transport.ErrNoListener) {
			t.Errorf("%s: %v, want ErrNoListener", name, err)
		}
	}
}

func (s *suite) stopped(t *testing.T) {
	w := s.world(t)
	n := w.Open(t, s.kept(t))
	to := s.to(n)
	if err := n.Send(to, Text(0, 0), 0); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("before Start: %v, want ErrClosed", err)
	}
	n.Start(&Recorder{})
	n.Stop()
	if err := n.Send(to, Text(0, 0), 0); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("after Stop: %v, want ErrClosed", err)
	}
	again := w.Open(t, transport.Listener{Transport: s.tr, Addr: to.Remote})
	again.Start(&Recorder{})
	again.Stop()
}
