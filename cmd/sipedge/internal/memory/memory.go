// Package memory keeps what the process takes of the host's memory to what it needs.
// Its one law: what a peak of load took goes back to the system when it is over. Garbage is no
// peak: a heap that is small keeps room for 64 MB of it, unless GOGC is set.
package memory

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Tune has the collector know what the control group of the process allows, nine tenths
// of it, unless GOMEMLIMIT says otherwise, and wait for garbage that is worth it.
func Tune(log *slog.Logger) {
	spareOnce()
	limit, err := memlimit.Set()
	switch {
	case err != nil:
		log.Warn("memory limit", "error", err)
	case limit < math.MaxInt64:
		log.Info("memory limit", "bytes", limit)
	}
}

const (
	peakEvery = 10 * time.Second
	peakLeast = 10000 // transactions and contexts that are worth it
	peakOver  = 100   // so few are nothing
	restWorth = 1000  // connections that came to rest are worth it
)

// A peak is the most that was in memory since memory was last given back to the system. An idle
// process would collect once in two minutes, and then keep what it might need again.
type peak struct {
	high int64
	left bool // something is left of it
	give func()
}

// look gives memory back when half of a peak is gone, and when all of it is.
func (p *peak) look(live int64) {
	p.high = max(p.high, live)
	half := p.high >= peakLeast && live <= p.high/2
	if half || p.left && live <= peakOver {
		p.give()
		p.high, p.left = live, live > peakOver
	}
}

// rested are the connections at rest for which memory has been given back.
type rested struct {
	last int64
	give func()
}

// look gives back what connections left behind that came to rest, when these are many.
func (r *rested) look(resting int64) {
	r.last = min(r.last, resting)
	if resting-r.last >= max(restWorth, r.last/8) {
		r.give()
		r.last = resting
	}
}

// GiveBack gives memory back to the system until ctx ends. live are the transactions and contexts
// of now; resting the connections that have given up their stacks and buffers.
func GiveBack(ctx context.Context, live, resting func() int64) {
	p, r := peak{give: debug.FreeOSMemory}, rested{give: debug.FreeOSMemory}
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.look(live())
			r.look(resting())
		}
	}
}
