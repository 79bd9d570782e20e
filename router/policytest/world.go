package policytest

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"sipedge/router"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// A world is a router on a network in virtual time, of which it sees only what
// the scene lets it see. Scenes follow each other in it; one that leaves state
// behind leaves a world nobody should use again.
type world struct {
	net    *mem.Network
	node   *mem.Node
	router *router.Router
	scene  *Scene
	count  int // scenes so far
	hosts  hosts
}

// newWorld makes a world for a policy. The diagnostics are those of compiling it.
func newWorld(doc *schema.Document, hosts hosts, from time.Time) (
	*world, schema.Diagnostics, error) {
	w := &world{net: mem.New(mem.Config{From: from}), hosts: hosts}
	node, err := w.net.Node(listeners(doc)...)
	if err != nil {
		return nil, nil, err
	}
	w.node = node
	w.router = router.New(router.Config{
		Sender: edge{node, w}, Resolver: hosts, Pool: pool{w.net}, Clock: w.net.Now, Wake: node.Wake,
		Timers: transaction.Timers{T1: doc.Timers.T1, T2: doc.Timers.T2, T4: doc.Timers.T4},
		Secret: [32]byte{1}, Log: slog.New(recorder{w: w}), Transactions: 1 << 12, Still: true,
		Trace: func(transport.Flow, *sip.Message) *job.Trace { return &w.scene.Trace },
	})
	node.Advance = w.router.Advance
	node.Start(w.router)
	policy, diags := w.router.Compile(doc)
	if policy == nil {
		return nil, diags, nil
	}
	if err := w.router.Startup(policy); err != nil {
		return nil, nil, err
	}
	w.router.Swap(policy)
	return w, diags, nil
}

// listeners are those of a document, at addresses that one can send from.
func listeners(doc *schema.Document) []transport.Listener {
	list := router.Listeners(doc)
	for i := range list {
		if a := list[i].Addr.Addr(); a.IsUnspecified() {
			own := netip.AddrFrom4([4]byte{192, 0, 2, 1})
			if a.Is6() {
				own = netip.MustParseAddr("2001:db8::1")
			}
			list[i].Addr = netip.AddrPortFrom(own, list[i].Addr.Port())
		}
	}
	return list
}

// patience is how long a scene may take, in virtual time.
const patience = 15 * time.Minute

// play lets the scene happen: a request comes, branches answer. now stops at
// what follows at once.
func (w *world) play(s *Scene, f transport.Flow, m *Message, now bool) {
	w.count++
	s.w, w.scene, s.began = w, s, w.net.Now()
	request := m.bytes(f, w.count)
	s.Request = string(request)
	w.net.After(0, func() { w.router.Receive(f, request) })
	defer s.name()
	if now {
		w.net.Run(s.began)
		return
	}
	end := s.began.Add(patience)
	for w.net.Pending() > 0 && w.net.Now().Before(end) {
		w.net.Step()
	}
	s.Panics = w.router.Stats().Panics
}

// edge is the router's Sender: what it sends goes to the scene.
type edge struct {
	*mem.Node
	w *world
}

func (e edge) Send(t transport.Target, b []byte, _ uint64) error {
	if t.Listener == transport.AnyListener {
		t.Listener = e.Choose(t.Transport, t.Remote.Addr())
	}
	if int(t.Listener) >= len(e.Listeners()) {
		return transport.ErrNoListener
	}
	e.w.scene.leaves(t, bytes.Clone(b))
	return nil
}

// pool runs what waits for DNS or a backend, in virtual time.
type pool struct{ net *mem.Network }

func (p pool) Go(f func(context.Context)) bool {
	p.net.After(0, func() { f(context.Background()) })
	return true
}

// hosts resolves names: as the author says, else to an address of their own.
type hosts struct {
	said  map[string]netip.Addr // the zero Addr: there is none
	names map[netip.Addr]string
	addrs map[string]netip.Addr
}

func newHosts() hosts {
	return hosts{map[string]netip.Addr{}, map[netip.Addr]string{}, map[string]netip.Addr{}}
}

func (h hosts) say(name string, a netip.Addr) {
	name = strings.ToLower(name)
	h.said[name] = a
	if _, taken := h.names[a]; !taken && a.IsValid() {
		h.names[a] = name
	}
}

// addr is the address of a name. Made-up ones are of 198.18.0.0/15, RFC 2544.
func (h hosts) addr(name string) netip.Addr {
	if a, ok := h.said[name]; ok {
		return a
	}
	a, ok := h.addrs[name]
	if !ok {
		n := len(h.addrs) + 1
		a = netip.AddrFrom4([4]byte{198, 18 + byte(n>>16&1), byte(n >> 8), byte(n)})
		h.addrs[name], h.names[a] = a, name
	}
	return a
}

func (h hosts) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	a, err := netip.ParseAddr(q.Host)
	if err != nil {
		a = h.addr(strings.TrimSuffix(q.Host, "."))
	}
	if !a.IsValid() {
		return dst, true, resolve.ErrNotFound
	}
	t := cmp.Or(q.Transport, sip.UDP)
	if q.Secure {
		t = sip.TLS
	}
	port := cmp.Or(q.Port, t.DefaultPort())
	return append(dst, resolve.Hop{Transport: t, Addr: netip.AddrPortFrom(a, port)}), true, nil
}

func (h hosts) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	hops, _, err := h.Cached(nil, q)
	return hops, err
}

// recorder keeps what the action log writes.
type recorder struct {
	slog.Handler
	w *world
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
