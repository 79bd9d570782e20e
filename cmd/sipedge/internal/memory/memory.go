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
	joinWorth = 1000  // connections that loops took are worth it
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

// joined are the connections of loops for which memory has been given back: what opened them had a
// goroutine, and handshakes leave much behind.
type joined struct {
	last int64
	give func()
}

// look gives that back, when there are many more than there were.
func (j *joined) look(looped int64) {
	j.last = min(j.last, looped)
	if looped-j.last >= max(joinWorth, j.last/8) {
		j.give()
		j.last = looped
	}
}

// GiveBack gives memory back to the system until ctx ends. live are the transactions and contexts
// of now; looped the connections that are a loop's.
func GiveBack(ctx context.Context, live, looped func() int64) {
	p, j := peak{give: debug.FreeOSMemory}, joined{give: debug.FreeOSMemory}
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.look(live())
			j.look(looped())
		}
	}
}
