package transport_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// socket is a driver's socket that only remembers.
type socket struct {
	env             transport.Env
	sent            []transport.Target
	started, closed int
}

func (s *socket) Listener() transport.Listener { return s.env.Listener }
func (s *socket) Start(transport.User)         { s.started++ }
func (s *socket) Close(context.Context) error  { s.closed++; return nil }
func (s *socket) Send(t transport.Target, _ []byte, _ uint64) error {
	s.sent = append(s.sent, t)
	return nil
}

// driver makes sockets, and fails for port 1.
type driver struct{ sockets []*socket }

var errTaken = errors.New("address in use")

func (d *driver) listen(e transport.Env) (transport.Socket, error) {
	if e.Listener.Addr.Port() == 1 {
		return nil, errTaken
	}
	s := &socket{env: e}
	d.sockets = append(d.sockets, s)
	return s, nil
}

func listeners(all ...string) []transport.Listener {
	var ls []transport.Listener
	for _, a := range all {
		t := sip.UDP
		if a[0] == 't' {
			t, a = sip.TCP, a[1:]
		}
		ls = append(ls, transport.Listener{Transport: t, Addr: netip.MustParseAddrPort(a)})
	}
	return ls
}

func open(ls []transport.Listener) (*transport.Manager, *driver, error) {
	d := &driver{}
	m, err := transport.NewManager(transport.Config{Listeners: ls},
		transport.Drivers{sip.UDP: d.listen, sip.TCP: d.listen})
	return m, d, err
}

func TestAllListenersOrNone(t *testing.T) {
	_, d, err := open(listeners("127.0.0.1:5060", "127.0.0.1:5061", "127.0.0.1:1"))
	if !errors.Is(err, errTaken) {
		t.Errorf("error %v, want errTaken", err)
	}
	for i, s := range d.sockets {
		if s.closed != 1 {
			t.Errorf("socket %d closed %d times, want once", i, s.closed)
		}
	}
	sctp := listeners("127.0.0.1:5060")
	sctp[0].Transport = sip.SCTP
	_, _, err = open(sctp)
	if err == nil {
		t.Error("a transport without driver: no error")
	}
	_, _, err = open([]transport.Listener{{Transport: sip.UDP}})
	if err == nil {
		t.Error("no address: no error")
	}
}

