package mem

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// recorder keeps what a node hears.
type recorder struct {
	net     *Network
	got     []string
	at      []time.Duration
	flows   []transport.Flow
	failed  map[uint64]error
	closed  []uint64
	receive func(f transport.Flow, b []byte)
}

func (r *recorder) Receive(f transport.Flow, b []byte) {
	r.got = append(r.got, string(b))
	r.at = append(r.at, r.net.now)
	r.flows = append(r.flows, f)
	if r.receive != nil {
		r.receive(f, b)
	}
}

func (r *recorder) Failed(_ transport.Flow, ref uint64, err error) {
	if r.failed == nil {
		r.failed = make(map[uint64]error)
	}
	r.failed[ref] = err
}

func (r *recorder) Closed(f transport.Flow) { r.closed = append(r.closed, f.Conn) }

var (
	addrA = netip.MustParseAddrPort("192.0.2.1:5060")
	addrB = netip.MustParseAddrPort("192.0.2.2:5060")
)

func host(t *testing.T, n *Network, tr sip.Transport, a netip.AddrPort) (*Node, *recorder) {
	t.Helper()
	node, err := n.Node(transport.Listener{Transport: tr, Addr: a})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{net: n}
	node.Start(r)
	return node, r
}

func send(t *testing.T, n *Node, tg transport.Target, text string, ref uint64) {
	t.Helper()
	if err := n.Send(tg, []byte(text), ref); err != nil {
		t.Fatal(err)
	}
}

func drain(n *Network) {
	for n.Step() {
	}
}

func TestDelayIsExact(t *testing.T) {
	n := New(Config{Link: Link{Delay: 30 * time.Millisecond}})
	a, ra := host(t, n, sip.UDP, addrA)
	b, rb := host(t, n, sip.UDP, addrB)
	rb.receive = func(f transport.Flow, m []byte) { send(t, b, f.Target(), "answer", 0) }
	n.SetLink(addrB.Addr(), addrA.Addr(), Link{Delay: 50 * time.Millisecond})
	send(t, a, transport.Target{Transport: sip.UDP, Remote: addrB}, "question", 0)
	drain(n)
	if !slices.Equal(rb.at, []time.Duration{30 * time.Millisecond}) {
		t.Errorf("question arrived at %v, want 30ms", rb.at)
	}
	if !slices.Equal(ra.at, []time.Duration{80 * time.Millisecond}) {
		t.Errorf("answer arrived at %v, want 80ms", ra.at)
	}
}

func TestRunStopsAtItsTime(t *testing.T) {
	n := New(Config{})
	var fired []int
	for i, d := range []time.Duration{3, 1, 2, 1} {
		n.After(d*time.Second, func() { fired = append(fired, i) })
	}
	n.Run(n.Now().Add(2 * time.Second))
	if want := []int{1, 3, 2}; !slices.Equal(fired, want) {
		t.Errorf("fired %v, want %v", fired, want)
	}
	if n.now != 2*time.Second || n.Pending() != 1 {
		t.Errorf("now %v with %d pending, want 2s with 1", n.now, n.Pending())
	}
}

func TestSet(t *testing.T) {
	n := New(Config{})
	a, _ := host(t, n, sip.UDP, addrA)
	var at []time.Time
	a.Advance = func(now time.Time) time.Time {
		at = append(at, now)
		return time.Time{}
	}
	want := []time.Time{n.Now().Add(time.Hour), n.Now().Add(-time.Hour), n.Now()}
	for i, to := range want {
		n.Set(to.Add(-time.Second))
		a.Wake(to)
		drain(n)
		if i+1 != len(at) || !at[i].Equal(to) || !n.Now().Equal(to) {
			t.Errorf("at %v, now %v, want %v", at, n.Now(), to)
		}
	}
	n.After(time.Second, func() {})
	defer func() {
		if recover() == nil {
			t.Error("the time was set under what is still to happen")
		}
	}()
	n.Set(want[0])
}

// storm sends count datagrams, one a millisecond, and returns what arrives, in order.
func storm(t *testing.T, seed uint64, l Link, count int) []int {
	t.Helper()
	n := New(Config{Seed: seed, Link: l})
	a, _ := host(t, n, sip.UDP, addrA)
	_, rb := host(t, n, sip.UDP, addrB)
	for i := range count {
		n.After(time.Duration(i)*time.Millisecond, func() {
			b := binary.BigEndian.AppendUint32(nil, uint32(i))
			send(t, a, transport.Target{Transport: sip.UDP, Remote: addrB}, string(b), 0)
		})
	}
	drain(n)
	var got []int
	for _, m := range rb.got {
		got = append(got, int(binary.BigEndian.Uint32([]byte(m))))
	}
	return got
}

