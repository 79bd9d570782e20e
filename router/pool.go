package router

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Pool runs what may wait for DNS or a backend, in real time: a goroutine for each,
// bounded in number, under a deadline. It implements job.Pool.
type Pool struct {
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	max      atomic.Int64
	deadline atomic.Int64 // nanoseconds
	panics   atomic.Uint64
	full     atomic.Uint64

	mu     sync.Mutex // guards what follows
	live   int64
	closed bool
	idle   sync.Cond // live fell to 0
}

// NewPool makes a pool for max jobs at once, each of deadline at most. It starts nothing until Go.
func NewPool(max int, deadline time.Duration, log *slog.Logger) *Pool {
	p := &Pool{log: log}
	p.idle.L = &p.mu
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.Limit(max, deadline)
	return p
}

// Limit changes the bounds for what comes from now on.
func (p *Pool) Limit(max int, deadline time.Duration) {
	p.max.Store(int64(max))
	p.deadline.Store(int64(deadline))
}

// Go runs f on a goroutine of its own; false: the pool is full or closed, and f does not run.
func (p *Pool) Go(f func(ctx context.Context)) bool {
	p.mu.Lock()
	ok := !p.closed && p.live < p.max.Load()
	if ok {
		p.live++
	}
	p.mu.Unlock()
	if !ok {
		p.full.Add(1)
		return false
	}
	go p.run(f)
	return true
}

func (p *Pool) run(f func(ctx context.Context)) {
	defer p.done()
	ctx, cancel := context.WithTimeout(p.ctx, time.Duration(p.deadline.Load()))
	defer cancel()
	f(ctx)
}

func (p *Pool) done() {
	if x := recover(); x != nil {
		p.panics.Add(1)
		p.log.LogAttrs(context.Background(), slog.LevelError, "panic", slog.String("in", "pool"),
			slog.Any("panic", x), slog.String("stack", string(debug.Stack())))
	}
	p.mu.Lock()
	if p.live--; p.live == 0 {
		p.idle.Broadcast()
	}
	p.mu.Unlock()
}

// Close cancels what runs, refuses what comes, and returns when nothing runs any more.
func (p *Pool) Close() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.live > 0 {
		p.idle.Wait()
	}
}

// PoolStats are counters since the start; Live is now, Max the bound of it.
type PoolStats struct {
	Live, Max    int64
	Full, Panics uint64
}

// Stats returns the pool's counters.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{Live: p.live, Max: p.max.Load(), Full: p.full.Load(), Panics: p.panics.Load()}
}
