package router

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip/siptest"
	"sipedge/sip/transport/mem"
)

const lossPolicy = `
version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {}}, {relay: {}}]
    - do: [{record_route: {}}, {relay: {to: "sip:10.0.0.2"}}]
`

var (
	aliceAddr = netip.MustParseAddr("10.0.0.1")
	bobAddr   = netip.MustParseAddr("10.0.0.2")
	edgeAddr  = netip.MustParseAddr("10.0.0.9")
)

// lossy runs calls of ten seconds, one every 50 ms, with a share of loss on the hops.
func lossy(
	t *testing.T, seed uint64, calls int, caller, callee float64,
) (a, b *siptest.Phone, log *proxyLog) {
	t.Helper()
	log = &proxyLog{open: map[string]int{}}
	net := mem.New(mem.Config{
		Seed: seed, Link: mem.Link{Delay: 5 * time.Millisecond}, Tap: log.tap,
	})
	lose := func(from, to netip.Addr, share float64) {
		net.SetLink(from, to, mem.Link{Loss: share, Delay: 5 * time.Millisecond})
	}
	lose(aliceAddr, edgeAddr, caller)
	lose(edgeAddr, aliceAddr, caller)
	lose(bobAddr, edgeAddr, callee)
	lose(edgeAddr, bobAddr, callee)

	r, node := newRouter(t, net, lossPolicy)
	node.Start(r)
	a, err := siptest.NewPhone(net, "alice", "10.0.0.1:5060", "10.0.0.9:5060", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = siptest.NewPhone(net, "bob", "10.0.0.2:5060", "10.0.0.9:5060", 0); err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		net.After(time.Duration(i)*50*time.Millisecond, func() { a.Call("sip:bob@example.net") })
	}
	net.Run(net.Now().Add(time.Duration(calls)*50*time.Millisecond + 400*time.Second))
	if !r.Idle() {
		t.Errorf("left in memory: %+v %+v", r.Transactions(), r.Proxy())
	}
	if n := r.Stats().Panics; n > 0 {
		t.Errorf("%d panics", n)
	}
	return a, b, log
}

// proxyLog counts, for each INVITE the proxy got, whether it sent a final response.
type proxyLog struct{ open map[string]int }

func (l *proxyLog) tap(p mem.Packet) {
	first, rest, _ := strings.Cut(string(p.Data), "\r\n")
	_, id, _ := strings.Cut(rest, "Call-ID: ")
	id, _, _ = strings.Cut(id, "\r\n")
	switch {
	case p.Fate == mem.Arrived && p.To.Addr() == edgeAddr && strings.HasPrefix(first, "INVITE "):
		if _, ok := l.open[id]; !ok {
			l.open[id] = 0
		}
	case p.Fate == mem.Sent && p.From.Addr() == edgeAddr && p.To.Addr() == aliceAddr &&
		strings.Contains(rest, "INVITE\r\n") && first >= "SIP/2.0 2":
		l.open[id]++
	}
}

func (l *proxyLog) unanswered() (n int) {
	for _, finals := range l.open {
		if finals == 0 {
			n++
		}
	}
	return n
}

// TestLossCaller loses 30 % on the caller's hop: every call completes. With these seeds:
// in 1,000 calls all seven copies of an INVITE are lost with a chance of 1 in 5, and all
// eleven exchanges of a BYE with one of 1 in 2.
func TestLossCaller(t *testing.T) {
	const calls = 1000
	for _, seed := range []uint64{2, 5, 6} {
		a, b, _ := lossy(t, seed, calls, 0.3, 0)
		if a.Answered != calls || a.Refused+a.Silent != 0 {
			t.Errorf("seed %d: %d of %d calls answered, %d refused, %d silent",
				seed, a.Answered, calls, a.Refused, a.Silent)
		}
		if a.HungUp != calls || b.Invites != calls || b.Byes != calls {
			t.Errorf("seed %d: %d hung up; the callee's user saw %d INVITE and %d BYE, want %d each",
				seed, a.HungUp, b.Invites, b.Byes, calls)
		}
	}
}

// TestLossBoth loses 30 % on both hops. A callee repeats its 2xx eleven times in 64·T1; the
// ACK of each has four links to pass, so that it never comes with a chance of (1 - 0.7⁴)¹¹.
func TestLossBoth(t *testing.T) {
	const calls = 1000
	computed := math.Pow(1-math.Pow(0.7, 4), 11)
	for _, seed := range []uint64{1, 2, 3} {
		a, b, log := lossy(t, seed, calls, 0.3, 0.3)
		if n := log.unanswered(); n > 0 {
			t.Errorf("seed %d: %d INVITE the proxy received were never answered", seed, n)
		}
		if n := a.Answered + a.Refused + a.Silent + a.Waiting(); n != calls {
			t.Errorf("seed %d: %d of %d calls ended", seed, n, calls)
		}
		if a.Waiting() > b.Unacknowledged {
			t.Errorf("seed %d: %d calls wait for a final that was not repeated to its end",
				seed, a.Waiting())
		}
		if n := a.HungUp + a.HangupSilent; n != a.Answered {
			t.Errorf("seed %d: %d of %d hang-ups ended", seed, n, a.Answered)
		}
		if b.Repeated > 0 || b.Invites > calls || b.Byes > a.Answered {
			t.Errorf("seed %d: the callee's user saw %d INVITE, %d BYE, %d of them twice",
				seed, b.Invites, b.Byes, b.Repeated)
		}
		share := float64(b.Unacknowledged) / float64(b.Invites)
		t.Logf("seed %d: %d of %d callees never saw the ACK: %.4f, computed %.4f; "+
			"%d answered, %d refused, %d silent", seed, b.Unacknowledged, b.Invites, share, computed,
			a.Answered, a.Refused, a.Silent)
		if math.Abs(share-computed) > 0.02 {
			t.Errorf("seed %d: the share is more than 2 points off", seed)
		}
	}
}
