package trace

import (
	"context"
	"log/slog"
	"strings"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Bounds of what is logged of one message.
const (
	loggedEvents = 1000
	loggedBytes  = 256 << 10
	loggedText   = 256 // of a Call-ID
)

// logged is a trace of a message that is written to a log as it happens: what came, the rules that
// matched with the verdict of the run, what the router refused and why, and what left. Of messages
// the start line is written alone: header fields carry secrets. It begins with a request; a
// response is told of by whoever has it.
func logged(log *slog.Logger, f transport.Flow, m *sip.Message) *job.Trace {
	callID := m.CallID()
	id := slog.String("call_id", string(callID[:min(len(callID), loggedText)]))
	write := func(message string, attrs ...slog.Attr) {
		log.LogAttrs(context.Background(), slog.LevelDebug, message, append(attrs, id)...)
	}
	wire := func(message string, w *job.Wire) {
		write(message, slog.String("message", sip.StartLine([]byte(w.Message))),
			slog.String("remote", w.Remote.String()), slog.String("transport", w.Transport))
	}
	if m.IsRequest() {
		wire("received", &job.Wire{
			Transport: f.Transport.String(), Remote: f.Remote, Message: string(m.Raw()),
		})
	}
	return &job.Trace{
		Brief: true, Room: job.NewRoom(loggedEvents, loggedBytes),
		Changed: func(e job.Event) {
			switch {
			case e.Got != nil:
				wire("received", e.Got)
			case e.Sent != nil:
				wire("sent", e.Sent)
			case e.Why != "":
				write("refused", slog.String("why", e.Why))
			case e.Run != nil:
				write("decided", slog.String("type", e.Run.Type), slog.String("route", e.Run.Route),
					slog.String("rules", rules(e)), slog.String("verdict", e.Run.Verdict))
			}
		},
	}
}

// rules are the names of those that matched in a run; of one that goes on, where it does.
func rules(e job.Event) string {
	var names []string
	t := job.Trace{Events: []job.Event{e}}
	t.Matched(func(r *job.Run, try *job.Try) {
		names = append(names, PathItem{r.Type, r.Route, try.Name, try.Index + 1}.String())
	})
	return strings.Join(names, ", ")
}
