package daemon

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminServer is the HTTP listener of metrics, health and traces.
//
//	/metrics        Prometheus
//	/livez          200 while the process serves HTTP
//	/readyz         200 while new calls are welcome, 503 while it drains, and until
//	                all bindings are read that a database has
//	/debug/runtime  JSON: goroutines, fds, heap (bytes); to this host only
//	/debug/pprof/   profiles of Go, as go tool pprof takes them; to this host only
//	/trace          records calls, see traces; to this host only
func adminServer(metrics prometheus.Gatherer, ready func() bool, t *traces) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "alive")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /debug/runtime", local(debugRuntime))
	mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
	t.register(mux)
	return &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

func debugRuntime(w http.ResponseWriter, _ *http.Request) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]uint64{
		"goroutines": uint64(runtime.NumGoroutine()), "fds": openFiles(), "heap": mem.HeapAlloc,
	})
}

// openFiles counts the descriptors of this process; 0 where the system does not tell.
func openFiles() uint64 {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return uint64(len(entries) - 1) // without the one that reads the folder
}

// listenAdmin binds addr; "" gives no listener.
func listenAdmin(addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &adminError{err}
	}
	return l, nil
}

// adminError is of an admin listener that could not be bound.
type adminError struct{ error }

func (e *adminError) Unwrap() error { return e.error }
