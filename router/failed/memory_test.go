package failed

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

const lasts = 30 * time.Second

// at reads "udp 192.0.2.1:5060".
func at(text string) transport.Flow {
	by, addr, _ := strings.Cut(text, " ")
	return transport.Flow{
		Transport: sip.LookupTransport([]byte(by)), Remote: netip.MustParseAddrPort(addr),
	}
}

func hops(list ...string) (out []resolve.Hop) {
	for _, text := range list {
		out = append(out, resolve.Hop{Transport: at(text).Transport, Addr: at(text).Remote})
	}
	return out
}

// order is what becomes of hops, in a line.
func order(m *Memory, all bool, list ...string) string {
	var out []string
	for _, h := range m.Order(hops(list...), all) {
		out = append(out, fmt.Sprintf("%s %s", h.Transport, h.Addr))
	}
	return strings.Join(out, ", ")
}

func response(t *testing.T, status int, more string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(fmt.Sprintf("SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"+
		"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n%s"+
		"Content-Length: 0\r\n\r\n", status, more))); err != nil {
		t.Fatal(err)
	}
	return m
}

func started() (m *Memory, now *time.Time) {
	now = new(time.Unix(1e9, 0))
	return New(func() time.Time { return *now }), now
}

func TestOrder(t *testing.T) {
	const a, b, c = "udp 192.0.2.1:5060", "udp 192.0.2.2:5060", "tcp 192.0.2.1:5060"
	m, now := started()
	check := func(what string, all bool, want string, list ...string) {
		t.Helper()
		if got := order(m, all, list...); got != want {
			t.Errorf("%s: want %q, got %q", what, want, got)
		}
	}
	check("nothing failed", false, a+", "+b, a, b)
	m.Lost(at(a), transaction.ErrTransport, lasts)
	check("another is preferred", false, b+", "+c+", "+a, a, b, c)
	check("there is no other", false, a, a)
	m.Lost(at(b), transaction.ErrTimeout, lasts)
	check("two failed", false, c+", "+a+", "+b, a, b, c)
	m.Heard(at(b), response(t, 486, ""), lasts)
	check("it answers", false, b+", "+a, a, b)
	m.Heard(at(b), response(t, 503, ""), lasts)
	check("503 without Retry-After", false, b+", "+a, a, b)
	m.Heard(at(b), response(t, 503, "Retry-After: 60 (in a minute);duration=3600\r\n"), lasts)
	check("it asks to be left alone", false, a, a, b)
	check("in a dialog", true, a+", "+b, a, b)
	check("nobody is left", false, "", b)
	m.Heard(at(b), response(t, 200, ""), lasts)
	check("what was on its way says nothing", false, "", b)
	*now = now.Add(lasts)
	check("its time is over", false, a, a, b)
	*now = now.Add(lasts)
	check("all are", false, b+", "+a, b, a)
	if m.last.Load() != 0 || len(m.entries) != 0 {
		t.Error("something is left of what is over")
	}
}

// What says nothing about a target is not held against it.
func TestNoFailure(t *testing.T) {
	const a, b = "udp 192.0.2.1:5060", "udp 192.0.2.2:5060"
	m, _ := started()
	m.Lost(at(a), transaction.ErrTimerC, lasts) // it rang
	m.Lost(at(a), transaction.ErrTransport, 0)
	m.Lost(at(a), fmt.Errorf("%w: %w", transaction.ErrTransport, transport.ErrLimit), lasts) // ours
	m.Heard(at(a), response(t, 503, "Retry-After: 60\r\n"), 0)
	m.Heard(at(a), response(t, 503, "Retry-After: later\r\n"), lasts)
	m.Heard(at(a), response(t, 486, "Retry-After: 60\r\n"), lasts)
	m.Refuse(resolve.Hop{Transport: sip.UDP, Addr: at(a).Remote, Conn: 7}, lasts)
	if got := order(m, false, a, b); got != a+", "+b {
		t.Errorf("order %q", got)
	}
	if l := m.List(); len(l) != 0 {
		t.Errorf("list %v", l)
	}
	var none *Memory
	none.Lost(at(a), transaction.ErrTransport, lasts)
	none.Refuse(hops(a)[0], lasts)
	none.Heard(at(a), response(t, 503, "Retry-After: 60\r\n"), lasts)
	if got := order(none, false, a); got != a {
		t.Errorf("no memory: order %q", got)
	}
}

