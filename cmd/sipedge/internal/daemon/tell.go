package daemon

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
)

func (d *Daemon) tellVersion(http.ResponseWriter, *http.Request) (any, error) {
	return &control.Version{
		Version: d.cfg.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
	}, nil
}

func (d *Daemon) tellUptime(http.ResponseWriter, *http.Request) (any, error) {
	now := time.Now()
	u := &control.Uptime{
		Now: now, Since: d.started, Seconds: now.Sub(d.started).Seconds(),
		Loaded: time.Unix(0, d.loaded.Load()), Generation: d.generation.Load(), State: "ready",
	}
	if d.draining.Load() {
		u.State = "draining"
	}
	return u, nil
}

// turn waits until few others make what costs a processor milliseconds, and returns what lets the
// next one.
func (d *Daemon) turn(ctx context.Context) (done func(), err error) {
	select {
	case d.turns <- struct{}{}:
		return func() { <-d.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *Daemon) tellWork(_ http.ResponseWriter, r *http.Request) (any, error) {
	done, err := d.turn(r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	t, pool := d.router.Transactions(), d.pool.Stats()
	w := &control.Work{
		Listeners: []control.Listener{}, Backends: d.backends(), Goroutines: goroutines(),
		Transactions: control.Transactions{
			Server: t.LiveServers, Client: t.LiveClients,
			Contexts: d.router.Proxy().LiveContexts, Own: int64(d.router.Requests().Live),
		},
		Pool: control.Pool{Jobs: pool.Live, Most: pool.Max, Refused: pool.Full},
	}
	for i, l := range d.manager.Listeners() {
		s := d.manager.Stats()[i]
		w.Listeners = append(w.Listeners, control.Listener{
			Transport: l.Transport.String(), Address: l.Addr.String(), Advertised: l.Advertised,
			Received: s.MessagesIn.Load(), Sent: s.MessagesOut.Load(),
			Errors: s.ReadErrors.Load() + s.SendErrors.Load() + s.AcceptErrors.Load() +
				s.DialErrors.Load(),
			Connections: s.Open.Load(), QueueFull: s.QueueFull.Load(),
		})
	}
	return w, nil
}

// goroutines counts those of this process by the function they were started with.
func goroutines() []control.Goroutines {
	records := make([]runtime.StackRecord, runtime.NumGoroutine()+64)
	n, ok := runtime.GoroutineProfile(records)
	for !ok {
		records = make([]runtime.StackRecord, n+64)
		n, ok = runtime.GoroutineProfile(records)
	}
	count := map[string]int{}
	for _, r := range records[:n] {
		stack := r.Stack()
		if len(stack) == 0 {
			continue
		}
		frames := runtime.CallersFrames(stack)
		var last runtime.Frame
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if f.Function != "runtime.goexit" && !strings.HasPrefix(f.Function, "sync.(*WaitGroup).Go") {
				last = f
			}
		}
		count[strings.TrimPrefix(last.Function, "sipedge/")]++
	}
	list := []control.Goroutines{}
	for f, n := range count {
		list = append(list, control.Goroutines{Function: f, Count: n})
	}
	slices.SortFunc(list, func(a, b control.Goroutines) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Function, b.Function)
	})
	return list
}

func (d *Daemon) tellBackends(http.ResponseWriter, *http.Request) (any, error) {
	return &control.Backends{Backends: d.backends()}, nil
}

func (d *Daemon) backends() []control.Backend {
	list := []control.Backend{}
	d.data.Each(func(name string, b backends.Backend) {
		one := control.Backend{Name: name}
		for i := range d.doc.Backends {
			if d.doc.Backends[i].Name == name {
				one.Driver = d.doc.Backends[i].Driver
			}
		}
		if b, ok := b.(interface{ Len() int }); ok {
			n := b.Len()
			one.Bindings = &n
		}
		if b, ok := b.(interface{ Stats() backends.Stats }); ok {
			s := b.Stats()
			one.Gate = &control.Gate{
				Breaker: s.Breaker.String(), Running: s.Running, Waiting: s.Waiting,
				Oldest: s.Longest.Seconds(), Calls: s.Calls, Failures: s.Failures,
				Timeouts: s.Timeouts, Refused: s.Refused, Opened: s.Opened,
			}
		}
		list = append(list, one)
	})
	return list
}

func (d *Daemon) tellTables(http.ResponseWriter, *http.Request) (any, error) {
	now, list := time.Now(), []control.Table{}
	for _, t := range d.router.Tables().List() {
		a := t.About()
		_, failed := t.Reloads()
		one := control.Table{
			Name: t.Name(), Kind: a.Kind, Source: a.Source, Rows: t.Len(now), Version: a.Version,
			Failed: failed,
		}
		if !a.At.IsZero() {
			one.Age = now.Sub(a.At).Seconds()
		}
		list = append(list, one)
	}
	return &control.Tables{Tables: list}, nil
}

func (d *Daemon) tellLogLevel(http.ResponseWriter, *http.Request) (any, error) {
	return &control.LogLevel{Level: strings.ToLower(d.level.Level().String())}, nil
}

func (d *Daemon) setLogLevel(w http.ResponseWriter, r *http.Request) (any, error) {
	var to control.LogLevel
	if err := readBody(r, &to); err != nil {
		return nil, err
	}
	level, ok := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
		"error": slog.LevelError,
	}[to.Level]
	if !ok {
		return nil, refuse(http.StatusBadRequest, "level is debug, info, warn or error, not %q", to.Level)
	}
	d.level.Set(level)
	return d.tellLogLevel(w, r)
}

func (d *Daemon) tellStatistics(_ http.ResponseWriter, r *http.Request) (any, error) {
	names := r.Form["name"]
	if len(names) == 0 {
		names = []string{"sipedge_"}
	}
	done, err := d.turn(r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	families, err := d.series.Gather()
	if err != nil {
		return nil, err
	}
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
	return &control.Statistics{Statistics: list}, nil
}

// single is the value of a counter or gauge. ok false: it is a distribution, which has many.
func single(m *dto.Metric) (v float64, ok bool) {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue(), true
	case m.Gauge != nil:
		return m.Gauge.GetValue(), true
	case m.Untyped != nil:
		return m.Untyped.GetValue(), true
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
