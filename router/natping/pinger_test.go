package natping

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

var listeners = []transport.Listener{
	{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
	{Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
	{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5080")},
}

// ping is what a client gets.
type ping struct {
	at time.Time
	to transport.Target
	*sip.Message
}

// world is a Pinger with a store, whose clients are the test.
type world struct {
	t     testing.TB
	store Store
	*Pinger
	set    Settings
	now    time.Time
	closed map[uint64]bool // connections
	err    error           // of Send
	pings  []ping
	answer func(ping) bool // nil: nobody answers
	later  []func(context.Context)
	full   bool
}

func newWorld(t testing.TB, store Store) *world {
	w := &world{t: t, store: store, now: epoch, closed: map[uint64]bool{}}
	w.Pinger = New(Config{Sender: w, Way: w, Pool: w, Secret: [16]byte{1}})
	w.set = Settings{
		Store: store, Interval: 30 * time.Second, Lost: 3, From: "sip:ping@example.net",
		Self: job.NewSelf(listeners, []string{"example.net"}, nil),
	}
	store.Watch(func(e backends.Event) {
		if e.Kind == backends.Removed || e.Kind == backends.Expired {
			w.Forget(e.Binding.ID)
		}
	})
	w.Swap(&w.set)
	return w
}

func (w *world) Egress(dst []byte, forced uint16, hop resolve.Hop) (uint16, []byte) {
	l := forced
	if l == transport.AnyListener || listeners[l].Transport != hop.Transport {
		l = transport.Choose(listeners, hop.Transport, hop.Addr.Addr(), nil)
	}
	if l == transport.AnyListener {
		return l, dst
	}
	dst = append(append(dst, "SIP/2.0/"...), listeners[l].Transport.ViaName()...)
	return l, append(listeners[l].Addr.AppendTo(append(dst, ' ')), ";branch="...)
}

func (w *world) Listeners() []transport.Listener         { return listeners }
func (w *world) Choose(sip.Transport, netip.Addr) uint16 { return 0 }

func (w *world) Send(to transport.Target, b []byte, _ uint64) error {
	if w.err != nil {
		return w.err
	}
	if to.NoDial && w.closed[to.Conn] {
		return transport.ErrClosed
	}
	p := ping{w.now, to, nil}
	if !bytes.Equal(b, []byte("\r\n\r\n")) {
		p.Message = new(sip.Message)
		if err := p.Parse(bytes.Clone(b)); err != nil {
			w.t.Fatalf("%v\n%s", err, b)
		}
	}
	w.pings = append(w.pings, p)
	if w.answer != nil && w.answer(p) && !w.respond(p.Message, 200) {
		w.t.Fatalf("an answer is not taken for one: %s", p.Raw())
	}
	return nil
}

// respond answers a ping, and reports whether it was taken for an answer.
func (w *world) respond(m *sip.Message, status int) bool {
	r := new(sip.Message)
	if err := r.Parse(sip.AppendReply(nil, m, status, "", []byte("x"), nil)); err != nil {
		w.t.Fatal(err)
	}
	return w.Answer(r)
}

func (w *world) Go(f func(context.Context)) bool {
	if !w.full {
		w.later = append(w.later, f)
	}
	return !w.full
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); ; {
		next := w.Advance(w.now)
		if next.IsZero() || next.After(end) {
			w.now = end
			return
		}
		if !next.After(w.now) {
			w.t.Fatalf("at %v Advance wants to be called at %v", w.now, next)
		}
		w.now = next
	}
}

type change func(s *backends.Set) bool

func (c change) Apply(s *backends.Set) bool { return c(s) }

func (w *world) bind(aor string, b backends.Binding) {
	w.t.Helper()
	b.Expires, b.Modified = w.now.Add(24*time.Hour), w.now
	err := w.store.Update(w.t.Context(), []byte(aor), w.now, change(func(s *backends.Set) bool {
		if len(s.Bindings) > 0 {
			b.ID = s.Bindings[0].ID
		}
		s.Bindings = append(s.Bindings[:0], b)
		return true
	}))
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) bound(aor string) bool {
	var s backends.Set
	if err := w.store.Lookup(w.t.Context(), []byte(aor), w.now, &s); err != nil {
		w.t.Fatal(err)
	}
	return len(s.Bindings) > 0
}

func (w *world) want(s Stats) {
	w.t.Helper()
	if got := w.Stats(); got != s {
		w.t.Errorf("want %+v, got %+v", s, got)
	}
}

// natted is a binding of a phone behind a NAT.
func natted(n int) backends.Binding {
	return backends.Binding{
		Contact:  fmt.Appendf(nil, "sip:u%d@10.0.0.2:5062", n),
		Received: fmt.Appendf(nil, "sip:203.0.113.%d:%d", n%250+1, 1024+n/250),
		Listener: []byte("udp:192.0.2.1:5080"),
	}
}

func aor(n int) string { return fmt.Sprintf("u%d@example.net", n) }

func memoryStore() *memory.Store { return memory.New(backends.Names{}) }

// 50,000 phones get a ping each 30 s, as many in each tenth of a second as in any other.
func TestSpread(t *testing.T) {
	const n, rounds = 50_000, 3
	w := newWorld(t, memoryStore())
	w.answer = func(ping) bool { return true }
	for i := range n {
		w.bind(aor(i), natted(i))
	}
	w.pass(rounds * w.set.Interval)
	in := make([]int, rounds*300+1) // the first and the last are not whole
	last := map[string]time.Time{}
	for _, p := range w.pings {
		in[p.at.Sub(epoch)/(100*time.Millisecond)]++
		to := string(p.RURI())
		if before, ok := last[to]; ok {
			if gap := p.at.Sub(before); gap < w.set.Interval || gap > w.set.Interval+time.Second {
				t.Fatalf("%s: pings %v apart", to, gap)
			}
		}
		last[to] = p.at
	}
	if len(last) != n {
		t.Errorf("%d of %d bindings were pinged", len(last), n)
	}
	mean := float64(len(w.pings)) / float64(len(in))
	if all := len(w.pings); all > rounds*n || all < rounds*n*99/100 {
		t.Errorf("%d pings, want %d", all, rounds*n)
	}
	for i, got := range in[1 : len(in)-1] {
		if f := float64(got); f > 1.5*mean || f < mean/1.5 {
			t.Fatalf("%d pings in a tenth of a second, %d, the mean is %.1f", got, i+1, mean)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("%d notes of who answered", len(w.asked))
	}
	got := w.Stats()
	w.want(Stats{Sent: got.Sent, Answered: got.Sent})
}

// Few bindings are pinged in their beat, though Advance is called a little late each time.
func TestBeat(t *testing.T) {
	for _, n := range []int{1, 2, 7} {
		w := newWorld(t, memoryStore())
		w.answer = func(ping) bool { return true }
		for i := range n {
			w.bind(aor(i), natted(i))
		}
		random := rand.New(rand.NewPCG(1, uint64(n)))
		last := map[string]time.Time{}
		for end := epoch.Add(time.Hour); w.now.Before(end); {
			w.now = w.Advance(w.now).Add(time.Duration(random.IntN(10)) * time.Millisecond)
		}
		for _, p := range w.pings {
			to := string(p.RURI())
			gap := p.at.Sub(last[to])
			if off := (gap - w.set.Interval).Abs(); !last[to].IsZero() && off > 5*tick {
				t.Fatalf("%d bindings: pings %v apart", n, gap)
			}
			last[to] = p.at
		}
		if len(w.pings) < 118*n {
			t.Errorf("%d pings of %d bindings in an hour", len(w.pings), n)
		}
	}
}

// Who stops answering is forgotten after lost + 1 intervals, and nobody else.
func TestLost(t *testing.T) {
	w := newWorld(t, memoryStore())
	const n = 100
	silent := map[string]bool{}
	w.answer = func(p ping) bool { return !silent[string(p.RURI())] }
	for i := range n {
		w.bind(aor(i), natted(i))
	}
	w.pass(w.set.Interval + time.Second)
	silent["sip:u7@10.0.0.2:5062"], silent["sip:u8@10.0.0.2:5062"] = true, true
	w.pass(4 * w.set.Interval)
	for i := range n {
		if !w.bound(aor(i)) {
			t.Errorf("%s ended too early", aor(i))
		}
	}
	w.bind(aor(8), natted(8)) // it registers anew: that is a sign of life
	w.pass(w.set.Interval)
	for i := range n {
		if w.bound(aor(i)) == (i == 7) {
			t.Errorf("%s is bound: %t", aor(i), w.bound(aor(i)))
		}
	}
	if got := w.Stats().Lost; got != 1 {
		t.Errorf("%d lost", got)
	}
}

// Any response is an answer; one that somebody made up is none, nor one that came before.
func TestAnswers(t *testing.T) {
	w := newWorld(t, memoryStore())
	w.bind(aor(1), natted(1))
	w.pass(w.set.Interval + time.Second)
	if len(w.pings) != 1 {
		t.Fatalf("%d pings", len(w.pings))
	}
	first := w.pings[0].Message
	via, _ := first.TopVia()
	branch := string(via.Branch)
	for i := len(branchStart); i < len(branch); i++ {
		forged := []byte(branch)
		if forged[i]++; forged[i] == ':' || forged[i] == 'g' {
			forged[i] = '0'
		}
		text := bytes.Replace(first.Raw(), via.Branch, forged, 1)
		m := new(sip.Message)
		if err := m.Parse(text); err != nil {
			t.Fatal(err)
		}
		if w.respond(m, 200) {
			t.Fatalf("forged, and taken: %s", forged)
		}
	}
	w.want(Stats{Sent: 1})
	for range 2 {
		if !w.respond(first, 404) {
			t.Error("404 is no answer")
		}
	}
	w.want(Stats{Sent: 1, Answered: 1})
	for w.bound(aor(1)) && w.now.Before(epoch.Add(time.Hour)) {
		w.respond(first, 200) // again and again: the one who kept it
		w.pass(time.Second)
	}
	w.want(Stats{Sent: 5, Answered: 1, Lost: 1})
	seen := map[string]bool{}
	for _, p := range w.pings {
		v, _ := p.TopVia()
		for _, id := range []string{string(v.Branch), string(p.CallID())} {
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
	}
}

// How a ping looks, and which way it takes.
func TestWay(t *testing.T) {
	guard := nexthop.Guard{
		Deny:     []netip.Prefix{netip.MustParsePrefix("10.7.0.0/16")},
		Gateways: []netip.AddrPort{netip.MustParseAddrPort("10.7.0.3:5060")},
	}
	for _, c := range []struct {
		name string
		all  bool
		b    backends.Binding
		want string // transport, listener, address, connection; "": none
	}{
		{"natted", false, natted(1), "UDP 2 203.0.113.2:1024 0"},
		{"not natted", false, backends.Binding{Contact: []byte("sip:a@10.0.0.2")}, ""},
		{"not natted, but all", true, backends.Binding{Contact: []byte("sip:a@10.0.0.2?x=y")},
			"UDP 0 10.0.0.2:5060 0"},
		{"by name", true, backends.Binding{Contact: []byte("sip:a@phone.example.net")}, ""},
		{"denied", true, backends.Binding{Contact: []byte("sip:a@10.7.0.2")}, ""},
		{"loopback", true, backends.Binding{Contact: []byte("sip:a@127.0.0.1")}, ""},
		{"maddr denied", true, backends.Binding{Contact: []byte("sip:a@10.0.0.2;maddr=10.7.0.1")}, ""},
		{"denied, and who said to come from there", true, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:10.7.0.2:1")}, ""},
		{"denied, but it came from there", true, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Listener: []byte("tcp:192.0.2.1:5060"),
			Received: []byte("sip:10.7.0.2:1;transport=tcp;conn=z")}, "TCP 1 10.7.0.2:1 35"},
		{"it came from this machine", true, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:127.0.0.1:1")}, "UDP 0 127.0.0.1:1 0"},
		{"it came from a gateway", true, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:10.7.0.3:1")}, "UDP 0 10.7.0.3:1 0"},
		{"path", true, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:10.0.0.3:1"),
			Path: []byte("<sip:10.0.0.4;lr>")}, ""},
		{"listener of before", false, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:203.0.113.2:1"),
			Listener: []byte("udp:192.0.2.9:5060")}, "UDP 0 203.0.113.2:1 0"},
		{"connection", false, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Listener: []byte("tcp:192.0.2.1:5060"),
			Received: []byte("sip:203.0.113.2:1;transport=tcp;conn=z")}, "TCP 1 203.0.113.2:1 35"},
		{"IPv6, no listener for it", false, backends.Binding{
			Contact: []byte("sip:a@10.0.0.2"), Received: []byte("sip:[2001:db8::1]:1")}, ""},
		{"no contact", true, backends.Binding{Contact: []byte("mailto:a@b")}, ""},
	} {
		w := newWorld(t, memoryStore())
		w.set.All, w.set.Guard = c.all, guard
		w.Swap(&w.set)
		w.bind(aor(0), c.b)
		w.pass(w.set.Interval + time.Second)
		got := ""
		for _, p := range w.pings {
			got += fmt.Sprintf("%s %d %s %d", p.to.Transport.ViaName(), p.to.Listener, p.to.Remote,
				p.to.Conn)
			uri, _, _ := bytes.Cut(c.b.Contact, []byte("?"))
			to, _ := p.To()
			from, _ := p.From()
			if !bytes.Equal(p.RURI(), uri) || !bytes.Equal(to.URI, uri) || len(p.FromTag()) == 0 ||
				p.Method() != sip.OPTIONS || string(from.URI) != w.set.From || !p.Has(sip.MaxForwards) {
				t.Errorf("%s: %s", c.name, p.Raw())
			}
		}
		if got != c.want {
			t.Errorf("%s: want %q, got %q", c.name, c.want, got)
		}
	}
}

// A connection that ended is no answer, and nobody opens another to where none listens; what the
// router itself can't send says nothing of the client.
func TestUnsent(t *testing.T) {
	for _, c := range []struct {
		contact string
		err     error
		crlf    bool
		bound   bool
		sent    uint64
	}{
		{contact: "sip:a@10.0.0.2;transport=tcp"},
		{contact: "sip:a@10.0.0.2;transport=tcp", crlf: true},
		{contact: "sip:a@203.0.113.2;transport=tcp", sent: 4}, // where a call would go
		{contact: "sip:a@203.0.113.2;transport=tcp", crlf: true, sent: 10, bound: true},
		{contact: "sip:a@10.0.0.2", err: errors.New("network is down"), bound: true},
		{contact: "sip:a@10.0.0.2", err: transport.ErrQueueFull},
	} {
		w := newWorld(t, memoryStore())
		w.set.CRLF, w.err, w.closed[35] = c.crlf, c.err, true
		w.Swap(&w.set)
		w.bind(aor(0), backends.Binding{
			Contact: []byte(c.contact), Listener: []byte("tcp:192.0.2.1:5060"),
			Received: []byte("sip:203.0.113.2:1;transport=tcp;conn=z"),
		})
		w.pass(10*w.set.Interval + 2*time.Second)
		if got := w.bound(aor(0)); got != c.bound || w.Stats().Sent != c.sent {
			t.Errorf("%+v: bound %t, %+v", c, got, w.Stats())
		}
	}
}
