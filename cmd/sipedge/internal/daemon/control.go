package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/net/netutil"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
)

// Bounds on what operators' commands may cost the server.
const (
	controlConnections = 128 // served at once; more wait in the system's queue
	controlTurns       = 2   // of these, that compute what is costly
	controlBody        = 64 << 10
	controlRead        = 5 * time.Second  // for a request to come
	controlWrite       = 10 * time.Second // for a client to take some more of an answer
	controlTime        = 5 * time.Minute  // for all of it
)

// handler answers an operation: with a value, or an error; one of a stream writes by itself.
type handler func(d *Daemon, w http.ResponseWriter, r *http.Request) (any, error)

// handlers are those of control.Operations.
var handlers = map[string]handler{
	"openapi":        func(*Daemon, http.ResponseWriter, *http.Request) (any, error) { return openAPI, nil },
	"version":        (*Daemon).tellVersion,
	"uptime":         (*Daemon).tellUptime,
	"ps":             (*Daemon).tellWork,
	"statistics":     (*Daemon).tellStatistics,
	"tables":         (*Daemon).tellTables,
	"backends":       (*Daemon).tellBackends,
	"log_level":      (*Daemon).tellLogLevel,
	"set_log_level":  (*Daemon).setLogLevel,
	"reload":         (*Daemon).orderReload,
	"drain":          (*Daemon).orderDrain,
	"stop":           (*Daemon).orderStop,
	"bindings":       (*Daemon).streamBindings,
	"binding":        (*Daemon).tellBinding,
	"add_binding":    (*Daemon).addBinding,
	"remove_binding": (*Daemon).removeBinding,
	"flush":          (*Daemon).flushBindings,
}

var openAPI = json.RawMessage(control.OpenAPI())

// listenControl binds the socket of the policy.
func (d *Daemon) listenControl() error {
	path := control.Path(&d.doc.Admin, d.cfg.State)
	if path == "" {
		return nil
	}
	l, err := control.Listen(path)
	if err != nil {
		return fmt.Errorf("admin: socket %s: %w (`admin: {socket: …}` names another)", path, err)
	}
	d.log.Info("control", "socket", path)
	d.socket = netutil.LimitListener(l, controlConnections)
	return nil
}

// controlServer serves the operations. No lock of the traffic is held while it writes to a client.
func (d *Daemon) controlServer() *http.Server {
	mux := http.NewServeMux()
	for i := range control.Operations {
		o := &control.Operations[i]
		mux.Handle(o.Pattern(), d.operate(o, handlers[o.ID]))
	}
	return &http.Server{
		Handler: mux, ReadTimeout: controlRead, IdleTimeout: controlRead, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
}

// serveControl serves until the socket is closed.
func (d *Daemon) serveControl() {
	if err := d.control.Serve(d.socket); !errors.Is(err, http.ErrServerClosed) {
		d.log.Error("control ended", "error", err)
	}
}

// closeControl ends what is under way, and lets answers leave.
func (d *Daemon) closeControl() {
	switch {
	case d.control != nil:
		ctx, cancel := context.WithTimeout(context.Background(), 2*flushTime)
		defer cancel()
		if d.control.Shutdown(ctx) != nil {
			d.control.Close()
		}
	case d.socket != nil:
		d.socket.Close()
	}
}

// operate makes an HTTP handler of an operation.
func (d *Daemon) operate(o *control.Operation, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), controlTime)
		defer cancel()
		defer context.AfterFunc(d.ends, func() { cancel(); moreTime(w, flushTime) })()
		moreTime(w, controlWrite)
		r.Body = http.MaxBytesReader(w, r.Body, controlBody)
		var answer any
		err := checkQuery(o, r)
		if err == nil {
			answer, err = h(d, w, r.WithContext(ctx))
		}
		if o.Method != http.MethodGet {
			d.note(o, r, err)
		}
		switch {
		case err != nil:
			writeRefusal(w, err)
		case answer != nil:
			writeAnswer(w, http.StatusOK, "application/json", answer)
		}
	})
}

// note logs what an operator had done.
func (d *Daemon) note(o *control.Operation, r *http.Request, err error) {
	attrs := []any{"operation", o.ID}
	for name := range r.Form {
		attrs = append(attrs, name, r.Form.Get(name))
	}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	d.log.Info("control", attrs...)
}

// moreTime gives the client a while to take the answer, or some more of it.
func moreTime(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// checkQuery refuses parameters that the operation has not, and has r.Form be the query.
func checkQuery(o *control.Operation, r *http.Request) error {
	r.Form = r.URL.Query()
	for name, values := range r.Form {
		i := slices.IndexFunc(o.Params, func(p control.Param) bool { return p.Name == name })
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

// readBody reads a document that an operation takes.
func readBody(r *http.Request, into any) error {
	b := json.NewDecoder(r.Body)
	b.DisallowUnknownFields()
	err := b.Decode(into)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return refuse(http.StatusRequestEntityTooLarge, "body: more than %d bytes", controlBody)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "body: %v", err)
	}
	return nil
}

func refuse(status int, format string, args ...any) error {
	return &control.Error{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// writeRefusal answers an error. A backend's is 503: nothing is known of what it did.
func writeRefusal(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*control.Error](err)
	switch {
	case ok:
	case errors.Is(err, backends.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		e = &control.Error{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	default:
		e = &control.Error{Status: http.StatusInternalServerError, Detail: err.Error()}
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
