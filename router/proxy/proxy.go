package proxy

import (
	"cmp"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/router/failed"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/router/stateless"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Config of a Proxy.
type Config struct {
	Sender   transport.Sender
	Resolver nexthop.Resolver // asked for names; IP literals need none
	Failed   *failed.Memory   // of targets; nil: none is remembered
	Pool     job.Pool
	Clock    func() time.Time
	Secret   [32]byte // the keys of all tags and branches are derived from it
	Log      *slog.Logger
	// Trace is asked for a response without state; nil: none is recorded.
	Trace func(f transport.Flow, m *sip.Message) *job.Trace
}

// Proxy is the stateful and stateless proxy core, RFC 3261 §16, with
// RFC 5393. It is safe for concurrent use. Before the first message it needs
// SetLayer, since the layer's User is made of the proxy, and SetSettings.
type Proxy struct {
	cfg      Config
	layer    *transaction.Layer
	settings atomic.Pointer[Settings]
	own      *identity.Router
	find     nexthop.Finder
	contexts contexts

	stateless *stateless.Forwarder

	scratch  sync.Pool // *scratch
	messages sync.Pool // *sip.Message
	stats    counters
}

// scratch is memory for making messages.
type scratch struct {
	out   []byte // a whole message
	value []byte // of a header field
}

func New(cfg Config) *Proxy {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{cfg: cfg, own: identity.New(cfg.Sender.Listeners(), cfg.Secret[:])}
	p.find = nexthop.Finder{Sender: cfg.Sender, Resolver: cfg.Resolver}
	p.stateless = stateless.New(stateless.Config{
		Own: p.own, Find: p.find, Failed: cfg.Failed, Pool: cfg.Pool, Clock: cfg.Clock,
		Trace: cfg.Trace, Refuse: p.refuse,
	})
	p.contexts.init(p)
	p.scratch.New = func() any { return new(scratch) }
	p.messages.New = func() any { return new(sip.Message) }
	return p
}

// SetLayer names the transaction layer. It is called once, before the first message.
func (p *Proxy) SetLayer(l *transaction.Layer) { p.layer = l }

// SetListeners is identity.Router's.
func (p *Proxy) SetListeners(all []transport.Listener) { p.own.SetListeners(all) }

// Settings of the policy a request runs under. They are immutable.
type Settings struct {
	Self        *job.Self
	MaxForwards int           // written when absent; 0: 70
	Branches    int           // of one request; 0: 12
	Attempts    int           // failure routes of one transaction; 0: 8
	FinalWait   time.Duration // fr_timer, timers B and F; 0: 64·T1
	InviteWait  time.Duration // fr_inv_timer, Timer C; 0: none
	Guard       nexthop.Guard // of destinations
	UDPRequest  int           // udp_request: bytes, above which TCP is tried first; 0: 1300
	Spare       time.Duration // how long a target that failed is spared; 0: not at all
	Failover    Failover      // of relays that say nothing of it; AsSet: On
	ReplyAll    job.Route     // reply.all, nil: none
	RetryAfter  []byte        // the header line that goes with a local 503; nil: 10 s

	stateless stateless.Settings // the same, for what has no state
}

// Defaults of Settings.
const (
	defaultMaxForwards = 70 // RFC 3261 §16.6 step 3
	defaultBranches    = 12
	defaultAttempts    = 8
	defaultUDPRequest  = 1300 // RFC 3261 §18.1.1
)

// SetSettings swaps the settings for what begins from now on; transactions
// keep theirs.
func (p *Proxy) SetSettings(s *Settings) {
	own := *s
	own.MaxForwards = cmp.Or(own.MaxForwards, defaultMaxForwards)
	own.Branches = cmp.Or(own.Branches, defaultBranches)
	own.Attempts = cmp.Or(own.Attempts, defaultAttempts)
	own.UDPRequest = cmp.Or(own.UDPRequest, defaultUDPRequest)
	if own.RetryAfter == nil {
		own.RetryAfter = []byte("Retry-After: 10\r\n") // long enough for a burst to pass
	}
	own.stateless = stateless.Settings{
		Self: own.Self, MaxForwards: own.MaxForwards, Guard: own.Guard, Spare: own.Spare,
		ReplyAll: own.ReplyAll,
	}
	p.settings.Store(&own)
}

// RetryAfter is the header line that goes with a 503 of a step.
func (p *Proxy) RetryAfter() []byte { return p.settings.Load().RetryAfter }

// Guard is the destination guard of the policy that runs.
func (p *Proxy) Guard() *nexthop.Guard { return &p.settings.Load().Guard }

// Failover is whether a branch tries the other places that its name leads to, RFC 3263 §4.3.
type Failover uint8

const (
	AsSet Failover = iota
	On
	Off
)

// FailoverOf is On or Off.
func FailoverOf(on bool) Failover {
	if on {
		return On
	}
	return Off
}

// Hooks ride along with a relay.
type Hooks struct {
	Branch, Reply, Failure job.Route
	OnError                job.Route     // run instead when nothing could be sent for a local reason
	To                     []byte        // next hop URI of the policy; nil: Route, then Request-URI
	By                     nexthop.Trust // who says To
	FinalWait, InviteWait  time.Duration // 0: the settings'
	Failover               Failover      // AsSet: the settings'

	undo job.Undo // when the request does not succeed; nil: nothing
}

func (p *Proxy) getScratch() *scratch { return p.scratch.Get().(*scratch) }

func (p *Proxy) putScratch(s *scratch) { p.scratch.Put(s) }

// copyOf returns a message of the pool.
func (p *Proxy) copyOf(m *sip.Message) *sip.Message {
	c := p.messages.Get().(*sip.Message)
	c.CopyFrom(m)
	return c
}

func (p *Proxy) putMessage(m *sip.Message) {
	if m != nil {
		p.messages.Put(m)
	}
}
