package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"syscall"
	"time"

	"sipedge/cmd/sipedge/internal/events"
)

// flushTime is what queued messages get to leave once the calls have ended.
const flushTime = time.Second

// Run serves until a signal or an operator ends it: SIGHUP reloads, SIGTERM and SIGINT drain, and
// end a reload that waits; a second of them ends at once. Everything has ended when it returns.
func (d *Daemon) Run(signals <-chan os.Signal) {
	d.serve(signals)
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	d.close(ctx)
	d.log.Info("ended")
}

// serve returns when the server is to end.
func (d *Daemon) serve(signals <-chan os.Signal) {
	for {
		select {
		case s, ok := <-signals:
			switch {
			case !ok:
				return
			case s == syscall.SIGHUP:
				if _, s = d.reloadUntil(signals); s != nil {
					d.drainBy(s, signals)
					return
				}
			default:
				d.drainBy(s, signals)
				return
			}
		case o := <-d.orders:
			switch o.kind {
			case toReload:
				r, s := d.reloadUntil(signals)
				o.done <- r
				if s != nil {
					d.drainBy(s, signals)
					return
				}
			case toDrain:
				o.done <- result{}
				d.drain(signals, slog.String("operation", "drain"))
				return
			case toStop:
				d.log.Info("stopping", "live", d.router.Live())
				o.done <- result{}
				return
			}
		}
	}
}

// drainBy drains because of a signal.
func (d *Daemon) drainBy(s os.Signal, signals <-chan os.Signal) {
	d.drain(signals, slog.String("signal", s.String()))
}

var errDraining = errors.New("no reload while draining")

// drain refuses new dialogs and waits for the transactions under way, as long as the bound
// allows and no further signal or order to stop comes.
func (d *Daemon) drain(signals <-chan os.Signal, why slog.Attr) {
	d.log.Info("draining", why, "bound", d.cfg.Drain)
	d.draining.Store(true)
	d.router.Drain()
	d.events.Publish(events.ServerDrain, events.Drain{
		Live: d.router.Live(), Bound: d.cfg.Drain.Seconds(),
	})
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
				d.log.Warn(errDraining.Error())
				continue
			}
			d.log.Warn("drain: ended by a second signal", "live", d.router.Live())
			return
		case o := <-d.orders:
			switch o.kind {
			case toReload:
				o.done <- result{err: errDraining}
			case toDrain:
				o.done <- result{}
			case toStop:
				d.log.Warn("drain: ended by an order", "live", d.router.Live())
				o.done <- result{}
				return
			}
		}
	}
}
