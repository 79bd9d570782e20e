package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/certificates"
	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/events"
	"sipedge/cmd/sipedge/internal/keys"
	"sipedge/cmd/sipedge/internal/memory"
	"sipedge/cmd/sipedge/internal/systemd"
	"sipedge/router"
	"sipedge/router/data"
	"sipedge/router/enum"
	"sipedge/router/failed"
	"sipedge/router/trace"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tls"
)

// Config of a Daemon.
type Config struct {
	// Load reads the policy afresh; its results are those of schema.Load.
	Load    func() (*schema.Document, schema.Source, schema.Diagnostics, error)
	Drivers transport.Drivers
	Stderr  io.Writer                                  // the log goes here
	Env     func(name string) (value string, set bool) // ${env.NAME} in secrets
	State   string                                     // folder; "": nothing outlives the process
	Version string                                     // of the program
	Drain   time.Duration                              // how long calls may take to end after SIGTERM
}

// Problems is the error of a policy that can't run.
type Problems struct {
	Source schema.Source
	schema.Diagnostics
	Host bool // the policy is right, but not for this host: an address in use, a file missing
}

func (p *Problems) Error() string {
	n := 0
	for _, g := range p.Diagnostics {
		if g.Severity == schema.Error {
			n++
		}
	}
	switch {
	case p.Host:
		return "the policy can't be carried out here"
	case n == 1:
		return "the policy has a mistake"
	}
	return fmt.Sprintf("the policy has %d mistakes", n)
}

// Daemon is a running server.
type Daemon struct {
	cfg     Config
	log     *slog.Logger
	service systemd.Service
	level   *slog.LevelVar
	doc     *schema.Document // the policy that runs
	manager *transport.Manager
	certs   *certificates.Keeper
	data    atomic.Pointer[backends.Services] // of the policy that runs
	router  *router.Router
	names   *resolve.Resolver
	failed  *failed.Memory
	pool    *router.Pool
	admin   *http.Server
	events  *events.Hub
	calls   trace.Recorder
	series  prometheus.Gatherer
	socket  net.Listener // of operators' commands; nil: there is none
	control *control.Server
	orders  orders
	started time.Time

	generation atomic.Int64 // policies that ran, this one included
	loaded     atomic.Int64 // Unix nanoseconds: when the one of now was
	failures   atomic.Int64 // reloads refused
	draining   atomic.Bool

	clock   *clock
	lent    processors
	ends    context.Context // with the daemon
	stop    context.CancelFunc
	running sync.WaitGroup // what ends then, admin and control
}

// Start loads the policy, binds what it names and begins to route. A policy with mistakes
// is *Problems; any other error is of the system.
func Start(cfg Config) (*Daemon, error) {
	started := time.Now()
	doc, src, diags, err := cfg.Load()
	if err != nil {
		return nil, err
	}
	problems := Problems{Source: src, Diagnostics: diags}
	if doc == nil || diags.HasErrors() {
		return nil, &problems
	}
	d := &Daemon{
		cfg: cfg, level: new(slog.LevelVar), doc: doc, started: started, orders: newOrders(),
		events: events.New(),
	}
	d.log = newLogger(cfg.Stderr, doc.Log.Format, d.level)
	d.level.Set(level(doc.Log.Level))
	d.service.Log, d.calls.Log = d.log, d.log
	memory.Tune(d.log)
	if err := d.listenControl(); err != nil {
		return nil, err
	}
	if err := d.build(src); err != nil {
		d.closeControl()
		return nil, refused(err, doc, problems)
	}
	policy, more := d.router.Prove(doc, router.Ground{
		Listeners: d.manager.Listeners(), Services: d.data.Load(),
	})
	if policy == nil {
		d.close(context.Background())
		problems.Diagnostics = append(diags, more...)
		return nil, &problems
	}
	d.warn(append(diags, more...))
	if err := d.begin(policy); err != nil {
		d.close(context.Background())
		return nil, refused(err, doc, problems)
	}
	return d, nil
}

// filesEvery is how often it is looked whether tables and certificates are to be read again.
const filesEvery = time.Second

// mutexSamples: one of so many waits for a mutex is in the profile of them.
const mutexSamples = 100

// build makes the parts, bottom up; no message is read yet.
func (d *Daemon) build(src schema.Source) error {
	key, kept, err := keys.Secret(d.doc.Secrets, d.cfg.State, d.cfg.Env)
	if err != nil {
		return err
	}
	if !kept {
		d.log.Info("keys made for this run: a restart ends its calls; --state keeps them")
	}
	if d.names, err = newResolver(d.doc); err != nil {
		return err
	}
	if err := d.readCertificates(src); err != nil {
		return err
	}
	services, err := d.openServices(d.doc, src)
	if err != nil {
		return err
	}
	d.data.Store(services)
	sockets := sockets(d.doc, d.certs.Store)
	d.manager, err = transport.NewManager(sockets, d.cfg.Drivers)
	if err != nil {
		d.closeServices(services)
		return err
	}
	d.lent.own, d.lent.readers = runtime.GOMAXPROCS(0), sockets.Workers
	d.lent.lend(d.manager.Listeners())
	limits := &d.doc.Limits
	d.clock = newClock()
	d.pool = router.NewPool(limits.Pool, limits.Asks, d.log)
	d.failed = failed.New(time.Now)
	d.failed.Watch(d.events.Target)
	d.certs.Store.Tell(d.events.Certificate)
	d.router = router.New(router.Config{
		Sender:       d.manager,
		Resolver:     d.names,
		Failed:       d.failed,
		Numbers:      &enum.DNS{Resolver: d.names, Budget: d.doc.DNS.Budget},
		Pool:         d.pool,
		Wake:         d.clock.Wake,
		Jitter:       rand.N[time.Duration],
		Timers:       transaction.Timers{T1: d.doc.Timers.T1, T2: d.doc.Timers.T2, T4: d.doc.Timers.T4},
		Transactions: limits.Transactions,
		Secret:       key,
		Log:          d.log,
		Trace:        d.calls.Trace,
		Ping:         true,

		GatewayChanged: d.events.Gateway,
	})
	ctx, stop := context.WithCancel(context.Background())
	d.ends, d.stop = ctx, stop
	d.running.Go(func() { data.Watch(ctx, filesEvery, d.router.Tables, d.log) })
	return nil
}

