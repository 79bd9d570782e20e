package router

import (
	"context"
	"sync/atomic"

	"sipedge/router/job"
)

// parked is the pool for what waits with a message, and counts it. It implements job.Pool.
type parked struct {
	pool job.Pool
	live atomic.Int64
}

// Go is the pool's.
func (p *parked) Go(f func(ctx context.Context)) bool {
	p.live.Add(1)
	began := p.pool.Go(func(ctx context.Context) {
		defer p.live.Add(-1)
		f(ctx)
	})
	if !began {
		p.live.Add(-1)
	}
	return began
}
