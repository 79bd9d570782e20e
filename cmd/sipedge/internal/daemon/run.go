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

// Run serves until a signal or an operator ends it: SIGHUP reloads, SIGTERM and SIGINT drain; a
// second of them ends at once. What ends the server ends a reload that waits. Everything has ended
// when it returns.
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
			if !ok {
				return
			}
			if s != syscall.SIGHUP {
				d.drainBy(s, signals)
				return
			}
			if _, end := d.reloadUntil(signals); end != nil {
				end()
				return
			}
		case o := <-d.orders.reload:
			r, end := d.reloadUntil(signals)
			o.done <- r
			if end != nil {
				end()
				return
			}
		case o := <-d.orders.end:
			d.endBy(o, signals)
			return
		}
	}
}

// drainBy drains because of a signal.
func (d *Daemon) drainBy(s os.Signal, signals <-chan os.Signal) {
	d.drain(signals, slog.String("signal", s.String()))
}

// endBy drains, or does not, because of an order.
func (d *Daemon) endBy(o order, signals <-chan os.Signal) {
	o.done <- result{}
	if o.kind == toDrain {
		d.drain(signals, slog.String("operation", "drain"))
		return
	}
	d.service.Stopping()
	d.log.Info("stopping", "under_way", d.router.UnderWay())
}

var errDraining = errors.New("no reload while draining")

// lastACK is how long the last final response has to arrive, and its ACK: what is lost is sent
// again after T1.
const lastACK = time.Second

// drain refuses new dialogs and waits for what has no final response yet, as long as the bound
// allows and no further signal or order to stop comes.
func (d *Daemon) drain(signals <-chan os.Signal, why slog.Attr) {
	d.service.Stopping()
	d.log.Info("draining: a second signal ends it at once", why, "bound", d.cfg.Drain,
		"live", d.router.Live())
	d.draining.Store(true)
	d.router.Drain()
	d.events.Publish(events.ServerDrain, events.Drain{
		Live: d.router.UnderWay(), Bound: d.cfg.Drain.Seconds(),
	})
	bound := time.NewTimer(d.cfg.Drain)
	defer bound.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for since := time.Now(); !d.router.Idle() && time.Since(since) < lastACK; {
		if d.router.UnderWay() > 0 {
			since = time.Now()
		}
		select {
		case <-look.C:
		case <-bound.C:
			d.log.Warn("drain: the bound is reached", "under_way", d.router.UnderWay())
			return
		case s := <-signals:
			if s == syscall.SIGHUP {
				d.log.Warn(errDraining.Error())
				continue
			}
			d.log.Warn("drain: ended by a second signal", "under_way", d.router.UnderWay())
			return
		case o := <-d.orders.reload:
			o.done <- result{err: errDraining}
		case o := <-d.orders.end:
			o.done <- result{}
			if o.kind == toStop {
				d.log.Warn("drain: ended by an order", "under_way", d.router.UnderWay())
				return
			}
		}
	}
}
