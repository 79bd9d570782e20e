package backendtest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server, and can fall silent: connections stay, are taken,
// and nothing comes through. It can be slow, too.
type Proxy struct {
	Addr string
	to   string
	l    net.Listener

	mu     sync.Mutex
	thawed *sync.Cond
	frozen bool
	slow   time.Duration // each answer comes so much later
	conns  map[net.Conn]bool
	closed bool
}

// NewProxy listens on a port of its own for connections to a TCP address, until the test ends.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), to: to, l: l, conns: map[net.Conn]bool{}}
	p.thawed = sync.NewCond(&p.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		p.closed = true
		for c := range p.conns {
			c.Close()
		}
		p.thawed.Broadcast()
		p.mu.Unlock()
		wg.Wait()
	})
	return p
}

// Freeze lets nothing through any more.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// Thaw lets everything through again, what was held back first.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	p.thawed.Broadcast()
}

// Slow has each answer of the server come so much later; 0: at once, those under way too.
func (p *Proxy) Slow(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = by
}

// linger waits as long as answers take.
func (p *Proxy) linger() {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		over := p.closed || time.Since(began) >= p.slow
		p.mu.Unlock()
		if over {
			return
		}
	}
}

// pass waits while it is frozen; false: it is over.
func (p *Proxy) pass() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.frozen && !p.closed {
		p.thawed.Wait()
	}
	return !p.closed
}

func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) serve(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	if !p.pass() {
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	done := make(chan struct{}, 2)
	for i, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			io.Copy(gatedWriter{p, way[1], i == 1}, way[0])
			way[0].Close()
			way[1].Close()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
}

// gatedWriter writes while the proxy is not frozen.
type gatedWriter struct {
	p       *Proxy
	w       io.Writer
	answers bool
}

func (g gatedWriter) Write(b []byte) (int, error) {
	if g.answers {
		g.p.linger()
	}
	if !g.p.pass() {
		return 0, io.ErrClosedPipe
	}
	return g.w.Write(b)
}
