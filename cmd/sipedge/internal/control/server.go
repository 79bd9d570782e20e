package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/net/netutil"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/events"
	"sipedge/cmd/sipedge/internal/jsonrpc"
	"sipedge/router"
	"sipedge/router/failed"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tls"
)

// Bounds on what operators' commands may cost the server.
const (
	connections = 128 // served at once; more wait in the system's queue
	costly      = 2   // of these, that make what costs a processor milliseconds
	maxBody     = 64 << 10
	maxHeader   = 64 << 10
	readTime    = 5 * time.Second // for the head of a request to come, and for its body
	writeTime   = 5 * time.Second // for a client to take an answer, or some more of a long one
	wholeTime   = 5 * time.Minute // for all of it
	endTime     = time.Second     // for what is under way when the server ends
)

// Config is what a Server tells of, and gives orders to.
type Config struct {
	Log     *slog.Logger
	Level   *slog.LevelVar
	Version string    // of the program
	Started time.Time // the process
	Manager *transport.Manager
	Router  *router.Router
	Pool    *router.Pool
	Data    func() *backends.Services // those of the policy that runs
	Failed  *failed.Memory
	// Certificates are what secure listeners show.
	Certificates func() []tls.Status
	// Renew has one that a CA issues ordered, or all, and returns how many are.
	Renew func(name string) int
	State func() State
	// Statistics are those whose name begins with one of the names.
	Statistics func(names []string) ([]Statistic, error)
	// Reload swaps the policy. An *Error says why it does not.
	Reload func(ctx context.Context) (*Reload, error)
	// Drain and Stop begin to end the process.
	Drain, Stop func(ctx context.Context) (*Drain, error)
	Events      *events.Hub
	// RPC makes what carries out methods of JSON-RPC by asking this server.
	RPC func(self *Client) jsonrpc.Caller
}

// State is how far the process is.
type State struct {
	Generation int64     // policies that ran, that of now included
	Loaded     time.Time // that of now
	Draining   bool
}

// Server answers what a Client asks. No lock of the traffic is held while it writes to one.
type Server struct {
	Config
	http  http.Server
	call  jsonrpc.Caller
	turns chan struct{}   // of what is costly
	ends  context.Context // when the server does
	end   context.CancelFunc
}

// handler answers an operation: with a value, or an error; one of a stream writes by itself.
type handler func(s *Server, w http.ResponseWriter, r *http.Request) (any, error)

// handlers are those of Operations.
var handlers = map[string]handler{
	"openapi":        (*Server).tellOpenAPI,
	"version":        (*Server).tellVersion,
	"uptime":         (*Server).tellUptime,
	"ps":             (*Server).tellWork,
	"statistics":     (*Server).tellStatistics,
	"tables":         (*Server).tellTables,
	"refresh_tables": (*Server).refreshTables,
	"rows":           (*Server).tellRows,
	"flush_rows":     (*Server).flushRows,
	"row":            (*Server).tellRow,
	"put_row":        (*Server).putRow,
	"remove_row":     (*Server).removeRow,
	"backends":       (*Server).tellBackends,
	"certificates":   (*Server).tellCertificates,
	"renew":          (*Server).renewCertificates,
	"media":          (*Server).tellMedia,
	"enable_media":   (*Server).enableMedia,
	"gateways":       (*Server).tellGateways,
	"set_gateway":    (*Server).setGateway,
	"rates":          (*Server).tellRates,
	"address":        (*Server).testAddress,
	"targets":        (*Server).tellTargets,
	"clear_targets":  (*Server).clearTargets,
	"log_level":      (*Server).tellLogLevel,
	"set_log_level":  (*Server).setLogLevel,
	"reload":         (*Server).reload,
	"drain":          (*Server).drain,
	"stop":           (*Server).stop,
	"bindings":       (*Server).streamBindings,
	"binding":        (*Server).tellBinding,
	"add_binding":    (*Server).addBinding,
	"remove_binding": (*Server).removeBinding,
	"flush":          (*Server).flushBindings,
	"events":         (*Server).streamEvents,
	"rpc":            (*Server).answerCalls,
}

