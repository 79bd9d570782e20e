package mem

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// maxDatagram is what one datagram can carry, in bytes: 65,535 less the headers of IPv4 and UDP.
const maxDatagram = 65507

// ErrUnreachable is what Failed says of a datagram that nobody took, as by ICMP.
var ErrUnreachable = errors.New("port unreachable")

// Node is one host on a Network, and a transport.Sender.
type Node struct {
	// Advance, when set, is called at the times it returns (zero: none) and at
	// those Wake names: transaction.Layer's Advance.
	Advance func(now time.Time) (next time.Time)

	net       *Network
	user      transport.User
	listeners []transport.Listener
	conns     map[uint64]*end
	dialled   map[dialKey]*end
	accepted  map[dialKey]*end
	wake      time.Time // of the one wake-up that counts; zero: none
	closed    bool
}

// Node adds a host that listens there. Port 0 becomes an ephemeral port. It is an
// error when an address is taken, or is not one address. Call Start next.
func (n *Network) Node(listeners ...transport.Listener) (*Node, error) {
	node := &Node{
		net:       n,
		listeners: slices.Clone(listeners),
		conns:     make(map[uint64]*end),
		dialled:   make(map[dialKey]*end),
		accepted:  make(map[dialKey]*end),
	}
	taken := make(map[socketKey]socket)
	for i := range node.listeners {
		l := &node.listeners[i]
		if a := l.Addr.Addr(); !a.IsValid() || a.IsUnspecified() {
			return nil, fmt.Errorf("listen on %s: not one address", l.Addr)
		}
		if l.Addr.Port() == 0 {
			l.Addr = n.ephemeral(l.Addr.Addr())
		}
		k := socketKey{l.Transport, l.Addr}
		_, here := taken[k]
		if _, there := n.sockets[k]; here || there {
			return nil, fmt.Errorf("listen on %s: address in use", l.Addr)
		}
		taken[k] = socket{node, uint16(i)}
	}
	maps.Copy(n.sockets, taken)
	return node, nil
}

func (n *Network) ephemeral(a netip.Addr) netip.AddrPort {
	if n.port++; n.port < 49152 {
		n.port = 49152
	}
	return netip.AddrPortFrom(a, n.port)
}

// Start says who receives. Until then messages find nobody here and Send gives ErrClosed.
func (n *Node) Start(u transport.User) { n.user = u }

// Listeners implements transport.Sender.
func (n *Node) Listeners() []transport.Listener { return n.listeners }

// Choose implements transport.Sender. The host has a way to everybody from each of its
// addresses, and takes the one that has most leading bits in common.
func (n *Node) Choose(t sip.Transport, remote netip.Addr) uint16 {
	return transport.Choose(n.listeners, t, remote, n.source)
}

func (n *Node) source(to netip.Addr) (best netip.Addr) {
	most := -1
	for i := range n.listeners {
		a := n.listeners[i].Addr.Addr()
		if a.Is4() != to.Is4() {
			continue
		}
		if c := common(a, to); c > most {
			best, most = a, c
		}
	}
	return best
}

// common is how many leading bits two addresses of one family have in common.
func common(a, b netip.Addr) int {
	x, y, n := a.As16(), b.As16(), 0
	for i := range x {
		same := bits.LeadingZeros8(x[i] ^ y[i])
		if n += same; same < 8 {
			break
		}
	}
	return n
}

// Send implements transport.Sender.
func (n *Node) Send(t transport.Target, b []byte, ref uint64) error {
	if n.closed || n.user == nil {
		return transport.ErrClosed
	}
	if len(b) > maxDatagram {
		return transport.ErrTooLarge
	}
	if e := n.conns[t.Conn]; e != nil {
		e.send(b, ref)
		return nil
	}
	if t.Conn != 0 && t.NoDial {
		return transport.ErrClosed
	}
	if t.Listener == transport.AnyListener {
		t.Listener = n.Choose(t.Transport, t.Remote.Addr())
	}
	if int(t.Listener) >= len(n.listeners) || n.listeners[t.Listener].Transport != t.Transport {
		return transport.ErrNoListener
	}
	if t.Transport.Reliable() {
		return n.connect(t, b, ref)
	}
	n.datagram(t, b, ref)
	return nil
}

func (n *Node) datagram(t transport.Target, b []byte, ref uint64) {
	from, w := n.listeners[t.Listener].Addr, n.net
	w.tap(Sent, t.Transport, from, t.Remote, b)
	p := w.path(from.Addr(), t.Remote.Addr())
	if w.chance(p.link.Loss) {
		w.tap(Lost, t.Transport, from, t.Remote, b)
		return
	}
	copies := 1
	if w.chance(p.link.Duplicate) {
		copies = 2
	}
	for range copies {
		at := w.now + w.delay(&p.link)
		if w.chance(p.link.Reorder) {
			at += cmp.Or(p.link.Late, 20*time.Millisecond)
		} else {
			at = max(at, p.last)
			p.last = at
		}
		data := w.copy(b)
		w.at(at, func() {
			n.arrive(t, data, ref)
			w.recycle(data)
		})
	}
}

// arrive is the end of a datagram's way.
func (n *Node) arrive(t transport.Target, b []byte, ref uint64) {
	from, w := n.listeners[t.Listener].Addr, n.net
	s, ok := w.sockets[socketKey{t.Transport, t.Remote}]
	if !ok || s.node.user == nil {
		w.tap(Unclaimed, t.Transport, from, t.Remote, b)
		if w.cfg.ICMP && ref != 0 {
			n.unreachable(t, ref)
		}
		return
	}
	w.tap(Arrived, t.Transport, from, t.Remote, b)
	f := transport.Flow{Transport: t.Transport, Listener: s.listener, Local: t.Remote, Remote: from}
	s.node.user.Receive(f, b)
}

func (n *Node) unreachable(t transport.Target, ref uint64) {
	from := n.listeners[t.Listener].Addr
	f := transport.Flow{Transport: t.Transport, Listener: t.Listener, Local: from, Remote: t.Remote}
	back := n.net.path(t.Remote.Addr(), from.Addr())
	n.net.After(n.net.delay(&back.link), func() {
		if !n.closed {
			n.user.Failed(f, ref, ErrUnreachable)
		}
	})
}

// Wake asks for Advance to be called then: transaction.Config's Wake.
func (n *Node) Wake(at time.Time) {
	if !n.wake.IsZero() && !at.Before(n.wake) {
		return
	}
	n.wake = at
	n.net.At(at, func() {
		if n.closed || n.Advance == nil || !n.wake.Equal(at) {
			return // an earlier one came between
		}
		n.wake = time.Time{}
		now := n.net.Now()
		next := n.Advance(now)
		if next.IsZero() {
			return
		}
		if !next.After(now) {
			next = now.Add(time.Millisecond)
		}
		n.Wake(next)
	})
}

// Close takes the node off the network: its connections end on both sides, its addresses are free.
func (n *Node) Close() {
	if n.closed {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(n.conns)) {
		n.Hangup(id)
	}
	n.closed = true
	for _, l := range n.listeners {
		delete(n.net.sockets, socketKey{l.Transport, l.Addr})
	}
}
