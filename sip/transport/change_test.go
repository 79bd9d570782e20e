package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// change makes a change as a reload does.
func change(t *testing.T, m *transport.Manager, want []transport.Listener) *transport.Change {
	t.Helper()
	c, err := m.Prepare(want)
	if err != nil {
		t.Fatal(err)
	}
	c.Open()
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	return c
}

func same(t *testing.T, what string, got, want []transport.Listener) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}, netip.Prefix{}),
		cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: want, got:\n%s", what, diff)
	}
}

// A listener keeps its place while others come and go, and has it again when it comes back.
func TestChangeKeepsPlaces(t *testing.T) {
	one := listeners("203.0.113.1:5060", "203.0.113.2:5060", "203.0.113.3:5060")
	a, b, c := one[0], one[1], one[2]
	var none transport.Listener
	m, d, err := open([]transport.Listener{a, b})
	if err != nil {
		t.Fatal(err)
	}
	m.Start(nil)
	remote := netip.MustParseAddr("203.0.113.200")
	for _, step := range []struct {
		name                 string
		want                 []transport.Listener
		places               []transport.Listener
		added, removed       []transport.Listener
		first                uint16 // of Choose
		opened, started, end string // by socket, in the order they were opened
	}{
		{"the same", []transport.Listener{a, b}, []transport.Listener{a, b}, nil, nil, 0,
			"ab", "11", "00"},
		{"in another order", []transport.Listener{b, a}, []transport.Listener{a, b}, nil, nil, 1,
			"ab", "11", "00"},
		{"another first", []transport.Listener{c, b}, []transport.Listener{none, b, c},
			[]transport.Listener{c}, []transport.Listener{a}, 2, "abc", "111", "100"},
		{"back", []transport.Listener{b, a}, []transport.Listener{a, b, none},
			[]transport.Listener{a}, []transport.Listener{c}, 1, "abca", "1111", "1010"},
		{"none", nil, []transport.Listener{none, none, none}, nil, []transport.Listener{a, b},
			transport.AnyListener, "abca", "1111", "1111"},
	} {
		done := change(t, m, step.want)
		same(t, step.name+": places", m.Listeners(), step.places)
		same(t, step.name+": added", done.Added, step.added)
		same(t, step.name+": removed", done.Removed, step.removed)
		if got := m.Choose(sip.UDP, remote); got != step.first {
			t.Errorf("%s: Choose %d, want %d", step.name, got, step.first)
		}
		var opened, started, ended string
		for _, s := range d.sockets {
			opened += string('a' + rune(slices.IndexFunc(one, func(l transport.Listener) bool {
				return l.Addr == s.env.Listener.Addr
			})))
			started += fmt.Sprint(s.started)
			ended += fmt.Sprint(s.closed)
		}
		if opened != step.opened || started != step.started || ended != step.end {
			t.Errorf("%s: sockets %s started %s closed %s, want %s %s %s",
				step.name, opened, started, ended, step.opened, step.started, step.end)
		}
	}
	same(t, "places that were", m.Places(), one)
	if n := len(m.Stats()); n != len(one) {
		t.Errorf("%d counters, want %d", n, len(one))
	}
	if i := d.sockets[3].env.Index; i != 0 {
		t.Errorf("the one that came back has place %d, want 0", i)
	}
}

// What can't be bound changes nothing, and what was bound beside it is let go of.
func TestChangeFails(t *testing.T) {
	had := listeners("203.0.113.1:5060", "203.0.113.2:5060")
	m, d, err := open(had)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(nil)
	_, err = m.Prepare(listeners("203.0.113.2:5060", "203.0.113.3:5060", "127.0.0.1:1"))
	if !errors.Is(err, errTaken) {
		t.Errorf("error %v, want errTaken", err)
	}
	given, err := m.Prepare(listeners("203.0.113.4:5060"))
	if err != nil {
		t.Fatal(err)
	}
	if err := given.Drop(); err != nil {
		t.Error(err)
	}
	same(t, "listeners", m.Listeners(), had)
	for i, want := range []int{0, 0, 1, 1} {
		if d.sockets[i].closed != want {
			t.Errorf("socket %d closed %d times, want %d", i, d.sockets[i].closed, want)
		}
	}
}

// Another name in messages needs no other socket.
func TestChangeAdvertised(t *testing.T) {
	ls := listeners("203.0.113.1:5060")
	m, d, err := open(ls)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(nil)
	ls[0].Advertised = "sip.example.net"
	change(t, m, ls)
	same(t, "listeners", m.Listeners(), ls)
	if len(d.sockets) != 1 || d.sockets[0].closed != 0 {
		t.Errorf("%d sockets, the first closed %d times", len(d.sockets), d.sockets[0].closed)
	}
}

// Nothing leaves by a listener that was removed: not what knows its place, not what knows a
// connection of it.
func TestSendAfterChange(t *testing.T) {
	ls := listeners("t203.0.113.1:5060", "t203.0.113.2:5060")
	m, d, err := open(ls)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(nil)
	conn := d.sockets[0].env.NextConn()
	change(t, m, ls[1:])
	to := transport.Target{Transport: sip.TCP, Remote: netip.MustParseAddrPort("203.0.113.9:5060")}
	if err := m.Send(to, nil, 0); !errors.Is(err, transport.ErrNoListener) {
		t.Errorf("by place: %v, want ErrNoListener", err)
	}
	to.Conn, to.Listener = conn, transport.AnyListener
	if err := m.Send(to, nil, 0); err != nil || len(d.sockets[1].sent) != 1 {
		t.Errorf("by connection: %v, the other listener sent %v", err, d.sockets[1].sent)
	}
}

// Places are bounded, since each is kept.
func TestPlacesAreBounded(t *testing.T) {
	m, _, err := open(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(nil)
	for i := range 1024 {
		change(t, m, listeners(fmt.Sprintf("203.0.113.1:%d", 2000+i)))
	}
	if _, err := m.Prepare(listeners("203.0.113.1:9000")); err == nil {
		t.Error("one place more than there may be: no error")
	}
	change(t, m, listeners("203.0.113.1:2000"))
}