func TestSeedDecides(t *testing.T) {
	l := Link{
		Loss: .3, Duplicate: .1, Reorder: .1,
		Delay: time.Millisecond, Jitter: 30 * time.Millisecond,
	}
	one, again, other := storm(t, 7, l, 500), storm(t, 7, l, 500), storm(t, 8, l, 500)
	if !slices.Equal(one, again) {
		t.Error("one seed gave two outcomes")
	}
	if slices.Equal(one, other) {
		t.Error("two seeds gave one outcome")
	}
}

func TestShares(t *testing.T) {
	const count = 20000
	near := func(name string, got, want float64) {
		t.Helper()
		// five standard deviations of a binomial share
		if d := 5 * math.Sqrt(want*(1-want)/count); math.Abs(got-want) > d {
			t.Errorf("%s: share %.4f, want %.4f ± %.4f", name, got, want, d)
		}
	}
	near("loss", 1-float64(len(storm(t, 1, Link{Loss: .3}, count)))/count, .3)
	near("duplicate", float64(len(storm(t, 2, Link{Duplicate: .2}, count)))/count-1, .2)

	late := 0
	highest := -1
	for _, i := range storm(t, 3, Link{Reorder: .1, Late: 1500 * time.Microsecond}, count) {
		if i < highest {
			late++
		}
		highest = max(highest, i)
	}
	// overtaken by the next, unless that is held back too
	near("reorder", float64(late)/count, .1*.9)
}

func TestJitterKeepsOrder(t *testing.T) {
	got := storm(t, 4, Link{Jitter: 100 * time.Millisecond}, 1000)
	if len(got) != 1000 || !slices.IsSorted(got) {
		t.Error("jitter alone lost or reordered datagrams")
	}
}

func TestBufferIsSpoiledAfterReceive(t *testing.T) {
	n := New(Config{})
	a, _ := host(t, n, sip.UDP, addrA)
	_, rb := host(t, n, sip.UDP, addrB)
	var kept []byte
	rb.receive = func(_ transport.Flow, b []byte) { kept = b }
	send(t, a, transport.Target{Transport: sip.UDP, Remote: addrB}, "keep me", 0)
	drain(n)
	if bytes.Equal(kept, []byte("keep me")) {
		t.Error("a view kept after Receive still reads well")
	}
}

func TestUnclaimedDatagram(t *testing.T) {
	for _, icmp := range []bool{false, true} {
		n := New(Config{ICMP: icmp, Link: Link{Delay: time.Second}})
		a, ra := host(t, n, sip.UDP, addrA)
		send(t, a, transport.Target{Transport: sip.UDP, Remote: addrB}, "x", 9)
		drain(n)
		if got := errors.Is(ra.failed[9], ErrUnreachable); got != icmp {
			t.Errorf("ICMP %v: failed %v", icmp, ra.failed)
		}
	}
}

func TestAdvanceAtDeadlines(t *testing.T) {
	n := New(Config{})
	a, _ := host(t, n, sip.UDP, addrA)
	start := n.Now()
	var at []time.Duration
	a.Advance = func(now time.Time) time.Time {
		at = append(at, now.Sub(start))
		switch len(at) {
		case 1:
			return now.Add(500 * time.Millisecond)
		case 2:
			a.Wake(now.Add(10 * time.Millisecond)) // as a timer that arms another
			return now.Add(time.Second)
		case 3:
			return now // due at once: still later than now
		}
		return time.Time{}
	}
	a.Wake(start.Add(time.Second))
	a.Wake(start.Add(2 * time.Second)) // later than what is asked for already
	a.Wake(start.Add(time.Millisecond))
	drain(n)
	ms := time.Millisecond
	want := []time.Duration{ms, 501 * ms, 511 * ms, 512 * ms}
	if !slices.Equal(at, want) {
		t.Errorf("advanced at %v, want %v", at, want)
	}
}

func TestStreamTakesTheRoundTrip(t *testing.T) {
	n := New(Config{Link: Link{Delay: 10 * time.Millisecond, Loss: .9, Duplicate: .5}})
	a, _ := host(t, n, sip.TCP, addrA)
	_, rb := host(t, n, sip.TCP, addrB)
	to := transport.Target{Transport: sip.TCP, Remote: addrB}
	send(t, a, to, "1", 0)
	send(t, a, to, "2", 0)
	drain(n)
	if want := []string{"1", "2"}; !slices.Equal(rb.got, want) {
		t.Fatalf("got %q, want %q", rb.got, want)
	}
	if rb.at[0] != 30*time.Millisecond { // SYN, SYN-ACK, data
		t.Errorf("arrived at %v, want 30ms", rb.at[0])
	}
	if rb.flows[0].Conn == 0 || rb.flows[0].Conn != rb.flows[1].Conn {
		t.Errorf("flows %v: want one connection", rb.flows)
	}
}

