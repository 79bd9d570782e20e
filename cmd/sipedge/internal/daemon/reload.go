package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"sipedge/cmd/sipedge/internal/events"
	"sipedge/router"
	"sipedge/schema"
)

// reloadUntil reloads as long as the server is not told to end, which end carries out: a store may
// take long to read what it has. A SIGHUP meanwhile has the policy that is there by then be read as
// well.
func (d *Daemon) reloadUntil(signals <-chan os.Signal) (r result, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan result, 1)
	begin := func() { done <- d.reload(ctx) }
	go begin()
	for again := false; ; {
		select {
		case r = <-done:
			if !again {
				return r, nil
			}
			again = false
			go begin()
		case s := <-signals:
			if s != syscall.SIGHUP {
				cancel()
				return <-done, func() { d.drainBy(s, signals) }
			}
			again = true
		case o := <-d.orders.end:
			cancel()
			return <-done, func() { d.endBy(o, signals) }
		}
	}
}

// reload swaps the whole policy, or changes nothing and says why.
func (d *Daemon) reload(ctx context.Context) result {
	d.service.Reloading()
	warnings, err := d.swap(ctx)
	if err == nil {
		generation := d.generation.Load() + 1
		d.log.Info("policy reloaded", "generation", generation)
		d.loaded.Store(time.Now().UnixNano())
		d.generation.Store(generation)
		d.service.Ready(fmt.Sprintf("policy of generation %d", generation))
		d.events.Publish(events.PolicyReload, events.Reload{Status: "done", Generation: generation})
		return result{generation: generation, problems: *warnings}
	}
	var p *Problems
	if errors.As(err, &p) {
		for _, g := range p.Diagnostics {
			d.log.Log(context.Background(), logged[g.Severity], "policy", diagnosticAttrs(g)...)
		}
	}
	d.log.Error("reload refused: the policy that runs goes on",
		"error", err, "generation", d.generation.Load())
	d.failures.Add(1)
	d.service.Ready(fmt.Sprintf("policy of generation %d goes on, a reload was refused: %v",
		d.generation.Load(), err))
	d.events.Publish(events.PolicyReload, events.Reload{
		Status: "failed", Generation: d.generation.Load(), Error: err.Error(),
	})
	return result{err: err}
}

// logged is at which level what is found in a policy that was refused is logged.
var logged = map[schema.Severity]slog.Level{
	schema.Error: slog.LevelError, schema.Warning: slog.LevelWarn,
}

// unfitError is of a policy without mistakes that can't be carried out here and now.
type unfitError struct{ error }

func (e *unfitError) Unwrap() error { return e.error }

// swap loads, checks and compiles beside the traffic, then swaps. It waits for stores that are new
// as long as ctx lasts.
func (d *Daemon) swap(ctx context.Context) (warnings *Problems, err error) {
	doc, src, diags, err := d.cfg.Load()
	if err != nil {
		return nil, err
	}
	problems := Problems{Source: src, Diagnostics: diags}
	if doc == nil || diags.HasErrors() {
		return nil, &problems
	}
	if changed := fixed(d.doc, doc); len(changed) > 0 {
		return nil, &unfitError{fmt.Errorf("%s cannot change while the server runs: restart it",
			strings.Join(changed, ", "))}
	}
	certificates, bad := d.certs.Prepare(doc)
	if bad.HasErrors() {
		return nil, &Problems{src, append(diags, bad...), true}
	}
	diags = append(diags, bad...)
	services, added, err := d.addServices(ctx, doc, src)
	if err != nil {
		return nil, err
	}
	listeners, err := d.manager.Prepare(sockets(doc, d.certs.Store).Listeners)
	if err != nil {
		d.closeServices(added)
		return nil, refused(&unfitError{err}, doc, problems)
	}
	policy, more := d.router.Prove(doc, router.Ground{
		Listeners: listeners.Listeners(), Services: services,
	})
	problems.Diagnostics = append(diags, more...)
	if policy == nil {
		d.closeServices(added)
		return nil, errors.Join(&problems, listeners.Drop())
	}
	d.certs.Use(certificates)
	d.replace(policy, listeners)
	d.replaceServices(services)
	d.doc = doc
	d.pool.Limit(doc.Limits.Pool, doc.Limits.Asks)
	d.level.Set(level(doc.Log.Level))
	d.warn(problems.Diagnostics)
	return &problems, nil
}

// fixed names what differs between two policies and is read at the start only.
func fixed(a, b *schema.Document) (changed []string) {
	differ := func(name string, different bool) {
		if different {
			changed = append(changed, name)
		}
	}
	sameText := func(x, y schema.Text) bool { return x.S == y.S }
	t, u := a.Timers, b.Timers
	differ("workers", a.Workers != b.Workers)
	differ("timers.T1, T2, T4", t.T1 != u.T1 || t.T2 != u.T2 || t.T4 != u.T4)
	differ("limits of transports and transactions", startLimits(a.Limits) != startLimits(b.Limits))
	differ("log.format", a.Log.Format != b.Log.Format)
	differ("admin", a.Admin.Addr != b.Admin.Addr || a.Admin.Socket.S != b.Admin.Socket.S)
	differ("secrets", a.Secrets != b.Secrets)
	differ("dns", a.DNS.Budget != b.DNS.Budget || a.DNS.Prefer != b.DNS.Prefer ||
		a.DNS.Stale != b.DNS.Stale || !slices.EqualFunc(a.DNS.Servers, b.DNS.Servers, sameText))
	return changed
}

// startLimits leaves of the limits what is read at the start only.
func startLimits(l schema.Limits) schema.Limits {
	l.Branches, l.Attempts, l.MaxForwards, l.Pool, l.Asks = 0, 0, 0, 0, 0
	l.Requests, l.UDPRequest = 0, 0
	return l
}
