package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sipedge/schema"
)

// reload swaps the whole policy, or changes nothing and says why.
func (d *Daemon) reload() {
	generation, err := d.swap()
	if err == nil {
		d.log.Info("policy reloaded", "generation", generation)
		d.generation.Store(generation)
		return
	}
	var p *Problems
	if errors.As(err, &p) {
		for _, g := range p.Diagnostics {
			d.log.Error("policy", diagnosticAttrs(g)...)
		}
	}
	d.log.Error("reload refused: the policy that runs goes on",
		"error", err, "generation", d.generation.Load())
	d.failures.Add(1)
}

// swap loads, checks and compiles beside the traffic, then swaps.
func (d *Daemon) swap() (generation int64, err error) {
	doc, src, diags, err := d.cfg.Load()
	if err != nil {
		return 0, err
	}
	if doc == nil || diags.HasErrors() {
		return 0, &Problems{src, diags}
	}
	if changed := fixed(d.doc, doc); len(changed) > 0 {
		return 0, fmt.Errorf("%s cannot change while the server runs: restart it",
			strings.Join(changed, ", "))
	}
	policy, more := d.router.Prove(doc)
	if policy == nil {
		return 0, &Problems{src, append(diags, more...)}
	}
	d.router.Swap(policy)
	d.pool.Limit(doc.Limits.Pool, doc.Limits.Asks)
	d.level.Set(level(doc.Log.Level))
	d.doc = doc
	d.warn(append(diags, more...))
	return d.generation.Load() + 1, nil
}

// fixed names what differs between two policies and is read at the start only.
func fixed(a, b *schema.Document) (changed []string) {
	differ := func(name string, different bool) {
		if different {
			changed = append(changed, name)
		}
	}
	sameListen := func(x, y schema.Listen) bool {
		x.Pos, y.Pos = schema.Pos{}, schema.Pos{}
		return x == y
	}
	sameText := func(x, y schema.Text) bool { return x.S == y.S }
	t, u := a.Timers, b.Timers
	differ("listen", !slices.EqualFunc(a.Listen, b.Listen, sameListen))
	differ("workers", a.Workers != b.Workers)
	differ("timers.T1, T2, T4", t.T1 != u.T1 || t.T2 != u.T2 || t.T4 != u.T4)
	differ("limits of transports and transactions", startLimits(a.Limits) != startLimits(b.Limits))
	differ("log.format", a.Log.Format != b.Log.Format)
	differ("admin", a.Admin.Addr != b.Admin.Addr)
	differ("secrets", a.Secrets != b.Secrets)
	differ("backends", !slices.EqualFunc(a.Backends, b.Backends, sameBackend))
	differ("dns", a.DNS.Budget != b.DNS.Budget ||
		!slices.EqualFunc(a.DNS.Servers, b.DNS.Servers, sameText))
	return changed
}

func sameBackend(a, b schema.Backend) bool {
	return a.Name == b.Name && a.Driver == b.Driver && schema.SameValue(a.Settings, b.Settings)
}

// startLimits leaves of the limits what is read at the start only.
func startLimits(l schema.Limits) schema.Limits {
	l.Branches, l.Attempts, l.MaxForwards, l.Pool, l.Asks = 0, 0, 0, 0, 0
	l.Requests = 0
	return l
}
