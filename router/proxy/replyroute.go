package proxy

import (
	"context"

	"sipedge/router/job"
	"sipedge/schema"
)

// Reply routes. A step of one that would have to wait, for a database say, has the response go on
// on the pool: its context stays busy, so that what comes meanwhile queues behind it. When the
// pool is full, what is left of the routes is not run and the response passes.

// replying is a response in the reply routes of its context.
type replying struct {
	c    *responseContext
	b    *branch
	e    event
	left [2]job.Route // reply.all, and the relay's own; nil: none, or it has run
}

// run runs the routes that are left, and deals with the response then. gone: the context is
// another goroutine's.
func (r *replying) run(ctx context.Context) (gone bool) {
	c, e := r.c, &r.e
	for i, route := range r.left {
		r.left[i] = nil
		if route == nil || c.crashed {
			continue
		}
		j := c.job(schema.InReply, e.msg)
		j.Flow, j.Status, j.Size, j.MayWait = e.flow, e.msg.Status(), 0, c.pool != nil
		v := route.Run(ctx, j)
		if v == job.Wait {
			if r.suspend(j) {
				return true
			}
			v = job.Next
		}
		job.Put(j)
		if v == job.Drop {
			return r.end(false)
		}
	}
	return r.end(true)
}

// suspend goes on with the run of a route on the pool. False: it is full.
func (r *replying) suspend(j *job.Job) bool {
	own := *r
	if !r.e.own {
		own.e.msg, own.e.own = r.c.p.copyOf(r.e.msg), true
	}
	j.Msg = own.e.msg
	if r.c.p.cfg.Pool.Go(func(ctx context.Context) { own.resume(ctx, j) }) {
		return true
	}
	if !r.e.own {
		r.c.p.putMessage(own.e.msg)
	}
	return false
}

func (r *replying) resume(ctx context.Context, j *job.Job) {
	c := r.c
	defer c.rescue()
	c.pool = ctx
	v := j.Resume(ctx)
	job.Put(j)
	if v == job.Drop {
		r.end(false)
	} else {
		r.run(ctx)
	}
	c.release()
}

// end deals with the response: dropped, if it may be, or as its class asks for.
func (r *replying) end(passes bool) (gone bool) {
	c, e := r.c, &r.e
	if passes || e.msg.Status() >= 200 {
		c.take(r.b, e)
	}
	if e.own && r.b.resp != e.msg {
		c.p.putMessage(e.msg)
	}
	return false
}
