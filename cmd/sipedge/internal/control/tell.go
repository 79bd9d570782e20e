package control

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"sipedge/backends"
)

var openAPI = json.RawMessage(OpenAPI())

func (s *Server) tellOpenAPI(http.ResponseWriter, *http.Request) (any, error) {
	return openAPI, nil
}

func (s *Server) tellVersion(http.ResponseWriter, *http.Request) (any, error) {
	return &Version{
		Version: s.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
	}, nil
}

func (s *Server) tellUptime(http.ResponseWriter, *http.Request) (any, error) {
	now, at := time.Now(), s.State()
	u := &Uptime{
		Now: now, Since: s.Started, Seconds: now.Sub(s.Started).Seconds(),
		Loaded: at.Loaded, Generation: at.Generation, State: "ready",
	}
	if at.Draining {
		u.State = "draining"
	}
	return u, nil
}

// turn waits until few others make what costs a processor milliseconds, and returns what lets the
// next one.
func (s *Server) turn(ctx context.Context) (done func(), err error) {
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Server) tellWork(_ http.ResponseWriter, r *http.Request) (any, error) {
	done, err := s.turn(r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	t, pool := s.Router.Transactions(), s.Pool.Stats()
	w := &Work{
		Listeners: []Listener{}, Backends: s.backends(), Goroutines: goroutines(),
		Transactions: Transactions{
			Server: t.LiveServers, Client: t.LiveClients,
			Contexts: s.Router.Proxy().LiveContexts, Own: int64(s.Router.Requests().Live),
		},
		Pool: Pool{Jobs: pool.Live, Most: pool.Max, Refused: pool.Full},
	}
	for i, l := range s.Manager.Listeners() {
		if !l.Addr.IsValid() {
			continue // it was removed
		}
		n := s.Manager.Stats()[i]
		w.Listeners = append(w.Listeners, Listener{
			Transport: l.Transport.String(), Address: l.Addr.String(), Advertised: l.Advertised,
			Received: n.MessagesIn.Load(), Sent: n.MessagesOut.Load(),
			Errors: n.ReadErrors.Load() + n.SendErrors.Load() + n.AcceptErrors.Load() +
				n.DialErrors.Load(),
			Connections: n.Open.Load(), QueueFull: n.QueueFull.Load(),
		})
	}
	return w, nil
}

// goroutines counts those of this process by the function they were started with.
func goroutines() []Goroutines {
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
			begins := f.Function == "runtime.goexit" || strings.HasPrefix(f.Function, "sync.(*WaitGroup).Go")
			if last.Function == "" || !begins {
				last = f
			}
		}
		count[strings.TrimPrefix(last.Function, "sipedge/")]++
	}
	list := []Goroutines{}
	for f, n := range count {
		list = append(list, Goroutines{Function: f, Count: n})
	}
	slices.SortFunc(list, func(a, b Goroutines) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Function, b.Function)
	})
	return list
}

func (s *Server) tellBackends(http.ResponseWriter, *http.Request) (any, error) {
	return &Backends{Backends: s.backends()}, nil
}

func (s *Server) backends() []Backend {
	list, all := []Backend{}, s.Data()
	all.Each(func(name string, b backends.Backend) {
		one := Backend{Name: name, Driver: all.Driver(name)}
		_, one.Location = b.(backends.Locations)
		if b, ok := b.(interface{ Len() int }); ok {
			n := b.Len()
			one.Bindings = &n
		}
		if b, ok := b.(interface{ Stats() backends.Stats }); ok {
			n := b.Stats()
			one.Gate = &Gate{
				Breaker: n.Breaker.String(), Running: n.Running, Waiting: n.Waiting,
				Oldest: n.Longest.Seconds(), Calls: n.Calls, Failures: n.Failures,
				Timeouts: n.Timeouts, Refused: n.Refused, Opened: n.Opened,
			}
		}
		list = append(list, one)
	})
	return list
}

func (s *Server) tellTables(http.ResponseWriter, *http.Request) (any, error) {
	now, list := time.Now(), []Table{}
	for _, t := range s.Router.Tables().List() {
		a := t.About()
		one := Table{
			Name: t.Name(), Kind: a.Kind, Source: a.Source, Rows: t.Len(now), LeftOut: a.Left,
			Version: a.Version, Failed: a.Failures, Error: a.Error,
		}
		if !a.Read.IsZero() {
			one.Age = now.Sub(a.Read).Seconds()
		}
		list = append(list, one)
	}
	return &Tables{Tables: list}, nil
}

func (s *Server) refreshTables(_ http.ResponseWriter, r *http.Request) (any, error) {
	name := r.Form.Get("table")
	n := s.Router.Tables().Hasten(name)
	if n == 0 && name != "" {
		return nil, refuse(http.StatusNotFound, "the policy has no table %q in a database", name)
	}
	return &Refreshed{Tables: n}, nil
}

func (s *Server) tellLogLevel(http.ResponseWriter, *http.Request) (any, error) {
	return &LogLevel{Level: strings.ToLower(s.Level.Level().String())}, nil
}

func (s *Server) setLogLevel(w http.ResponseWriter, r *http.Request) (any, error) {
	var to LogLevel
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
	s.Level.Set(level)
	return s.tellLogLevel(w, r)
}

func (s *Server) tellStatistics(_ http.ResponseWriter, r *http.Request) (any, error) {
	names := r.Form["name"]
	if len(names) == 0 {
		names = []string{"sipedge_"}
	}
	done, err := s.turn(r.Context())
	if err != nil {
		return nil, err
	}
	defer done()
	list, err := s.Statistics(names)
	if err != nil {
		return nil, err
	}
	for _, begin := range names {
		if !slices.ContainsFunc(list, func(one Statistic) bool {
			return strings.HasPrefix(one.Name, begin)
		}) {
			return nil, refuse(http.StatusNotFound, "no counter or gauge has a name that begins with %q",
				begin)
		}
	}
	return &Statistics{Statistics: list}, nil
}

// What changes the process is an order to its owner.

func (s *Server) reload(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.Reload(r.Context())
}

func (s *Server) drain(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.Drain(r.Context())
}

func (s *Server) stop(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.Stop(r.Context())
}
