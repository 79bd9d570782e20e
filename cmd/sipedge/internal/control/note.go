package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"sipedge/cmd/sipedge/internal/ctlsocket"
)

type peerKey struct{}

// withPeer has requests of a connection know the peer, and those made on behalf of them.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, c.RemoteAddr())
}

// How much of what an operator sent is logged: fields of a body, and bytes of one.
const (
	notedFields = 16
	notedText   = 256
)

// note logs what an operator had done: who, what, with which parameters and body, and what is
// wrong with it. No operation takes a secret.
func (s *Server) note(o *Operation, r *http.Request, body []byte, err error) {
	attrs := []slog.Attr{slog.String("operation", o.ID)}
	if p, ok := r.Context().Value(peerKey{}).(ctlsocket.Peer); ok {
		attrs = append(attrs, slog.Int("uid", p.UID), slog.Int("pid", p.PID))
	}
	for _, p := range o.Params {
		if v := r.Form.Get(p.Name); v != "" {
			attrs = append(attrs, slog.String(p.Name, cut(v)))
		}
	}
	var fields map[string]any
	if o.Body != nil && json.Unmarshal(body, &fields) == nil {
		var told []any // in a group: one may be called level
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			told = append(told, slog.String(name, cut(fmt.Sprint(fields[name]))))
		}
		attrs = append(attrs, slog.Group("body", told[:min(len(told), notedFields)]...))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", cut(err.Error())))
	}
	slog.New(always{s.Log.Handler()}).LogAttrs(context.Background(), slog.LevelInfo, "control",
		attrs...)
}

// always is a handler of a log that has what is noted at every level, which operators set.
type always struct{ slog.Handler }

func (always) Enabled(context.Context, slog.Level) bool { return true }

// cut shortens a text for the log.
func cut(text string) string {
	if len(text) > notedText {
		return strings.ToValidUTF8(text[:notedText], "") + "…"
	}
	return text
}
