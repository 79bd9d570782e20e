package proxyheader

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"sipedge/sip/transport"
)

// Listener is a listener behind proxies. What it accepts comes from the client.
type Listener struct {
	net.Listener
	env   transport.Env
	ready chan accepted
	end   chan struct{}
	work  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	pending map[net.Conn]struct{} // whose header has not come
}

type accepted struct {
	nc  net.Conn
	err error
}

// Listen makes l one behind e.Listener.Proxies: their connections begin with a header, which has
// Limits.Arrival to come; one that does not, or is none, ends the connection, counted in
// Stats.Unproxied. Those of others begin with SIP. Of all connections a quarter may wait for a
// header at once. Without proxies it is l itself.
func Listen(e transport.Env, l net.Listener) net.Listener {
	if len(e.Listener.Proxies) == 0 {
		return l
	}
	p := &Listener{
		Listener: l, env: e, ready: make(chan accepted), end: make(chan struct{}),
		pending: make(map[net.Conn]struct{}),
	}
	p.work.Go(p.acceptAll)
	return p
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.nc, a.err
	case <-l.end:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It waits for its goroutines.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.closed = true
	for nc := range l.pending {
		_ = nc.Close()
	}
	l.mu.Unlock()
	close(l.end)
	err := l.Listener.Close()
	l.work.Wait()
	return err
}

func (l *Listener) acceptAll() {
	for {
		nc, err := l.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil || !l.proxy(nc):
			l.give(nc, err)
		case !l.wait(nc):
			l.env.Stats.Refused.Add(1)
			_ = nc.Close()
		default:
			l.work.Go(func() { l.greet(nc) })
		}
	}
}

// proxy reports whether a connection is of one of the proxies.
func (l *Listener) proxy(nc net.Conn) bool {
	from := addr(nc)
	return slices.ContainsFunc(l.env.Listener.Proxies,
		func(p netip.Prefix) bool { return p.Contains(from) })
}

func addr(nc net.Conn) netip.Addr {
	a, ok := nc.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap().WithZone("")
}

// give hands a connection to Accept.
func (l *Listener) give(nc net.Conn, err error) {
	select {
	case l.ready <- accepted{nc, err}:
	case <-l.end:
		if nc != nil {
			_ = nc.Close()
		}
	}
}

// wait takes a connection among those that wait, if there is room.
func (l *Listener) wait(nc net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.pending) >= (l.env.Limits.Connections+3)/4 {
		return false
	}
	l.pending[nc] = struct{}{}
	return true
}

// greet reads the header of a connection.
func (l *Listener) greet(nc net.Conn) {
	_ = nc.SetReadDeadline(time.Now().Add(l.env.Limits.Arrival))
	client, err := read(nc)
	l.mu.Lock()
	delete(l.pending, nc)
	closed := l.closed
	l.mu.Unlock()
	if err != nil {
		if !closed {
			l.env.Stats.Unproxied.Add(1)
		}
		_ = nc.Close()
		return
	}
	_ = nc.SetReadDeadline(time.Time{})
	if client.IsValid() {
		nc = conn{nc, net.TCPAddrFromAddrPort(client)}
	}
	l.give(nc, nil)
}

// conn is a connection on behalf of a client.
type conn struct {
	net.Conn
	client net.Addr
}

// RemoteAddr implements net.Conn.
func (c conn) RemoteAddr() net.Addr { return c.client }

// Plain is the connection itself, behind the header; nil: it is not TCP.
func (c conn) Plain() *net.TCPConn {
	plain, _ := c.Conn.(*net.TCPConn)
	return plain
}

// CloseWrite is that of the connection, where it has one.
func (c conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}