func TestDeadLink(t *testing.T) {
	n := New(Config{DialTimeout: 3 * time.Second})
	a, ra := host(t, n, sip.TCP, addrA)
	host(t, n, sip.TCP, addrB)
	n.SetLink(addrA.Addr(), addrB.Addr(), Link{Loss: 1})
	send(t, a, transport.Target{Transport: sip.TCP, Remote: addrB}, "x", 4)
	drain(n)
	if !errors.Is(ra.failed[4], ErrDialTimeout) || n.now != 3*time.Second {
		t.Errorf("failed %v at %v, want a dial timeout at 3s", ra.failed, n.now)
	}
}

func TestHangupComesAfterWhatWasSent(t *testing.T) {
	n := New(Config{Seed: 5, Link: Link{Delay: time.Millisecond, Jitter: 40 * time.Millisecond}})
	a, ra := host(t, n, sip.TCP, addrA)
	b, rb := host(t, n, sip.TCP, addrB)
	var want []string
	rb.receive = func(f transport.Flow, m []byte) {
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			send(t, b, f.Target(), want[i], 0)
		}
		b.Hangup(f.Conn)
		tg := f.Target()
		tg.NoDial = true
		if err := b.Send(tg, []byte("late"), 0); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("send after hangup: %v, want ErrClosed", err)
		}
	}
	send(t, a, transport.Target{Transport: sip.TCP, Remote: addrB}, "x", 0)
	drain(n)
	if !slices.Equal(ra.got, want) {
		t.Errorf("got %q, want %q", ra.got, want)
	}
	if len(ra.closed) != 1 || len(rb.closed) != 1 {
		t.Errorf("closed %v and %v, want once each", ra.closed, rb.closed)
	}
}

func TestTapTellsFates(t *testing.T) {
	var fates []Fate
	n := New(Config{Tap: func(p Packet) { fates = append(fates, p.Fate) }})
	a, _ := host(t, n, sip.UDP, addrA)
	b, _ := host(t, n, sip.UDP, addrB)
	to := transport.Target{Transport: sip.UDP, Remote: addrB}
	send(t, a, to, "1", 0)
	drain(n)
	n.SetLink(addrA.Addr(), addrB.Addr(), Link{Loss: 1})
	send(t, a, to, "2", 0)
	n.SetLink(addrA.Addr(), addrB.Addr(), Link{})
	b.Close()
	send(t, a, to, "3", 0)
	drain(n)
	if want := []Fate{Sent, Arrived, Sent, Lost, Sent, Unclaimed}; !slices.Equal(fates, want) {
		t.Errorf("fates %v, want %v", fates, want)
	}
}

func TestAddressesAreOneNodeEach(t *testing.T) {
	n := New(Config{})
	l := transport.Listener{Transport: sip.UDP, Addr: addrA}
	if _, err := n.Node(l, l); err == nil {
		t.Error("one address twice in a node: no error")
	}
	node, err := n.Node(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Node(l); err == nil {
		t.Error("one address in two nodes: no error")
	}
	node.Close()
	if _, err := n.Node(l); err != nil {
		t.Errorf("address of a closed node: %v", err)
	}
	l.Addr = netip.MustParseAddrPort("0.0.0.0:5060")
	if _, err := n.Node(l); err == nil {
		t.Error("wildcard: no error")
	}
}

func BenchmarkDatagram(b *testing.B) {
	n := New(Config{Link: Link{Delay: time.Millisecond}})
	a, _ := n.Node(transport.Listener{Transport: sip.UDP, Addr: addrA})
	z, _ := n.Node(transport.Listener{Transport: sip.UDP, Addr: addrB})
	a.Start(discard{})
	z.Start(discard{})
	m := make([]byte, 700)
	b.ReportAllocs()
	for b.Loop() {
		_ = a.Send(transport.Target{Transport: sip.UDP, Remote: addrB}, m, 0)
		n.Step()
	}
}

type discard struct{}

func (discard) Receive(transport.Flow, []byte)       {}
func (discard) Failed(transport.Flow, uint64, error) {}
func (discard) Closed(transport.Flow)                {}
