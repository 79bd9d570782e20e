package daemon

import (
	"math"

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
