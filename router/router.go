package router

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/router/auth"
	"sipedge/router/data"
	"sipedge/router/enum"
	"sipedge/router/failed"
	"sipedge/router/flow"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/natping"
	"sipedge/router/nexthop"
	"sipedge/router/proxy"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Config of a Router.
type Config struct {
	Sender   transport.Sender
	Resolver nexthop.Resolver
	Failed   *failed.Memory   // of targets; nil: none is remembered
	Pool     job.Pool         // runs what waits for DNS
	Clock    func() time.Time // nil: time.Now
	// Wake is called when Advance must run earlier than it last said. It must not block.
	Wake         func(at time.Time)
	Timers       transaction.Timers
	Transactions int          // live at most; 0: the layer's default
	Secret       [32]byte     // key of tags, branches and hashes
	Log          *slog.Logger // nil: silence
	// Subscribers finds a backend of the policy that has some; nil: there is none.
	Subscribers func(name string, columns ...string) backends.Subscribers
	// Jitter is a random time below max, by which a timer route runs later than
	// it is due; nil: none.
	Jitter func(max time.Duration) time.Duration
	// Trace is asked for every request that meets the policy; the trace it gives
	// records the decision. nil: none is recorded.
	Trace func(f transport.Flow, m *sip.Message) *job.Trace
	// Own is asked before the startup route and each run of a timer route: whether
	// it takes place, and for the trace that records it. nil: all do, unrecorded.
	Own func(of schema.Place, route string) (t *job.Trace, run bool)
	// Locations finds a location store; nil: there are none.
	Locations func(name string) backends.Locations
	// Databases finds a database; nil: nothing is read from one.
	Databases func(name string) backends.DB
	// Media finds a backend that relays media; nil: there is none.
	Media func(name string) backends.Media
	// Numbers finds what telephone numbers stand for; nil: no policy asks.
	Numbers enum.Finder
	// Ping: bindings are pinged, gateways probed and looked up as the policy says; else nobody is,
	// whatever it says.
	Ping bool
	// GatewayChanged is called when the state of a gateway has changed; nil: nobody is told. It is
	// quick.
	GatewayChanged func(gateway.Status)
	// Random has gateways chosen; nil: chance does.
	Random func() uint64
}

// Router is the user of the transport and of the transactions: it runs the
// policy for what they have no answer to. It is safe for concurrent use and
// starts no goroutine.
type Router struct {
	cfg      Config
	proxy    *proxy.Proxy
	layer    *transaction.Layer
	parked   parked
	agent    *uac.Agent
	guard    *auth.Guard
	pings    *natping.Pinger
	flows    *flow.Bindings
	gateways *gateway.Registry
	timers   timers
	policy   atomic.Pointer[Policy]
	draining atomic.Bool
	stores   stores
	count    counters
}

var (
	_ transport.User     = (*Router)(nil)
	_ transport.Unframed = (*Router)(nil)
	_ transport.Holder   = (*Router)(nil)

	_ transport.Undelivered = (*Router)(nil)
	_ transaction.User      = (*Router)(nil)
)

// New wires a Router. It answers nothing before Swap gave it a policy.
func New(cfg Config) *Router {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Router{cfg: cfg, guard: auth.NewGuard(cfg.Secret, cfg.Clock())}
	r.parked.pool = cfg.Pool
	r.proxy = proxy.New(proxy.Config{
		Sender: cfg.Sender, Resolver: cfg.Resolver, Failed: cfg.Failed, Pool: &r.parked,
		Clock: cfg.Clock, Secret: cfg.Secret, Log: cfg.Log, Trace: cfg.Trace,
	})
	way := proxy.Way{Proxy: r.proxy, Pool: cfg.Pool}
	r.agent = uac.New(uac.Config{Way: way, Log: cfg.Log})
	r.gateways = gateway.New(gateway.Config{
		Resolver: cfg.Resolver, Asker: r.agent, Pool: cfg.Pool, Clock: cfg.Clock, Log: cfg.Log,
		Random: cfg.Random, Watch: cfg.Ping, Changed: cfg.GatewayChanged,
	})
	r.layer = transaction.New(transaction.Config{
		Sender: cfg.Sender, User: r, Watch: r.gateways, Clock: cfg.Clock, Wake: cfg.Wake,
		Timers: cfg.Timers, Secret: derive(cfg.Secret, "transaction"), Max: cfg.Transactions,
	})
	r.proxy.SetLayer(r.layer)
	r.agent.SetLayer(r.layer)
	r.pings = natping.New(natping.Config{
		Sender: cfg.Sender, Way: way, Pool: cfg.Pool,
		Secret: derive(cfg.Secret, "nat ping"),
	})
	r.flows = flow.New(flow.Config{
		Pool: cfg.Pool, Wake: cfg.Wake, Began: cfg.Clock(), Ours: r.listens,
	})
	return r
}

