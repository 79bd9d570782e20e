package mem

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"time"

	"sipedge/sip"
)

// Config of a Network. The zero value is a perfect network without delay.
type Config struct {
	Seed uint64    // of everything that is left to chance
	Link Link      // between addresses that SetLink does not name
	From time.Time // what Now says first; zero: 2000-01-01 UTC
	ICMP bool      // a datagram that nobody takes is reported to its sender by Failed
	// DialTimeout ends an attempt to connect over a dead link; 0: 5 s.
	DialTimeout time.Duration
	// Tap sees every message when it is sent and again when its fate is known. It may be nil.
	Tap func(Packet)
}

// Link is the way from one address to another. The shares are between 0 and 1.
//
// Streams are reliable: of a Link they see Delay and Jitter only, but with Loss 1
// the link is dead: nothing arrives, and connecting fails after the dial timeout.
type Link struct {
	Loss      float64       // share of datagrams that vanish
	Duplicate float64       // share that arrives twice
	Reorder   float64       // share that arrives Late after its time, so that others overtake it
	Delay     time.Duration // how long every message is under way at least
	Jitter    time.Duration // at most so much longer; the order is kept
	Late      time.Duration // 0: 20 ms
}

// Packet is one message at one moment.
type Packet struct {
	At        time.Time
	Fate      Fate
	Transport sip.Transport
	From, To  netip.AddrPort
	Data      []byte // valid until Tap returns
}

// Fate is what became of a message.
type Fate uint8

const (
	Sent      Fate = iota // it left From
	Arrived               // it is about to be received at To
	Lost                  // the link lost it
	Unclaimed             // nobody listens at To, or the connection is gone
)

// Network is the clock, the links and the nodes. It is not safe for concurrent
// use: everything happens on the goroutine that calls Step or Run, and a User's
// methods may call every method of a node and all of the network's but these two.
type Network struct {
	cfg     Config
	now     time.Duration // since cfg.From
	events  events
	seq     uint64
	rand    *rand.Rand
	sockets map[socketKey]socket
	paths   map[pathKey]*path
	conns   uint64 // identities given so far
	port    uint16 // the ephemeral port given last
	free    [][]byte
}

type socketKey struct {
	transport sip.Transport
	addr      netip.AddrPort
}

type socket struct {
	node     *Node
	listener uint16
}

type pathKey struct{ from, to netip.Addr }

type path struct {
	link  Link
	fixed bool          // by SetLink
	last  time.Duration // when the last datagram arrives that keeps the order
}

// New makes a network without nodes.
func New(cfg Config) *Network {
	if cfg.From.IsZero() {
		cfg.From = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 5 * time.Second
	}
	return &Network{
		cfg:     cfg,
		rand:    rand.New(rand.NewPCG(cfg.Seed, 0x5349502f322e30)),
		sockets: make(map[socketKey]socket),
		paths:   make(map[pathKey]*path),
		port:    49151,
	}
}

// Now is the virtual time.
func (n *Network) Now() time.Time { return n.cfg.From.Add(n.now) }

// Set sets the virtual time, forward or back. It panics while something is still to
// happen: Pending.
func (n *Network) Set(now time.Time) {
	if n.Pending() > 0 {
		panic("mem: the time is set while something is still to happen")
	}
	n.cfg.From = now.Add(-n.now)
}

// SetLink sets the way from one address to another, for what is sent from now on.
func (n *Network) SetLink(from, to netip.Addr, l Link) {
	p := n.path(from, to)
	p.link, p.fixed = l, true
}

// SetDefault replaces Config.Link.
func (n *Network) SetDefault(l Link) {
	n.cfg.Link = l
	for _, p := range n.paths {
		if !p.fixed {
			p.link = l
		}
	}
}

func (n *Network) path(from, to netip.Addr) *path {
	k := pathKey{from, to}
	p := n.paths[k]
	if p == nil {
		p = &path{link: n.cfg.Link}
		n.paths[k] = p
	}
	return p
}

// delay draws how long a message is under way.
func (n *Network) delay(l *Link) time.Duration {
	if l.Jitter <= 0 {
		return l.Delay
	}
	return l.Delay + time.Duration(n.rand.Int64N(int64(l.Jitter)))
}

func (n *Network) chance(share float64) bool { return share > 0 && n.rand.Float64() < share }

// event is something that happens at a time; those of one time happen in the order of their making.
type event struct {
	at  time.Duration
	seq uint64
	run func()
}

type events []event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, *x.(*event)) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}

func (e *events) Pop() any {
	last := len(*e) - 1
	(*e)[last].run = nil
	*e = (*e)[:last]
	return nil
}

func (n *Network) at(at time.Duration, run func()) {
	n.seq++
	heap.Push(&n.events, &event{at: max(at, n.now), seq: n.seq, run: run})
}

// At calls f when the time is t, or next if that has passed.
func (n *Network) At(t time.Time, f func()) { n.at(t.Sub(n.cfg.From), f) }

// After calls f when d has passed.
func (n *Network) After(d time.Duration, f func()) { n.at(n.now+d, f) }

// Step lets the next thing happen and moves the time there. It reports false when nothing is left.
func (n *Network) Step() bool {
	if len(n.events) == 0 {
		return false
	}
	e := n.events[0]
	heap.Pop(&n.events)
	n.now = e.at
	e.run()
	return true
}

// Run lets everything happen that is due until then, and sets the time to it.
func (n *Network) Run(until time.Time) {
	end := until.Sub(n.cfg.From)
	for len(n.events) > 0 && n.events[0].at <= end {
		n.Step()
	}
	n.now = max(n.now, end)
}

// Pending is how many things are still to happen: messages under way and timers.
func (n *Network) Pending() int { return len(n.events) }

func (n *Network) tap(f Fate, t sip.Transport, from, to netip.AddrPort, b []byte) {
	if n.cfg.Tap != nil {
		n.cfg.Tap(Packet{n.Now(), f, t, from, to, b})
	}
}

// copy keeps b until recycle.
func (n *Network) copy(b []byte) []byte {
	if last := len(n.free) - 1; last >= 0 {
		c := n.free[last]
		n.free = n.free[:last]
		return append(c[:0], b...)
	}
	return append([]byte(nil), b...)
}

// recycle takes back what copy gave, and spoils it: whoever kept a view sees nonsense.
func (n *Network) recycle(b []byte) {
	for i := range b {
		b[i] = 0xDD
	}
	n.free = append(n.free, b)
}
