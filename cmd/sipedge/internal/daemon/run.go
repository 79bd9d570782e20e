package daemon

import (
	"context"
	"os"
	"syscall"
	"time"
)

// flushTime is what queued messages get to leave once the calls have ended.
const flushTime = time.Second

// Run serves until a signal ends it: SIGHUP reloads, SIGTERM and SIGINT drain, a second of
// them ends at once. Everything has ended when it returns.
func (d *Daemon) Run(signals <-chan os.Signal) {
	for s := range signals {
		if s == syscall.SIGHUP {
			d.reload()
			continue
		}
		d.log.Info("draining", "signal", s.String(), "bound", d.cfg.Drain)
		d.drain(signals)
		break
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	d.close(ctx)
	d.log.Info("ended")
}

// drain refuses new dialogs and waits for the transactions under way, as long as the bound
// allows and no further signal comes.
func (d *Daemon) drain(signals <-chan os.Signal) {
	d.draining.Store(true)
	d.router.Drain()
	bound := time.NewTimer(d.cfg.Drain)
	defer bound.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !d.router.Idle() {
		select {
		case <-look.C:
		case <-bound.C:
			d.log.Warn("drain: the bound is reached", "live", d.router.Live())
			return
		case s := <-signals:
			if s == syscall.SIGHUP {
				d.log.Warn("no reload while draining")
				continue
			}
			d.log.Warn("drain: ended by a second signal", "live", d.router.Live())
			return
		}
	}
}
