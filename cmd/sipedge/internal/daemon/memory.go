package daemon

import (
	"context"
	"math"
	"runtime/debug"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitMemory has the collector know what the control group of the process allows, nine tenths
// of it, unless GOMEMLIMIT says otherwise.
func (d *Daemon) limitMemory() {
	limit, err := memlimit.Set()
	switch {
	case err != nil:
		d.log.Warn("memory limit", "error", err)
	case limit < math.MaxInt64:
		d.log.Info("memory limit", "bytes", limit)
	}
}

const (
	peakEvery = 10 * time.Second
	peakOver  = 100 // so few are nothing

	transactionsWorth = 10000 // transactions and contexts that are worth it
	connectionsWorth  = 1000  // connections that were awake, with a stack and buffers each
)

// A peak is the most that was in memory since memory was last given back to the system. An idle
// process would collect once in two minutes, and then keep what it might need again.
type peak struct {
	worth int64 // the least that is one
	high  int64
	left  bool // something is left of it
	give  func()
}

// look gives memory back when half of a peak is gone, and when all of it is.
func (p *peak) look(live int64) {
	p.high = max(p.high, live)
	half := p.high >= p.worth && live <= p.high/2
	if half || p.left && live <= peakOver {
		p.give()
		p.high, p.left = live, live > peakOver
	}
}

// giveBack looks until ctx ends.
func (d *Daemon) giveBack(ctx context.Context) {
	transactions := peak{worth: transactionsWorth, give: debug.FreeOSMemory}
	connections := peak{worth: connectionsWorth, give: debug.FreeOSMemory}
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			transactions.look(d.router.Live())
			connections.look(d.awake())
		}
	}
}

// awake counts the connections that do not rest.
func (d *Daemon) awake() (sum int64) {
	for _, s := range d.manager.Stats() {
		sum += s.Open.Load() - s.Resting.Load()
	}
	return sum
}
