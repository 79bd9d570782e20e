package router

import (
	"context"
	"log/slog"
	"sync/atomic"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/router/table"
	"sipedge/router/vars"
	"sipedge/schema"
)

// route is a compiled list of rules: a job.Route.
type route struct {
	name  string
	of    schema.Place // its type; InSub
	where schema.Place // route types it runs in
	table *table.Table
	rules []rule
	vars  *vars.Scope
	proxy *proxy.Proxy
	log   *slog.Logger

	failed atomic.Uint64 // runs a step failed in
	waits  bool          // a matcher or step of it, or of a route it calls, may wait
	src    []schema.Rule // until compiled

	matchWaits bool // a matcher may wait
}

type rule struct {
	name  string
	pos   string // file:line
	steps []job.Step
	kinds []string // of the steps
	hits  atomic.Uint64
}

// Run runs the rules that match, top to bottom, until a step ends the run. Edits made
// meanwhile are seen by the rules below. Off the end, or by return, it is job.Next.
func (r *route) Run(ctx context.Context, j *job.Job) job.Verdict {
	if r.matchWaits && !j.MayWait {
		j.Hold(&frame{r, beginning})
		return job.Wait
	}
	if j.Trace.Fits() {
		return r.traced(ctx, j, beginning)
	}
	return r.below(ctx, j, 0)
}

// below runs the rules from one on that match.
func (r *route) below(ctx context.Context, j *job.Job, from int) job.Verdict {
	for i := r.table.Match(j, from); i >= 0; i = r.table.Match(j, i+1) {
		rule := &r.rules[i]
		rule.hits.Add(1)
		for s, step := range rule.steps {
			v, err := step.Run(ctx, j)
			if v != job.Next || err != nil {
				return r.end(ctx, j, point{i, s}, v, err)
			}
		}
	}
	return job.Next
}

// end is the verdict of the route when a step did not go on.
func (r *route) end(
	ctx context.Context, j *job.Job, at point, v job.Verdict, err error,
) job.Verdict {
	switch {
	case err != nil:
		return r.fail(ctx, j, &r.rules[at.rule], err)
	case v == job.Return:
		return job.Next
	case v == job.Wait:
		j.Hold(&frame{r, at})
	}
	return v
}

// Waits implements job.Route.
func (r *route) Waits() bool { return r.waits }

// fail ends a run in which a step could not do its work. A request is answered
// 500, a branch is not sent; a failure route leaves the best reply, a reply
// route the reply, a local route the request, to go its way, an error route the
// request to the engine.
func (r *route) fail(ctx context.Context, j *job.Job, rule *rule, err error) job.Verdict {
	r.failed.Add(1)
	j.LastError, j.Err = 500, err
	if r.log != nil {
		r.log.LogAttrs(ctx, slog.LevelDebug, "step failed", slog.String("route", r.name),
			slog.String("rule", rule.name), slog.Any("error", err))
	}
	switch j.Place {
	case schema.InRequest:
		return r.proxy.Reply(j, 500, "", nil, false)
	case schema.InBranch:
		return job.Drop
	}
	return job.Done
}