// NewServer makes a Server.
func NewServer(c Config) *Server {
	mux := http.NewServeMux()
	s := &Server{Config: c, turns: make(chan struct{}, costly), http: http.Server{
		// No ReadTimeout: it would end the context of what takes longer.
		Handler: mux, ConnContext: withPeer,
		ReadHeaderTimeout: readTime, IdleTimeout: readTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelWarn),
	}}
	s.ends, s.end = context.WithCancel(context.Background())
	for i := range Operations {
		o := &Operations[i]
		mux.Handle(o.Pattern(), s.operate(o, handlers[o.ID]))
	}
	if c.RPC != nil {
		s.call = c.RPC(&Client{socket: "this process", http: http.Client{Transport: inside{mux}}})
	}
	return s
}

// Serve answers on l, which it closes, until Close.
func (s *Server) Serve(l net.Listener) {
	err := s.http.Serve(netutil.LimitListener(l, connections))
	if !errors.Is(err, http.ErrServerClosed) {
		s.Log.Error("control ended", "error", err)
	}
}

// Close ends what is under way, lets answers leave, and returns soon.
func (s *Server) Close() {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), 2*endTime)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
}

// operate makes an HTTP handler of an operation.
func (s *Server) operate(o *Operation, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		if !o.Follow {
			ctx, cancel = context.WithTimeout(r.Context(), wholeTime)
		}
		defer cancel()
		defer context.AfterFunc(s.ends, func() { cancel(); moreTime(w, endTime) })()
		var answer any
		var body []byte
		err := checkQuery(o, r)
		if err == nil {
			body, err = bufferBody(w, r)
		}
		if err == nil {
			answer, err = h(s, w, r.WithContext(ctx))
		}
		moreTime(w, writeTime)
		if o.Method != http.MethodGet && !o.Batch {
			s.note(o, r, body, err)
		}
		switch {
		case err != nil:
			writeRefusal(w, err)
		case answer != nil:
			writeAnswer(w, http.StatusOK, "application/json", answer)
		}
	})
}

// moreTime gives the client a while to take the answer, or some more of it.
func moreTime(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// checkQuery refuses parameters that the operation has not, and has r.Form be the query.
func checkQuery(o *Operation, r *http.Request) error {
	r.Form = r.URL.Query()
	for name, values := range r.Form {
		i := slices.IndexFunc(o.Params, func(p Param) bool { return p.Name == name })
		if i < 0 || len(values) > 1 && !o.Params[i].Many {
			return refuse(http.StatusBadRequest, "parameter %q is one too many", name)
		}
	}
	for _, p := range o.Params {
		if p.Need && r.Form.Get(p.Name) == "" {
			return refuse(http.StatusBadRequest, "parameter %q is missing", p.Name)
		}
	}
	return nil
}

// bufferBody reads the body of a request, which has a while to come.
func bufferBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	deadline := http.NewResponseController(w).SetReadDeadline
	_ = deadline(time.Now().Add(readTime))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = deadline(time.Time{})
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, "body: more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "body: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b, nil
}

// readBody reads a document that an operation takes.
func readBody(r *http.Request, into any) error {
	b := json.NewDecoder(r.Body)
	b.DisallowUnknownFields()
	if err := b.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "body: %v", err)
	}
	return nil
}

func refuse(status int, format string, args ...any) error {
	return &Error{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// writeRefusal answers an error. A backend's is 503: nothing is known of what it did.
func writeRefusal(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok:
	case errors.Is(err, backends.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		e = &Error{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	default:
		e = &Error{Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	writeAnswer(w, e.Status, "application/problem+json", e)
}

func writeAnswer(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the client may be gone
}