func TestListAndClear(t *testing.T) {
	m, now := started()
	fill := func() {
		m.Clear(netip.Addr{}, 0, sip.NoTransport)
		m.Lost(at("tcp 192.0.2.1:5060"), transaction.ErrTransport, lasts)
		m.Lost(at("udp 192.0.2.1:5060"), transaction.ErrTimeout, lasts)
		m.Lost(at("udp 192.0.2.1:5070"), transaction.ErrTimeout, lasts)
		m.Heard(at("udp [2001:db8::1]:5060"), response(t, 503, "Retry-After: 99999999999\r\n"), lasts)
	}
	fill()
	var got []string
	for _, e := range m.List() {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Transport, e.Addr, e.Reason, e.Until.Sub(e.Since)))
	}
	want := []string{
		"udp 192.0.2.1:5060 silent 30s", "tcp 192.0.2.1:5060 refused 30s",
		"udp 192.0.2.1:5070 silent 30s", "udp [2001:db8::1]:5060 busy 1h0m0s",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("want %q, got %q", want, got)
	}
	v4 := netip.MustParseAddr("192.0.2.1")
	for _, test := range []struct {
		addr netip.Addr
		port uint16
		by   sip.Transport
		want int
	}{
		{netip.Addr{}, 0, sip.NoTransport, 4},
		{v4, 0, sip.NoTransport, 3},
		{v4, 5060, sip.NoTransport, 2},
		{v4, 5060, sip.TCP, 1},
		{v4, 5061, sip.NoTransport, 0},
	} {
		fill()
		if n := m.Clear(test.addr, test.port, test.by); n != test.want || len(m.List()) != 4-n {
			t.Errorf("%+v: cleared %d, %d left", test, n, len(m.List()))
		}
	}
	fill()
	*now = now.Add(lasts)
	if n := m.Clear(v4, 0, sip.NoTransport); n != 0 {
		t.Errorf("%d cleared that were over", n)
	}
	s := m.Stats()
	if s.Live != 1 || s.Failed != [...]uint64{7, 14, 7} {
		t.Errorf("stats %+v", s)
	}
}

// Who watches is told of targets that fail and of those that are forgotten before their time, of
// each once.
func TestWatch(t *testing.T) {
	m, now := started()
	var told []string
	m.Watch(func(e Entry, failed bool) {
		told = append(told, fmt.Sprintf("%s %s %t", e.Addr, e.Reason, failed))
	})
	one, two := at("udp 192.0.2.1:5060"), at("udp 192.0.2.2:5060")
	fails := func() { m.Lost(one, transaction.ErrTimeout, lasts) }
	fails()
	fails()                                   // still
	m.Heard(one, response(t, 200, ""), lasts) // well
	m.Heard(one, response(t, 200, ""), lasts)
	fails()
	*now = now.Add(lasts + 1)
	fails() // anew, what was is over
	m.Lost(two, transaction.ErrTransport, lasts)
	m.Clear(netip.Addr{}, 0, sip.NoTransport)
	slices.Sort(told[len(told)-2:]) // forgotten in any order
	want := []string{
		"192.0.2.1:5060 silent true", "192.0.2.1:5060 silent false", "192.0.2.1:5060 silent true",
		"192.0.2.1:5060 silent true", "192.0.2.2:5060 refused true",
		"192.0.2.1:5060 silent false", "192.0.2.2:5060 refused false",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
}

func TestFullMemory(t *testing.T) {
	m, _ := started()
	m.max = 10
	for i := range 50 {
		m.Lost(at(fmt.Sprintf("udp 192.0.2.%d:5060", i)), transaction.ErrTransport, lasts)
	}
	if n := len(m.List()); n != 10 {
		t.Errorf("%d remembered, want 10", n)
	}
	got := order(m, false, "udp 192.0.2.49:5060", "udp 198.51.100.1:5060")
	if !strings.HasPrefix(got, "udp 198") {
		t.Errorf("the newest is not among them: %q", got)
	}
}

func TestOrderDoesNotAllocate(t *testing.T) {
	m, _ := started()
	list := hops("udp 192.0.2.1:5060", "udp 192.0.2.2:5060")
	if n := testing.AllocsPerRun(100, func() { m.Order(list, false) }); n != 0 {
		t.Errorf("empty: %v allocations", n)
	}
	m.Lost(at("udp 192.0.2.1:5060"), transaction.ErrTransport, lasts)
	if n := testing.AllocsPerRun(100, func() { m.Order(list, false) }); n != 0 {
		t.Errorf("one failed: %v allocations", n)
	}
}

func BenchmarkOrderOfNone(b *testing.B) {
	m, _ := started()
	list := hops("udp 192.0.2.1:5060", "udp 192.0.2.2:5060")
	for b.Loop() {
		m.Order(list, false)
	}
}
