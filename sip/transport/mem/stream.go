package mem

import (
	"errors"
	"net/netip"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

var (
	// ErrRefused is what Failed says when nobody listens there.
	ErrRefused = errors.New("connection refused")
	// ErrDialTimeout is what Failed says when the link to there is dead.
	ErrDialTimeout = errors.New("connecting timed out")
)

// dialKey finds the connection this node opened; those it accepted are found by identity only.
type dialKey struct {
	transport sip.Transport
	listener  uint16
	remote    netip.AddrPort
}

// end is one of the two ends of a connection.
type end struct {
	node    *Node
	flow    transport.Flow
	peer    *end          // nil: not accepted
	waiting []waiting     // sent before the connection was there
	open    bool          // messages can leave
	over    bool          // it has ended here
	last    time.Duration // when what was sent last arrives
}

type waiting struct {
	data []byte
	ref  uint64
}

func (n *Node) connect(t transport.Target, b []byte, ref uint64) error {
	k := dialKey{t.Transport, t.Listener, t.Remote}
	e := n.dialled[k]
	if e == nil && t.Accepted && t.Conn == 0 {
		e = n.accepted[k]
	}
	if e == nil {
		if t.NoDial {
			return transport.ErrClosed
		}
		e = n.dial(k)
	}
	e.send(b, ref)
	return nil
}

// dial begins what takes three steps: the far node accepts or refuses, we hear
// of it, what waits leaves.
func (n *Node) dial(k dialKey) *end {
	w := n.net
	local := w.ephemeral(n.listeners[k.listener].Addr.Addr())
	e := n.end(transport.Flow{
		Transport: k.transport, Listener: k.listener, Local: local, Remote: k.remote,
	})
	n.dialled[k] = e
	p := w.path(local.Addr(), k.remote.Addr())
	if p.link.Loss >= 1 {
		w.After(w.cfg.DialTimeout, func() { e.fail(ErrDialTimeout) })
		return e
	}
	w.After(w.delay(&p.link), func() { w.accept(e) })
	return e
}

func (n *Node) end(f transport.Flow) *end {
	n.net.conns++
	f.Conn = n.net.conns
	e := &end{node: n, flow: f}
	n.conns[f.Conn] = e
	return e
}

func (n *Network) accept(e *end) {
	back := n.path(e.flow.Remote.Addr(), e.flow.Local.Addr())
	s, ok := n.sockets[socketKey{e.flow.Transport, e.flow.Remote}]
	switch {
	case e.over:
		return
	case !ok || s.node.user == nil:
		n.After(n.delay(&back.link), func() { e.fail(ErrRefused) })
		return
	}
	p := s.node.end(transport.Flow{
		Transport: e.flow.Transport, Listener: s.listener,
		Local: e.flow.Remote, Remote: e.flow.Local,
	})
	p.peer, e.peer, p.open = e, p, true
	s.node.accepted[p.key()] = p
	p.last = n.now + n.delay(&back.link)
	n.at(p.last, func() {
		if e.over {
			return
		}
		e.open = true
		for _, m := range e.waiting {
			e.transmit(m.data)
		}
		e.waiting = nil
	})
}

func (e *end) send(b []byte, ref uint64) {
	w := e.node.net
	w.tap(Sent, e.flow.Transport, e.flow.Local, e.flow.Remote, b)
	data := w.copy(b)
	if !e.open {
		e.waiting = append(e.waiting, waiting{data, ref})
		return
	}
	e.transmit(data)
}

// transmit puts data on the way, behind everything that left before.
func (e *end) transmit(data []byte) {
	w := e.node.net
	f := &e.flow
	p := w.path(f.Local.Addr(), f.Remote.Addr())
	if p.link.Loss >= 1 {
		w.tap(Lost, f.Transport, f.Local, f.Remote, data)
		w.recycle(data)
		return
	}
	e.last = max(e.last, w.now+w.delay(&p.link))
	w.at(e.last, func() {
		if e.peer.over {
			w.tap(Unclaimed, f.Transport, f.Local, f.Remote, data)
		} else {
			w.tap(Arrived, f.Transport, f.Local, f.Remote, data)
			e.peer.node.user.Receive(e.peer.flow, data)
		}
		w.recycle(data)
	})
}

// fail ends a connection that never was.
func (e *end) fail(err error) {
	if e.over {
		return
	}
	e.forget()
	for _, m := range e.waiting {
		if m.ref != 0 {
			e.node.user.Failed(e.flow, m.ref, err)
		}
		e.node.net.recycle(m.data)
	}
	e.waiting = nil
}

// forget makes e unreachable for Send.
func (e *end) forget() {
	e.over = true
	delete(e.node.conns, e.flow.Conn)
	for _, by := range []map[dialKey]*end{e.node.dialled, e.node.accepted} {
		if k := e.key(); by[k] == e {
			delete(by, k)
		}
	}
}

func (e *end) key() dialKey { return dialKey{e.flow.Transport, e.flow.Listener, e.flow.Remote} }

// Hangup ends the connection; what was sent before still arrives, then the peer sees the end.
// The node's own User hears of it before Hangup returns.
func (n *Node) Hangup(conn uint64) {
	e := n.conns[conn]
	if e == nil {
		return
	}
	opened := e.open
	e.fail(transport.ErrClosed)
	if opened {
		n.user.Closed(e.flow)
	}
	if e.peer == nil {
		return
	}
	p := n.net.path(e.flow.Local.Addr(), e.flow.Remote.Addr())
	n.net.at(max(e.last, n.net.now+n.net.delay(&p.link)), e.peer.hungUp)
}

// hungUp is what the end of the other side does to this one.
func (e *end) hungUp() {
	if e.over {
		return
	}
	e.fail(transport.ErrClosed)
	e.node.user.Closed(e.flow)
}
