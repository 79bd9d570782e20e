package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/ctlsocket"
	"sipedge/cmd/sipedge/internal/mi"
)

// listenControl binds the socket of the policy.
func (d *Daemon) listenControl() (err error) {
	path := ctlsocket.Path(&d.doc.Admin, d.cfg.State)
	if path == "" {
		d.log.Info("no socket for ctl: --state and `admin: {socket: …}` give one")
		return nil
	}
	if d.socket, err = ctlsocket.Listen(path); err != nil {
		return fmt.Errorf("admin: socket %s: %w (%s)", path, err, ctlsocket.Another(&d.doc.Admin))
	}
	d.log.Info("control", "socket", path)
	return nil
}

// serveControl begins to answer on the socket, if there is one.
func (d *Daemon) serveControl() {
	if d.socket == nil {
		return
	}
	d.control = control.NewServer(control.Config{
		Log: d.log, Level: d.level, Version: d.cfg.Version, Started: d.started,
		Manager: d.manager, Router: d.router, Pool: d.pool, Data: d.data.Load, State: d.state,
		Failed: d.failed, Certificates: d.certs.List, Renew: d.certs.Renew,
		Statistics: d.statistics,
		Reload:     d.orderReload, Drain: d.orderDrain, Stop: d.orderStop,
		Events: d.events, RPC: mi.Over,
	})
	d.running.Go(func() { d.control.Serve(d.socket) })
}

func (d *Daemon) closeControl() {
	switch {
	case d.control != nil:
		d.control.Close()
	case d.socket != nil:
		d.socket.Close()
	}
}

func (d *Daemon) state() control.State {
	return control.State{
		Generation: d.generation.Load(), Loaded: time.Unix(0, d.loaded.Load()),
		Draining: d.draining.Load(),
	}
}

// statistics are those of /metrics whose name begins with one of names.
func (d *Daemon) statistics(names []string) ([]control.Statistic, error) {
	families, err := d.series.Gather()
	list := []control.Statistic{}
	for _, f := range families {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(f.GetName(), n) }) {
			continue
		}
		for _, m := range f.GetMetric() {
			if v, ok := single(m); ok {
				list = append(list, control.Statistic{Name: f.GetName(), Labels: labels(m), Value: v})
			}
		}
	}
	return list, err
}

// single is the value of a counter or gauge. ok false: it is a distribution, which has many.
func single(m *dto.Metric) (v float64, ok bool) {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue(), true
	case m.Gauge != nil:
		return m.Gauge.GetValue(), true
	}
	return 0, false
}

func labels(m *dto.Metric) map[string]string {
	all := map[string]string{}
	for _, l := range m.Label {
		all[l.GetName()] = l.GetValue()
	}
	return all
}
