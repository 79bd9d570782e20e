package transport

import (
	"cmp"
	"net/netip"
	"sync"
	"time"
)

// Limits bound what a peer can cost. A zero field takes its default.
type Limits struct {
	Message     int           // bytes of one message received; default 65,535
	Queue       int           // bytes that may wait for one connection; default 256 KiB
	Connections int           // open at once, of all listeners and both directions; default 10,000
	PerSource   int           // at once with an IPv4 address or IPv6 /64, each way; default 1,000
	Dial        time.Duration // to connect; default 5 s
	Write       time.Duration // for the peer to take what waits; default 5 s
	Arrival     time.Duration // of a message, from its first byte to its last; default 10 s
	Idle        time.Duration // without a byte, unless a Holder keeps it; default 10 min
	Handshake   time.Duration // of a connection that was accepted; default 5 s
	Handshakes  int           // of these under way at once; default 1,000
}

// Defaults fills in what is zero.
func (l Limits) Defaults() Limits {
	return Limits{
		Message:     cmp.Or(l.Message, 65535),
		Queue:       cmp.Or(l.Queue, 256<<10),
		Connections: cmp.Or(l.Connections, 10_000),
		PerSource:   cmp.Or(l.PerSource, 1000),
		Dial:        cmp.Or(l.Dial, 5*time.Second),
		Write:       cmp.Or(l.Write, 5*time.Second),
		Arrival:     cmp.Or(l.Arrival, 10*time.Second),
		Idle:        cmp.Or(l.Idle, 10*time.Minute),
		Handshake:   cmp.Or(l.Handshake, 5*time.Second),
		Handshakes:  cmp.Or(l.Handshakes, 1000),
	}
}

// Gate counts the open connections of all listeners against the limits.
type Gate struct {
	total, incoming, perSource int

	mu       sync.Mutex
	open     int
	accepted int                // of these
	dialling int                // of these, attempts under way
	sources  map[netip.Addr]int // accepted from
	dialled  map[netip.Addr]int // opened to, or about to be
}

// NewGate returns a Gate with nobody inside. Who calls has three quarters of all places at most:
// this server must be able to dial whoever comes.
func NewGate(l Limits) *Gate {
	return &Gate{
		total: l.Connections, incoming: l.Connections - l.Connections/4, perSource: l.PerSource,
		sources: make(map[netip.Addr]int), dialled: make(map[netip.Addr]int),
	}
}

// NewHandshakes returns a Gate for handshakes with who comes: of one source a quarter at most, so
// that slow ones do not keep all others from theirs.
func NewHandshakes(l Limits) *Gate {
	g := NewGate(Limits{Connections: l.Handshakes, PerSource: (l.Handshakes + 3) / 4})
	g.incoming = g.total // nobody is dialled here
	return g
}

// Accept asks for an incoming connection to be let in. Leave takes it out again.
func (g *Gate) Accept(from netip.Addr) bool {
	from = source(from)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.total || g.accepted >= g.incoming || g.sources[from] >= g.perSource {
		return false
	}
	g.open++
	g.accepted++
	g.sources[from]++
	return true
}

// Dial asks for an outgoing connection. Dialled ends the attempt, and Hung takes the connection
// out again. Attempts are at most a quarter of all: places that do not answer must not shut out
// those who call. To one place lead no more than come from one: whoever names ports of his, by a
// Contact or the DNS, does not have all connections opened to himself.
func (g *Gate) Dial(to netip.Addr) bool {
	to = source(to)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.total || g.dialling >= (g.total+3)/4 || g.dialled[to] >= g.perSource {
		return false
	}
	g.open++
	g.dialling++
	g.dialled[to]++
	return true
}

// Dialled says that an attempt to connect has come to its end, whichever.
func (g *Gate) Dialled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dialling--
}

// Leave says that a connection has ended that was accepted from an address.
func (g *Gate) Leave(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	g.accepted--
	less(g.sources, source(from))
}

// Hung says that a connection to an address has ended, or the attempt at one.
func (g *Gate) Hung(to netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	less(g.dialled, source(to))
}

func less(count map[netip.Addr]int, a netip.Addr) {
	if count[a]--; count[a] == 0 {
		delete(count, a)
	}
}

// source is what one subscriber can choose addresses in.
func source(a netip.Addr) netip.Addr {
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
