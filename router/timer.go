package router

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
)

// timer is a timer route of a policy.
type timer struct {
	route *route
	every time.Duration
}

// timers run the timer routes of the policy that runs, by the router's clock:
// the first time when a period has passed, never two runs of one at once.
type timers struct {
	mu   sync.Mutex
	runs []*periodic
	soon []func() // by the startup route: when the time first passes
}

// periodic is a timer route in its course. Its fields are guarded by the mutex
// of timers.
type periodic struct {
	timer
	policy  *Policy
	base    time.Time // due, but for the jitter
	at      time.Time
	running bool
}

// mostJitter is the most by which a run is late: a fiftieth of the period, and a second.
func (p *periodic) mostJitter() time.Duration { return min(p.every/50, time.Second) }

// schedule sets when the next run is due: at base, which is in the future.
func (p *periodic) schedule(r *Router) {
	p.at = p.base
	if r.cfg.Jitter != nil {
		p.at = p.base.Add(r.cfg.Jitter(p.mostJitter()))
	}
}

// replace ends the timers of the policy before and begins those of p.
func (t *timers) replace(r *Router, p *Policy) {
	now := r.cfg.Clock()
	t.mu.Lock()
	t.runs = nil
	var next time.Time
	for _, route := range p.timers {
		run := &periodic{timer: route, policy: p, base: now.Add(route.every)}
		run.schedule(r)
		t.runs = append(t.runs, run)
		if next.IsZero() || run.at.Before(next) {
			next = run.at
		}
	}
	t.mu.Unlock()
	if !next.IsZero() && r.cfg.Wake != nil {
		r.cfg.Wake(next)
	}
}

// advance begins what is due and returns when the next is; zero: never.
func (t *timers) advance(r *Router, now time.Time) (next time.Time) {
	t.mu.Lock()
	soon := t.soon
	t.soon = nil
	var due []*periodic
	for _, p := range t.runs {
		if !p.at.After(now) {
			if p.running || r.draining.Load() {
				r.count.skipped.Add(1)
			} else {
				p.running = true
				due = append(due, p)
			}
			missed := now.Sub(p.base) / p.every // time jumped
			p.base = p.base.Add((missed + 1) * p.every)
			p.schedule(r)
		}
		if next.IsZero() || p.at.Before(next) {
			next = p.at
		}
	}
	t.mu.Unlock()
	for _, f := range soon {
		f()
	}
	for _, p := range due {
		if !r.cfg.Pool.Go(func(ctx context.Context) { t.run(ctx, r, p) }) {
			r.count.skipped.Add(1)
			t.ended(p)
		}
	}
	return next
}

func (t *timers) run(ctx context.Context, r *Router, p *periodic) {
	defer t.ended(p)
	if j := r.job(schema.InTimer, p.policy, p.route); j != nil {
		p.route.Run(ctx, j)
		j.Ended()
		job.Put(j)
	}
}

func (t *timers) ended(p *periodic) {
	t.mu.Lock()
	p.running = false
	t.mu.Unlock()
}

// job is one for a run without a message; nil: it does not take place.
func (r *Router) job(of schema.Place, p *Policy, route *route) *job.Job {
	var trace *job.Trace
	if r.cfg.Own != nil {
		t, run := r.cfg.Own(of, route.name)
		if !run {
			return nil
		}
		trace = t
	}
	j := job.Get()
	j.Place, j.Now, j.Self, j.Trace = of, r.cfg.Clock(), p.settings.Self, trace
	j.MayWait = true
	return j
}

// Startup runs the startup route of p, which this Router's Compile made: once,
// before the first message and before Swap. What it sends leaves when Advance is
// next called. The error is that of a step.
func (r *Router) Startup(p *Policy) (err error) {
	if p.startup == nil {
		return nil
	}
	j := r.job(schema.InStartup, p, p.startup)
	if j == nil {
		return nil
	}
	if p.startup.Run(background, j); j.Err != nil {
		return fmt.Errorf("startup: %w", j.Err)
	}
	r.timers.mu.Lock()
	r.timers.soon = append(r.timers.soon, j.Ended)
	r.timers.mu.Unlock()
	if r.cfg.Wake != nil {
		r.cfg.Wake(j.Now)
	}
	return nil
}
