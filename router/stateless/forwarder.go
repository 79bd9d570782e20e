// Package stateless forwards requests and responses without a transaction, RFC 3261 §16.11.
// Its one law: nothing of a request is kept; what its retransmissions, its CANCEL and its responses
// need is in the branch of our Via.
package stateless

import (
	"sync"
	"sync/atomic"
	"time"

	"sipedge/router/failed"
	"sipedge/router/fault"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Config of a Forwarder.
type Config struct {
	Own    *identity.Router
	Find   nexthop.Finder
	Failed *failed.Memory // of targets; nil: none is remembered
	Pool   job.Pool
	Clock  func() time.Time
	// Trace is asked for a response; nil: none is recorded.
	Trace func(f transport.Flow, m *sip.Message) *job.Trace
	// Refuse answers a request that could not be sent.
	Refuse func(j *job.Job, f *fault.Fault) job.Verdict
}

// Settings of the policy a message runs under. They are immutable.
type Settings struct {
	Self        *job.Self
	MaxForwards int           // written when absent
	Guard       nexthop.Guard // of destinations
	Spare       time.Duration // how long a target that failed is spared; 0: not at all
	ReplyAll    job.Route     // reply.all, nil: none
}

// Forwarder forwards. It is safe for concurrent use.
type Forwarder struct {
	Counters
	cfg      Config
	scratch  sync.Pool // *scratch
	messages sync.Pool // *sip.Message
}

// Counters since the start.
type Counters struct {
	forwarded, noTarget, guarded, droppedResponses atomic.Uint64
}

// Forwarded are requests and responses that were sent on.
func (c *Counters) Forwarded() uint64 { return c.forwarded.Load() }

// NoTarget are requests whose next hop could not be reached.
func (c *Counters) NoTarget() uint64 { return c.noTarget.Load() }

// Guarded are requests the destination guard stopped, or with a Route not to be followed.
func (c *Counters) Guarded() uint64 { return c.guarded.Load() }

// DroppedResponses are those that answer no request of ours, or that a reply route dropped.
func (c *Counters) DroppedResponses() uint64 { return c.droppedResponses.Load() }

// scratch is memory for making messages.
type scratch struct {
	out   []byte // a whole message
	value []byte // of a header field
	hops  []resolve.Hop
}

// New makes a Forwarder.
func New(cfg Config) *Forwarder {
	p := &Forwarder{cfg: cfg}
	p.scratch.New = func() any { return new(scratch) }
	p.messages.New = func() any { return new(sip.Message) }
	return p
}

func (p *Forwarder) getScratch() *scratch { return p.scratch.Get().(*scratch) }

func (p *Forwarder) putScratch(s *scratch) { p.scratch.Put(s) }

// copyOf returns a message of the pool.
func (p *Forwarder) copyOf(m *sip.Message) *sip.Message {
	c := p.messages.Get().(*sip.Message)
	c.CopyFrom(m)
	return c
}

func (p *Forwarder) putMessage(m *sip.Message) {
	if m != nil {
		p.messages.Put(m)
	}
}

// sent tells a trace what left. A nil trace is told nothing.
func (p *Forwarder) sent(t *job.Trace, to transport.Target, b []byte) {
	if t != nil {
		t.Sent(p.cfg.Clock(), to, b)
	}
}

// refused tells a trace why something is refused. A nil trace is told nothing.
func (p *Forwarder) refused(t *job.Trace, why string) {
	if t != nil {
		t.Refused(p.cfg.Clock(), why)
	}
}
