package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"sipedge/router/uac"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
)

// A round:
//
//  1. Advance looks whose probe is due, and which names may have other addresses by now.
//  2. A probe is an OPTIONS of the router's own. What comes of it is told to State.probed.
//  3. A name is asked of the resolver's cache, and when that has forgotten it, of the DNS by the
//     pool: so calls find it there. A name without an address has its gateway out.

// findEvery is how often the resolver's cache is asked for a name.
const findEvery = time.Second

// mostFinds is how many names are looked up at once: a DNS that is silent must not fill the pool.
const mostFinds = 16

// round is what is due when. Its lock is the turn of Advance.
type round struct {
	sync.Mutex
	due  map[*State]*due
	list []*due
	next time.Time
}

// due is when something of a gateway is to be done; zero: never.
type due struct {
	g           *Gateway
	probe, find time.Time
	every       time.Duration // of probe
}

// begin begins with a new policy.
func (t *round) begin() {
	if t.due == nil {
		t.due = map[*State]*due{}
	}
	t.list, t.next = t.list[:0], time.Time{}
}

// add has a gateway in the round. Probes of a period are spread by the fractions of the golden
// ratio: evenly however many there are, and one that stays keeps its place.
func (t *round) add(g *Gateway, now time.Time) {
	d := t.due[g.State]
	if d == nil {
		d = &due{find: now}
		t.due[g.State] = d
	}
	d.g = g
	if g.addr.IsValid() {
		d.find = time.Time{}
	}
	switch {
	case g.set.probe == nil:
		d.probe, d.every = time.Time{}, 0
	case d.every != g.set.probe.every:
		d.every = g.set.probe.every
		part := uint32(g.id * 2654435769)
		d.probe = now.Add(time.Duration(float64(part) / (1 << 32) * float64(d.every)))
	}
	if d.probe != (time.Time{}) || d.find != (time.Time{}) {
		t.list = append(t.list, d)
	}
}

// Advance does what is due, and returns when it must be called again; zero: when Swap was called.
func (r *Registry) Advance(now time.Time) (next time.Time) {
	if !r.cfg.Watch {
		return time.Time{}
	}
	t := &r.turn
	if !t.TryLock() {
		return now.Add(findEvery / 100)
	}
	defer t.Unlock()
	if len(*r.all.Load()) == 0 || now.Before(t.next) {
		return t.next
	}
	t.next = r.calls.age(now) // also of gateways for which nothing else is to be done
	for _, d := range t.list {
		if !d.probe.IsZero() && !d.probe.After(now) {
			d.probe = d.probe.Add((now.Sub(d.probe)/d.every + 1) * d.every)
			r.probe(d.g)
		}
		if !d.find.IsZero() && !d.find.After(now) {
			d.find = now.Add(findEvery)
			r.find(d.g)
		}
		for _, at := range [...]time.Time{d.probe, d.find} {
			if !at.IsZero() && (t.next.IsZero() || at.Before(t.next)) {
				t.next = at
			}
		}
	}
	return t.next
}

// probe asks a gateway whether it is there.
func (r *Registry) probe(g *Gateway) {
	if Mode(g.mode.Load()) == Disabled || !g.asking.CompareAndSwap(false, true) {
		return
	}
	p, begun := g.set.probe, r.cfg.Clock()
	r.cfg.Asker.Ask(r.sets.Load().own, &uac.Request{
		Method: "OPTIONS", URI: g.URI, From: p.from, HopLocal: true,
	}, p.timeout, func(status int, err error) {
		defer g.asking.Store(false)
		if errors.Is(err, uac.ErrBusy) || errors.Is(err, transaction.ErrFull) {
			return // it is not the gateway that has too much to do
		}
		g.probes.Add(1)
		now := r.cfg.Clock()
		after, good := now.Sub(begun), err == nil && p.good.have(status)
		if !good {
			after = slowest
		}
		changed := g.probed(p, good, now)
		if g.pace.took(after, now); changed {
			r.tell(g, "probes")
		}
	})
}

// know notes the addresses of a gateway as far as they are known at once.
func (r *Registry) know(g *Gateway) {
	if g.addr.IsValid() {
		return // read did
	}
	if hops, ok, err := r.cfg.Resolver.Cached(nil, g.query); ok {
		r.found(g, hops, err)
	}
}

// find looks the name of a gateway up.
func (r *Registry) find(g *Gateway) {
	hops, ok, err := r.cfg.Resolver.Cached(nil, g.query)
	switch {
	case ok:
		r.found(g, hops, err)
	case r.finds.Load() < mostFinds && g.finding.CompareAndSwap(false, true):
		r.finds.Add(1)
		done := func() { r.finds.Add(-1); g.finding.Store(false) }
		begun := r.cfg.Pool.Go(func(ctx context.Context) {
			defer done()
			hops, err := r.cfg.Resolver.Lookup(ctx, g.query)
			if ctx.Err() == nil {
				r.found(g, hops, err)
			}
		})
		if !begun {
			done()
		}
	}
}

// found takes what a name leads to.
func (r *Registry) found(g *Gateway, hops []resolve.Hop, err error) {
	if lost := err != nil || len(hops) == 0; lost != g.lost.Swap(lost) {
		if lost {
			r.cfg.Log.Warn("gateway not found: its name has no address", "set", g.set.Name,
				"gateway", string(g.URI), "error", cmp.Or(err, resolve.ErrNotFound))
		} else {
			r.cfg.Log.Info("gateway found", "set", g.set.Name, "gateway", string(g.URI))
		}
		r.cfg.Changed(g.status())
	}
	if err != nil {
		return
	}
	addrs := make([]netip.AddrPort, len(hops))
	for i := range hops {
		at := hops[i].Addr
		addrs[i] = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	g.addrs.Store(&addrs)
}
