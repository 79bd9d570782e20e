package router

import (
	"context"

	"sipedge/router/job"
	"sipedge/sip"
)

// A run that has to wait, for a database say, leaves the goroutine that read the message:
//
//  1. A step that would wait returns job.Wait; so does a route, before its first rule, a matcher of
//     which would. Every route and arm on the way out leaves a frame.
//  2. suspend makes the server transaction, so that what the client repeats ends there, and
//     copies the message.
//  3. On a goroutine of the pool the step runs again and may wait; then each frame goes on with
//     what came out of the one inside it.
//  4. What a run ends with is dealt with as ever. Cancelled meanwhile, its request has been
//     answered 487, and a relay finds it so.

// point is a step of a route.
type point struct{ rule, step int }

// beginning is before the first rule.
var beginning = point{rule: -1}

// frame is where a route goes on.
type frame struct {
	route *route
	at    point
}

// Resume implements job.Frame.
func (f *frame) Resume(ctx context.Context, j *job.Job, v job.Verdict) job.Verdict {
	r, at := f.route, f.at
	if v != job.Wait { // the step's own verdict, from inside
		if v != job.Next {
			return r.end(ctx, j, at, v, nil)
		}
		at.step++
	}
	if j.Trace.Fits() {
		return r.traced(ctx, j, at)
	}
	if at == beginning {
		return r.below(ctx, j, 0)
	}
	for s, step := range r.rules[at.rule].steps[at.step:] {
		v, err := step.Run(ctx, j)
		if v != job.Next || err != nil {
			return r.end(ctx, j, point{at.rule, at.step + s}, v, err)
		}
	}
	return r.below(ctx, j, at.rule+1)
}

// suspend goes on with a request on the pool. False: the job is still the caller's, and ended.
func (r *Router) suspend(j *job.Job, p *Policy) bool {
	r.count.suspended.Add(1)
	if !r.proxy.Accept(j) {
		return false
	}
	m := messages.Get().(*sip.Message)
	m.CopyFrom(j.Msg)
	read := j.Msg
	j.Msg, j.Received = m, j.Bytes(j.Received)
	began := r.parked.Go(func(ctx context.Context) {
		if r.resume(ctx, j) {
			job.Put(j)
			messages.Put(m)
		}
	})
	if !began {
		r.proxy.Reply(j, 503, "", p.settings.RetryAfter, false)
		j.Msg = read
		messages.Put(m)
	}
	return began
}

// resume is serve for a run that waited.
func (r *Router) resume(ctx context.Context, j *job.Job) (ok bool) {
	defer r.salvage(j)
	r.finish(j, j.Resume(ctx))
	return true
}