func TestSendFindsTheListener(t *testing.T) {
	m, d, err := open(listeners("t127.0.0.1:5060", "t127.0.0.1:5070", "127.0.0.1:5060"))
	if err != nil {
		t.Fatal(err)
	}
	remote := netip.MustParseAddrPort("127.0.0.9:5060")
	any := uint16(transport.AnyListener)
	id := d.sockets[1].env.NextConn()
	m.Start(nil)
	for _, test := range []struct {
		name   string
		target transport.Target
		socket int // -1: ErrNoListener
	}{
		{"by transport", transport.Target{Transport: sip.UDP, Listener: any}, 2},
		{"the first", transport.Target{Transport: sip.TCP, Listener: any}, 0},
		{"by index", transport.Target{Transport: sip.TCP, Listener: 1}, 1},
		{"by connection", transport.Target{Transport: sip.TCP, Listener: any, Conn: id}, 1},
		{"a connection of no listener", transport.Target{Transport: sip.TCP, Listener: any, Conn: 9}, 0},
		{"index of another transport", transport.Target{Transport: sip.UDP, Listener: 0}, -1},
		{"index of none", transport.Target{Transport: sip.UDP, Listener: 3}, -1},
		{"no such transport", transport.Target{Transport: sip.TLS, Listener: any}, -1},
	} {
		test.target.Remote = remote
		err := m.Send(test.target, nil, 0)
		if test.socket < 0 {
			if !errors.Is(err, transport.ErrNoListener) {
				t.Errorf("%s: %v, want ErrNoListener", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		for i, s := range d.sockets {
			if got, want := len(s.sent), i == test.socket; (got == 1) != want {
				t.Errorf("%s: socket %d sent %d, want socket %d", test.name, i, got, test.socket)
			}
			s.sent = nil
		}
	}
}

func TestIdentitiesNeverRepeat(t *testing.T) {
	_, d, err := open(listeners("t127.0.0.1:1000", "t127.0.0.1:1001"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{0: true}
	for range 1000 {
		for _, s := range d.sockets {
			id := s.env.NextConn()
			if seen[id] {
				t.Fatalf("identity %d given twice", id)
			}
			seen[id] = true
		}
	}
}

func TestChoose(t *testing.T) {
	const none = transport.AnyListener
	for _, test := range []struct {
		listeners []transport.Listener
		transport sip.Transport
		remote    string
		want      uint16
	}{
		{listeners("192.0.2.1:1", "t192.0.2.1:1"), sip.TCP, "198.51.100.1", 1},
		// The system sends from 10.9.0.9 to 10.9.0.1, and knows no way to others.
		{listeners("192.0.2.1:1", "10.9.0.9:1", "10.9.0.9:2"), sip.UDP, "10.9.0.1", 1},
		{listeners("0.0.0.0:1", "10.9.0.9:1"), sip.UDP, "10.9.0.1", 1},
		{listeners("192.0.2.1:1", "0.0.0.0:1"), sip.UDP, "10.9.0.1", 1},
		{listeners("192.0.2.1:1", "t10.9.0.9:1"), sip.UDP, "10.9.0.1", 0},
		{listeners("192.0.2.1:1"), sip.TCP, "198.51.100.1", none},
		{listeners("192.0.2.1:1"), sip.UDP, "2001:db8::1", none},
		{listeners("192.0.2.1:1", "[2001:db8::2]:1"), sip.UDP, "2001:db8::1", 1},
		{listeners("192.0.2.1:1"), sip.UDP, "::ffff:198.51.100.1", 0},
		{listeners("127.0.0.1:1", "192.0.2.1:1"), sip.UDP, "198.51.100.1", 1},
		{listeners("192.0.2.1:1", "127.0.0.1:1"), sip.UDP, "127.0.0.2", 1},
		{listeners("192.0.2.1:1", "0.0.0.0:2"), sip.UDP, "127.0.0.2", 1},
		{listeners("127.0.0.1:1", "0.0.0.0:2"), sip.UDP, "198.51.100.1", 1},
		{listeners("127.0.0.1:1"), sip.UDP, "198.51.100.1", 0},
		{listeners("192.0.2.1:1", "192.0.2.1:2"), sip.UDP, "198.51.100.1", 0},
		{nil, sip.UDP, "198.51.100.1", none},
	} {
		source := func(to netip.Addr) (from netip.Addr) {
			if to == netip.MustParseAddr("10.9.0.1") {
				from = netip.MustParseAddr("10.9.0.9")
			}
			return from
		}
		got := transport.Choose(test.listeners, test.transport, netip.MustParseAddr(test.remote), source)
		if got != test.want {
			t.Errorf("%v to %s %s: %d, want %d",
				test.listeners, test.transport, test.remote, got, test.want)
		}
	}
}

func TestGate(t *testing.T) {
	addr := netip.MustParseAddr
	g := transport.NewGate(transport.Limits{Connections: 4, PerSource: 2})
	step := func(name string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	step("first", g.Accept(addr("192.0.2.1")), true)
	step("the same, mapped", g.Accept(addr("::ffff:192.0.2.1")), true)
	step("third of one source", g.Accept(addr("192.0.2.1")), false)
	step("another", g.Accept(addr("2001:db8::1")), true)
	step("outgoing", g.Dial(addr("198.51.100.1")), true)
	step("outgoing above all", g.Dial(addr("198.51.100.1")), false)
	step("incoming above all", g.Accept(addr("192.0.2.9")), false)
	g.Hung(addr("198.51.100.1"))
	step("incoming in the quarter of dialled ones", g.Accept(addr("192.0.2.9")), false)
	g.Leave(addr("192.0.2.1"))
	step("its neighbour", g.Accept(addr("2001:db8::ffff")), true)
	g.Leave(addr("2001:db8::1"))
	step("third of one /64", g.Accept(addr("2001:db8::2")), true)
	g.Leave(addr("192.0.2.1"))
	step("room again", g.Accept(addr("192.0.2.1")), true)
	g.Leave(addr("192.0.2.1"))
	step("outgoing while one is under way", g.Dial(addr("198.51.100.1")), false)
	g.Dialled()
	step("outgoing again", g.Dial(addr("198.51.100.1")), true)
}

func TestGateOfOnePlace(t *testing.T) {
	to := netip.MustParseAddr
	g := transport.NewGate(transport.Limits{Connections: 100, PerSource: 2})
	for _, want := range []bool{true, true, false} {
		if got := g.Dial(to("2001:db8::1")); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	g.Dialled()
	if g.Dial(to("2001:db8::2")) {
		t.Error("a third to one /64")
	}
	if !g.Dial(to("192.0.2.1")) || !g.Accept(to("2001:db8::3")) {
		t.Error("others are kept out")
	}
	g.Hung(to("2001:db8::1"))
	if !g.Dial(to("2001:db8::3")) {
		t.Error("a place that was left is not given again")
	}
}

// Of handshakes, which only who calls has, all places are theirs.
func TestHandshakesHaveAllPlaces(t *testing.T) {
	g := transport.NewHandshakes(transport.Limits{Handshakes: 8})
	for i := range 9 {
		if got := g.Accept(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})); got != (i < 8) {
			t.Errorf("handshake %d: %v", i, got)
		}
	}
}

func TestReasonsHaveWords(t *testing.T) {
	seen := make(map[string]bool)
	for r := range transport.Reasons {
		w := transport.Reason(r).String()
		if w == "" || seen[w] {
			t.Errorf("reason %d: %q", r, w)
		}
		seen[w] = true
	}
}
