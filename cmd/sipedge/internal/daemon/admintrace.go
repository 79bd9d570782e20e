package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"sipedge/router/trace"
)

// maxOrder is how long the order of a recording may be, in bytes.
const maxOrder = 4 << 10

// traces serves the recorder: to this host only, since messages are people's own.
//
//	POST /trace           a trace.Order as JSON begins a recording: 201 with its trace.Status;
//	                      409 while another runs
//	GET /trace/ID         its trace.Status
//	GET /trace/ID/text    what is recorded so far, as `sipedge explain` writes it
//	GET /trace/ID/json    the same, a document for each request
//	DELETE /trace/ID      ends it; what is recorded can be had for a while
type traces struct {
	recorder *trace.Recorder
	log      *slog.Logger
}

func (t *traces) register(mux *http.ServeMux) {
	mux.HandleFunc("POST /trace", local(t.arm))
	mux.HandleFunc("GET /trace/{id}", local(t.status))
	mux.HandleFunc("GET /trace/{id}/{form}", local(t.fetch))
	mux.HandleFunc("DELETE /trace/{id}", local(t.stop))
}

// local lets through what comes from this host and was meant for it: a name that a browser was
// told leads here is none of ours.
func local(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !fromHere(r) || !ownName(r.Host) {
			http.Error(w, "to this host only", http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

// fromHere reports whether the peer is on loopback, or has the address it connected to.
func fromHere(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := peer.Addr().Unmap()
	own, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return from.IsLoopback() || own != nil && own.AddrPort().Addr().Unmap() == from
}

// ownName reports whether a Host is an address or localhost.
func ownName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost"
}

func (t *traces) arm(w http.ResponseWriter, r *http.Request) {
	// A form of a web page cannot have this type.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		http.Error(w, "an order is application/json", http.StatusUnsupportedMediaType)
		return
	}
	var order trace.Order
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(&order); err != nil {
		http.Error(w, "no order: "+err.Error(), http.StatusBadRequest)
		return
	}
	rec, err := t.recorder.Arm(order)
	switch {
	case errors.Is(err, trace.ErrBusy):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		t.log.Info("trace armed", "peer", r.RemoteAddr, "calls", order.Count, "bound", order.Time)
		w.Header().Set("Location", "/trace/"+rec.Status().ID)
		writeStatus(w, http.StatusCreated, rec)
	}
}

func (t *traces) status(w http.ResponseWriter, r *http.Request) {
	if rec := t.find(w, r); rec != nil {
		writeStatus(w, http.StatusOK, rec)
	}
}

func (t *traces) stop(w http.ResponseWriter, r *http.Request) {
	if rec := t.find(w, r); rec != nil {
		rec.Stop()
		writeStatus(w, http.StatusOK, rec)
	}
}

func (t *traces) fetch(w http.ResponseWriter, r *http.Request) {
	rec := t.find(w, r)
	if rec == nil {
		return
	}
	write, kind := (*trace.Account).WriteText, "text/plain; charset=utf-8"
	switch r.PathValue("form") {
	case "text":
	case "json":
		write, kind = (*trace.Account).WriteJSON, "application/json"
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	for i, a := range rec.Accounts() {
		if i > 0 && r.PathValue("form") == "text" {
			fmt.Fprintln(w)
		}
		if err := write(a, w); err != nil {
			return // the client is gone
		}
	}
}

func (t *traces) find(w http.ResponseWriter, r *http.Request) *trace.Recording {
	rec := t.recorder.Find(r.PathValue("id"))
	if rec == nil {
		http.Error(w, "no such recording", http.StatusNotFound)
	}
	return rec
}

func writeStatus(w http.ResponseWriter, code int, rec *trace.Recording) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(rec.Status())
}
