package natping

import (
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/siphash"
	"sipedge/sip/transport"
)

// A ping:
//
//  1. Advance visits the bindings that are due, a few under the lock of the store, and copies
//     those that are pinged.
//  2. It notes that the binding was asked; one that did not answer too often is to be removed.
//  3. The ping is sent the way a call would take.
//  4. Answer takes a response, and with it the note away.
//  5. What is to be removed is removed by the store, so that its database knows: on the pool, if
//     the store waits for one.

// Store is where the bindings are.
type Store interface {
	backends.Locations
	backends.Scanner
}

// Settings of a policy.
type Settings struct {
	Store    Store
	Interval time.Duration // between two pings of one binding
	CRLF     bool          // the ping is an empty line, RFC 5626 §3.5.1, not OPTIONS
	All      bool          // bindings are pinged, not only those that came from elsewhere
	Lost     int           // more unanswered pings in a row end the binding
	From     string        // URI
	Self     *job.Self
	Guard    nexthop.Guard
}

// Way names the way a request takes.
type Way interface {
	// Egress chooses the listener for a hop, the forced one where it suits, and appends its Via up
	// to the branch. AnyListener: none suits.
	Egress(dst []byte, forced uint16, hop resolve.Hop) (listener uint16, via []byte)
}

// Config of a Pinger.
type Config struct {
	Sender transport.Sender
	Way    Way
	Pool   job.Pool // removes bindings of a store that waits
	Secret [16]byte // key of branches
}

// Pinger pings the bindings of one store. It is safe for concurrent use. No lock is held while
// something is sent or removed, but the one by which Advance has no two turns at once.
type Pinger struct {
	cfg    Config
	key    siphash.Key
	policy atomic.Pointer[policy]

	turn  sync.Mutex // guards round and what follows; nobody waits for it
	round round
	hops  []resolve.Hop
	text  []byte

	mu       sync.Mutex // taken under locks of the store; guards what follows
	asked    map[uint64]note
	lost     []lost // to be removed
	removing bool   // somebody is at it

	sent, answered, unsent, removed atomic.Uint64
}

// policy is Settings with what is made of them once.
type policy struct {
	Settings
	template
}

// New makes a Pinger. It does nothing before Swap.
func New(cfg Config) *Pinger {
	p := &Pinger{cfg: cfg, key: siphash.NewKey(cfg.Secret[:]), asked: map[uint64]note{}}
	p.round.see = p.round.visited
	return p
}

// Swap sets whom to ping from now on and how; nil: nobody. What is known of the bindings of the
// same store stays. Advance is to be called then.
func (p *Pinger) Swap(s *Settings) {
	old := p.policy.Load()
	if s == nil || old != nil && old.Store != s.Store {
		p.mu.Lock()
		clear(p.asked)
		p.lost = nil
		p.mu.Unlock()
	}
	if s == nil {
		p.policy.Store(nil)
		return
	}
	p.policy.Store(&policy{*s, newTemplate(s.From)})
}

// Advance sends the pings that are due, and returns when it must be called again; zero: when Swap
// was called.
func (p *Pinger) Advance(now time.Time) (next time.Time) {
	set := p.policy.Load()
	if set == nil {
		return time.Time{}
	}
	if !p.turn.TryLock() {
		return now.Add(tick)
	}
	defer p.turn.Unlock()
	r := &p.round
	if !r.begin(set, now) {
		return r.next
	}
	for r.visit(now) {
		for i := range r.batch.Bindings {
			p.ping(set, now, r.aors[i], &r.batch.Bindings[i])
		}
	}
	p.remove(set.Store, now)
	return r.next
}

// Answer reports whether m, a response to no transaction, answers a ping.
func (p *Pinger) Answer(m *sip.Message) bool {
	v, ok := m.TopVia()
	if !ok {
		return false
	}
	id, at, ok := readBranch(p.key, v.Branch)
	if !ok {
		return false
	}
	p.mu.Lock()
	n, asked := p.asked[id]
	if asked = asked && at >= n.since; asked { // else it was answered before
		delete(p.asked, id)
	}
	p.mu.Unlock()
	if asked {
		p.answered.Add(1)
	}
	return true
}

// Stats are counters since the start.
type Stats struct {
	Sent     uint64 // pings
	Answered uint64
	Unsent   uint64 // the connection had ended, or the system did not take them
	Lost     uint64 // bindings that ended since they did not answer
}

// Stats returns the counters.
func (p *Pinger) Stats() Stats {
	return Stats{
		Sent: p.sent.Load(), Answered: p.answered.Load(), Unsent: p.unsent.Load(),
		Lost: p.removed.Load(),
	}
}
