package scene

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"sipedge/backends"
	"sipedge/router"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// A World is a router on a network in virtual time. Scenes follow each other in
// it; one that leaves state behind leaves a world nobody should use again.
type World struct {
	net     *mem.Network
	from    time.Time // when it began
	node    *mem.Node
	router  *router.Router
	policy  *router.Policy
	forget  func() // what the policy remembers of scenes
	hosts   Hosts
	down    []Down
	scene   *Scene                  // nil: time passes between two
	open    bool                    // it meets real nodes; else its scene, which alone it sees
	timers  func(route string) bool // the timer routes that run now; nil: none
	beats   bool                    // there are timer routes: something is always to come
	busy    int                     // what is to come of the scene, beside timers of the router
	count   int                     // requests so far
	changed bool                    // bindings are not those of the start
}

// newWorld makes a world for a policy, in which nothing has begun.
func newWorld(
	net *mem.Network, doc *schema.Document, out Outside, open bool, own ...netip.Addr,
) (*World, error) {
	w := &World{
		net: net, from: net.Now(), hosts: out.Hosts, down: out.Down, open: open,
		beats: len(doc.Routes.Timer) > 0,
	}
	var err error
	if w.node, err = net.Node(Listeners(doc, own...)...); err != nil {
		return nil, err
	}
	services, diags := backends.OpenServices(doc.Backends, backends.Host{
		Log: w.log(), Alone: true, Stubs: out.Stubs,
	})
	if services == nil {
		return nil, fmt.Errorf("the policy was refused: %s", diags[0])
	}
	if err := w.bind(services, out.Bound); err != nil {
		return nil, err
	}
	cfg := router.Config{
		Locations: services.Locations, Subscribers: services.Subscribers,
		Databases: services.Database, Media: services.MediaOf, Numbers: out.Numbers,
		Sender: w.node, Resolver: w.hosts, Pool: pool{w}, Clock: net.Now, Wake: w.node.Wake,
		Timers: transaction.Timers{T1: doc.Timers.T1, T2: doc.Timers.T2, T4: doc.Timers.T4},
		Secret: [32]byte{1}, Log: w.log(), Transactions: maxLive,
		Trace: func(transport.Flow, *sip.Message) *job.Trace { return w.trace() },
		Own:   w.own, Random: func() uint64 { return 0 },
	}
	if !open {
		cfg.Sender = edge{w.node, w}
	}
	w.router = router.New(cfg)
	policy, diags := w.router.Compile(doc)
	if policy == nil {
		return nil, fmt.Errorf("the policy was refused: %s", diags[0])
	}
	w.policy = policy
	services.Each(func(_ string, b backends.Backend) {
		if s, ok := b.(*backends.Stub); ok {
			s.Begin()
		}
	})
	w.node.Advance = w.router.Advance
	w.node.Start(w.router)
	return w, nil
}

func (w *World) log() *slog.Logger { return slog.New(recorder{w: w}) }

// own says which routes run without a request. Of a world that meets real nodes
// only requests are recorded.
func (w *World) own(of schema.Place, route string) (*job.Trace, bool) {
	run := of == schema.InStartup || w.timers != nil && w.timers(route)
	if w.open {
		return nil, run
	}
	return w.trace(), run
}

func (w *World) trace() *job.Trace {
	if w.scene == nil {
		return nil
	}
	return &w.scene.Trace
}

// maxLive is how many transactions may live in a world.
const maxLive = 1 << 14

func every(string) bool { return true }

// begin starts the router, before the eyes of a scene; what its start sends leaves
// when time passes. The error is that of the startup route.
func (w *World) begin(s *Scene) error {
	w.enter(s)
	if err := w.router.Startup(w.policy); err != nil {
		return err
	}
	w.router.Swap(w.policy)
	for _, d := range w.down {
		w.router.Gateways().SetMode(d.Set, d.URI, gateway.Disabled)
	}
	w.forget = w.policy.Snapshot()
	return nil
}

func (w *World) enter(s *Scene) { s.w, w.scene, s.began = w, s, w.net.Now() }

// Set sets the time for the next scene; zero: that at which the router started, if nothing
// is still to happen, else whenever. It is false when that cannot be: something is still to
// happen, or the time is out of reach of the router's clock.
func (w *World) Set(t time.Time) bool {
	whenever := t.IsZero()
	if whenever {
		t = w.from
	}
	if w.net.Pending() > 0 || t.Before(w.from) || t.Sub(w.from) > century {
		return whenever
	}
	w.net.Set(t)
	return true
}

const century = 100 * 365 * 24 * time.Hour

// Listeners are those of a document, at addresses that one can send from: of own
// the first of the family stands for all addresses, else one made up.
func Listeners(doc *schema.Document, own ...netip.Addr) []transport.Listener {
	list := router.Listeners(doc)
	own = append(slices.Clone(own), netip.AddrFrom4([4]byte{192, 0, 2, 1}),
		netip.MustParseAddr("2001:db8::1"))
	for i := range list {
		if l := list[i].Addr; l.Addr().IsUnspecified() {
			first := slices.IndexFunc(own, func(a netip.Addr) bool { return a.Is4() == l.Addr().Is4() })
			list[i].Addr = netip.AddrPortFrom(own[first], l.Port())
		}
	}
	return list
}

// edge is the router's Sender: what it sends goes to the scene.
type edge struct {
	*mem.Node
	w *World
}

func (e edge) Send(t transport.Target, b []byte, _ uint64) error {
	if t.Listener == transport.AnyListener {
		t.Listener = e.Choose(t.Transport, t.Remote.Addr())
	}
	if int(t.Listener) >= len(e.Listeners()) {
		return transport.ErrNoListener
	}
	if s := e.w.scene; s != nil {
		s.leaves(t, b)
	}
	return nil
}

// pool runs what waits for DNS or a backend, in virtual time.
type pool struct{ w *World }

func (p pool) Go(f func(context.Context)) bool {
	p.w.after(0, func() { p.w.run(f) })
	return true
}

// run carries out a job of the pool. While it waits for a backend that takes its time others go on.
func (w *World) run(f func(context.Context)) {
	next, stop := iter.Pull(func(wait func(time.Duration) bool) {
		f(backends.WithWait(context.Background(), func(d time.Duration) { wait(d) }))
	})
	var step func()
	step = func() {
		if d, waits := next(); waits {
			w.after(d, step)
			return
		}
		stop()
	}
	step()
}

// recorder keeps what the action log writes.
type recorder struct {
	slog.Handler
	w *World
}

func (recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(_ context.Context, rec slog.Record) error {
	if rec.Message != "policy" || r.w.scene == nil {
		return nil
	}
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key == "text" {
			r.w.scene.Log = append(r.w.scene.Log, a.Value.String())
		}
		return true
	})
	return nil
}

func (r recorder) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r recorder) WithGroup(string) slog.Handler      { return r }