// begin opens the doors.
func (d *Daemon) begin(policy *router.Policy) error {
	if err := d.loadServices(context.Background(), d.data.Load()); err != nil {
		return err
	}
	d.events.Watch(d.data.Load(), d.turned)
	l, err := listenAdmin(d.doc.Admin.Addr)
	if err != nil {
		return err
	}
	d.generation.Store(1)
	d.loaded.Store(time.Now().UnixNano())
	d.series = d.metrics()
	if err := d.router.Startup(policy); err != nil {
		if l != nil {
			l.Close()
		}
		return err
	}
	d.router.Swap(policy)
	d.manager.Start(d.router)
	d.running.Go(func() { d.certs.Run(d.ends, filesEvery) })
	d.running.Go(func() { memory.GiveBack(d.ends, d.router.Live, d.looped) })
	d.running.Go(func() { d.clock.run(d.ends, d.router.Advance) })
	for _, l := range d.manager.Listeners() {
		d.tellListener("listening", l)
	}
	if l != nil {
		d.log.Info("admin", "addr", l.Addr().String())
		runtime.SetMutexProfileFraction(mutexSamples)
		ready := func() bool { return !d.draining.Load() && d.data.Load().Loaded() }
		d.admin = adminServer(d.series, ready,
			&traces{&d.calls, d.log})
		d.running.Go(func() { d.serveAdmin(l) })
	}
	d.serveControl()
	d.log.Info("ready", "generation", 1, "files", d.doc.Files)
	d.service.Ready("policy of generation 1")
	d.running.Go(func() { d.service.Watch(d.ends, func() { d.router.Live() }) })
	return nil
}

func (d *Daemon) serveAdmin(l net.Listener) {
	if err := d.admin.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		d.log.Error("admin ended", "error", err)
	}
}

// warn logs what a policy that runs was warned of.
func (d *Daemon) warn(diags schema.Diagnostics) {
	for _, g := range diags {
		d.log.Warn("policy", diagnosticAttrs(g)...)
	}
}

// close ends what build and begin started, flushing what is queued until ctx ends.
func (d *Daemon) close(ctx context.Context) {
	if err := d.manager.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		d.log.Warn("closing listeners", "error", err)
	}
	d.pool.Close()
	d.stop()
	if d.admin != nil {
		d.admin.Close()
	}
	d.closeControl()
	d.running.Wait()
	d.closeServices(d.data.Load())
	d.lent.lend(nil)
}

// sockets is what a policy listens on. Secure listeners show certificates of the store.
func sockets(doc *schema.Document, certs *tls.Store) transport.Config {
	limits, listeners := &doc.Limits, router.Listeners(doc)
	for i, l := range doc.Listen {
		if len(l.Certificates) > 0 {
			listeners[i].Credentials = certs.Credentials(l.Certificates...)
		}
	}
	return transport.Config{
		Listeners: listeners,
		Workers:   cmp.Or(doc.Workers, runtime.GOMAXPROCS(0)),
		Limits: transport.Limits{
			Message: limits.Message, Queue: limits.Queue, Connections: limits.Connections,
			PerSource: limits.PerSource, Arrival: limits.MessageTime, Idle: limits.Idle,
			Handshake: limits.Handshake, Handshakes: limits.Handshakes,
		},
	}
}

func newResolver(doc *schema.Document) (*resolve.Resolver, error) {
	servers, err := dnsServers(doc.DNS.Servers)
	if err != nil {
		return nil, err
	}
	r := resolve.New(resolve.Config{
		Servers: servers, Families: families[doc.DNS.Prefer],
		Budget: doc.DNS.Budget, ServeStale: doc.DNS.Stale,
	})
	sendBy(r, router.Listeners(doc))
	return r, nil
}

// sendBy tells a resolver what listeners can send by.
func sendBy(r *resolve.Resolver, listeners []transport.Listener) {
	var by []sip.Transport
	for i := range listeners {
		if listeners[i].Bound() {
			by = append(by, listeners[i].Transport)
		}
	}
	r.SendBy(by...)
}

// families are the words of dns.prefer.
var families = map[string]resolve.Families{
	"ipv4": resolve.IPv4First, "ipv6": resolve.IPv6First,
	"ipv4_only": resolve.IPv4Only, "ipv6_only": resolve.IPv6Only,
}

// dnsServers reads addresses, port 53 unless written.
func dnsServers(list []schema.Text) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, text := range list {
		if a, err := netip.ParseAddr(text.S); err == nil {
			out = append(out, netip.AddrPortFrom(a, 53))
			continue
		}
		a, err := netip.ParseAddrPort(text.S)
		if err != nil {
			return nil, fmt.Errorf("dns: %w", err)
		}
		out = append(out, a)
	}
	return out, nil
}
