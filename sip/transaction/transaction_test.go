package transaction

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// Handles that are zero, stale or of the other side are errors, never
// another transaction.
func TestStaleHandles(t *testing.T) {
	l := newLife(newYard(), "x")
	l.begin(t, sip.INVITE)
	l.answer(t, 486)
	l.pass(time.Minute)
	l.pass(time.Minute)
	checkLeft(t, l.layer, 0)
	old := Client{l.client.h}
	gone := l.server
	l.begin(t, sip.INVITE)
	for _, c := range []Client{{}, old, {l.server.h}, {gone.h}, {^uint64(0)}} {
		if err := l.layer.Cancel(c, nil); err != ErrGone {
			t.Errorf("Cancel %x: got %v", c.h, err)
		}
		if err := l.layer.Send(c, &l.request, l.target, l.out, Options{}); err != ErrGone {
			t.Errorf("Send %x: got %v", c.h, err)
		}
		l.layer.Abandon(c)
	}
	for _, s := range []Server{{}, gone, {l.client.h}, {^uint64(0)}} {
		if err := l.layer.Reply(s, 200, l.out); err != ErrGone {
			t.Errorf("Reply %x: got %v", s.h, err)
		}
		if err := l.layer.Drop(s); err != ErrGone {
			t.Errorf("Drop %x: got %v", s.h, err)
		}
	}
	checkLeft(t, l.layer, 2)
}

func TestSendOnce(t *testing.T) {
	l := newLife(newYard(), "x")
	l.begin(t, sip.MESSAGE)
	if err := l.layer.Send(l.client, &l.request, l.target, l.out, Options{}); err != ErrGone {
		t.Errorf("sent again: got %v", err)
	}
	l.layer.Abandon(l.client)
	checkLeft(t, l.layer, 2)
}

func TestTooLarge(t *testing.T) {
	l := newLife(newYard(), "x")
	l.begin(t, sip.MESSAGE)
	c, _, err := l.layer.Branch(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, slab.MaxText+1)
	err = l.layer.Send(c, &l.request, l.target, large, Options{})
	if !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("Send: got %v", err)
	}
	if err := l.layer.Reply(l.server, 200, large); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("Reply: got %v", err)
	}
	checkLeft(t, l.layer, 2)
}

func TestAcceptNoACK(t *testing.T) {
	l := newLife(newYard(), "x")
	l.in = l.write(nil, sip.ACK, inBranch)
	parse(t, &l.request, l.in)
	if s, err := l.layer.Accept(l.flow, &l.request, l.target, 1); err == nil || !s.IsZero() {
		t.Errorf("got %v, %v", s, err)
	}
}

// A catcher is a Sender that keeps the last target.
type catcher struct {
	*yard
	to transport.Target
}

func (c *catcher) Send(t transport.Target, _ []byte, _ uint64) error {
	c.to = t
	return nil
}

// A response leaves on the connection its own request came on, RFC 3261
// §18.2.2, a CANCEL's too. What is used once that is gone stays the INVITE's.
func TestCancelOnAnotherConnection(t *testing.T) {
	y := newYard()
	sent := &catcher{yard: y}
	y.layer.cfg.Sender = sent
	remote := netip.MustParseAddrPort("192.0.2.7:40001")
	first := transport.Flow{Transport: sip.TCP, Listener: 1, Conn: 5, Remote: remote}
	answer := first.Target()
	answer.Remote = netip.MustParseAddrPort("192.0.2.7:5060")
	var m sip.Message
	parse(t, &m, message(sip.TCP, "INVITE", nil))
	if _, err := y.layer.Accept(first, &m, answer, 1); err != nil {
		t.Fatal(err)
	}
	parse(t, &m, message(sip.TCP, "CANCEL", nil))
	for _, c := range []struct {
		flow     transport.Flow
		conn     uint64
		listener uint16
	}{
		{first, 5, 1},
		{transport.Flow{Transport: sip.TCP, Listener: 2, Conn: 6, Remote: remote}, 6, 2},
		{transport.Flow{Transport: sip.UDP, Listener: 3, Remote: remote}, 5, 1},
	} {
		y.layer.Receive(c.flow, &m)
		want := answer
		want.Conn, want.Listener = c.conn, c.listener
		if sent.to != want {
			t.Errorf("CANCEL on %+v answered to %+v, want %+v", c.flow, sent.to, want)
		}
	}
}

// The owner is told of a deadline only when it is earlier than what it knows.
func TestWake(t *testing.T) {
	y := newYard()
	var woken []time.Duration
	y.layer.cfg.Wake = func(at time.Time) { woken = append(woken, at.Sub(yardStart)) }
	l := newLife(y, "x")
	want := func(d ...time.Duration) {
		t.Helper()
		if len(woken) != len(d) || len(d) > 0 && woken[0] != d[0] {
			t.Errorf("at %v woken for %v, want %v", y.now().Sub(yardStart), woken, d)
		}
		woken = nil
	}
	l.begin(t, sip.MESSAGE) // the server's end, then timer E
	if len(woken) != 2 || woken[1] != 500*time.Millisecond {
		t.Errorf("woken for %v", woken)
	}
	woken = nil
	y.clock.Add(int64(100 * time.Millisecond))
	l.begin(t, sip.MESSAGE)
	want()
	if next := y.pass(400 * time.Millisecond); next.Sub(yardStart) != 600*time.Millisecond {
		t.Errorf("next %v, want 0.6s", next.Sub(yardStart))
	}
	l.begin(t, sip.MESSAGE)
	want()
	y.clock.Add(int64(50 * time.Millisecond))
	c, b, _ := y.layer.Branch(nil, nil)
	out := l.write(nil, sip.MESSAGE, b)
	o := Options{FinalWait: 20 * time.Millisecond}
	if err := y.layer.Send(c, &l.request, l.target, out, o); err != nil {
		t.Fatal(err)
	}
	want(570 * time.Millisecond)
}

func TestStats(t *testing.T) {
	l := newLife(newYard(), "x")
	l.begin(t, sip.MESSAGE)
	l.layer.Receive(l.flow, &l.request) // absorbed, nothing to send again
	l.pass(500 * time.Millisecond)      // timer E
	l.answer(t, 200)
	l.layer.Receive(l.flow, &l.response) // absorbed
	l.layer.Receive(l.flow, &l.request)  // absorbed, the reply again
	l.begin(t, sip.MESSAGE)
	l.layer.TransportFailed(l.client.h, nil)
	want := Stats{
		Servers: 2, Clients: 2, LiveServers: 2, LiveClients: 1,
		Unanswered: 1, Retransmissions: 2, Absorbed: 3, Failed: 1,
	}
	if got := l.layer.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