// derive makes the key of one purpose.
func derive(secret [32]byte, purpose string) (key [16]byte) {
	sum := sha256.Sum256(append(secret[:], purpose...))
	copy(key[:], sum[:])
	return key
}

// Compile makes a policy for this Router. Its listeners are the Sender's,
// whatever the document says.
func (r *Router) Compile(doc *schema.Document) (*Policy, schema.Diagnostics) {
	return Compile(doc, r.env())
}

// env is what a policy of this Router is compiled against.
func (r *Router) env() Env {
	return Env{
		Proxy: r.proxy, Agent: r.agent, Listeners: r.cfg.Sender.Listeners(),
		Log: r.cfg.Log, Tables: r.Tables(), Locations: r.cfg.Locations,
		Guard: r.guard, Subscribers: r.cfg.Subscribers, Databases: r.cfg.Databases,
		Media: r.cfg.Media, Gateways: r.gateways,
		Numbers: r.cfg.Numbers,
		Unfit:   func() { r.count.unfit.Add(1) },
	}
}

// SetListeners tells the router of the Sender's listeners before they change: before a message
// comes or leaves by one that is new.
func (r *Router) SetListeners(all []transport.Listener) { r.proxy.SetListeners(all) }

// Tables are those of the policy that runs; nil: none runs.
func (r *Router) Tables() *data.Tables {
	if p := r.policy.Load(); p != nil {
		return p.tables
	}
	return nil
}

// Swap makes p, which this Router's Compile made, the policy of what begins from
// now on. Transactions keep theirs.
func (r *Router) Swap(p *Policy) {
	r.proxy.SetSettings(p.settings)
	r.policy.Store(p)
	r.flows.All(p.endAll)
	r.watch(p.stores)
	r.ping(p.ping)
	r.gateways.Swap(p.gateways, p.settings.Self, p.own)
	r.wake()
	r.timers.replace(r, p)
}

// Advance fires every timer due and returns when it must be called again; zero: when Wake says.
func (r *Router) Advance(now time.Time) (next time.Time) {
	next = sooner(r.layer.Advance(now), r.timers.advance(r, now))
	next = sooner(next, r.pings.Advance(now))
	next = sooner(next, r.flows.Advance(now))
	next = sooner(next, r.gateways.Advance(now))
	return sooner(next, r.expire(now))
}

// sooner is the first of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Drain refuses new dialogs from now on with 503 and Retry-After, and runs no
// timer route; what is under way goes on.
func (r *Router) Drain() { r.draining.Store(true) }

// Requests returns the counters of the router's own requests.
func (r *Router) Requests() uac.Stats { return r.agent.Stats() }

// Live is how many transactions and response contexts are in memory.
func (r *Router) Live() int64 {
	s := r.layer.Stats()
	return s.LiveServers + s.LiveClients + r.proxy.Stats().LiveContexts
}

// Idle reports whether no transaction or response context is in memory.
func (r *Router) Idle() bool { return r.Live() == 0 }

// UnderWay is how much is to come to its end before the router may end: transactions without a
// final response, messages that wait on the pool, and requests of the policy's own without an
// answer. What lingers for retransmissions is none of it, nor are pings and probes.
func (r *Router) UnderWay() int64 {
	return r.layer.Stats().Unanswered + r.parked.live.Load() + r.agent.Waiting()
}

// Panics is how many messages a panic cost.
func (r *Router) Panics() uint64 { return r.count.panics.Load() }

// Proxy returns the counters of the proxy core.
func (r *Router) Proxy() proxy.Stats { return r.proxy.Stats() }

// Auth returns the counters of who authenticates.
func (r *Router) Auth() auth.Stats { return r.guard.Stats() }

// Pings returns the counters of NAT keep-alive pings.
func (r *Router) Pings() natping.Stats { return r.pings.Stats() }

// FlowsEnded counts the bindings that ended with their connection.
func (r *Router) FlowsEnded() uint64 { return r.flows.Ended() }

// Gateways knows of the gateways of policies.
func (r *Router) Gateways() *gateway.Registry { return r.gateways }

// Transactions returns the counters of the transaction layer.
func (r *Router) Transactions() transaction.Stats { return r.layer.Stats() }

// background is the context of what cannot wait.
var background = context.Background()
