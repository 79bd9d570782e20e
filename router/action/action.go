package action

import (
	"log/slog"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
)

// Kind is a schema.Kind with its constructor.
type Kind struct {
	schema.Kind
	Examples string // txtar: shown in the docs and run as tests
	New      func(e *Env, args *schema.Value) (job.Step, schema.Diagnostics)
}

// Env is what a constructor may use. While a policy is only validated Proxy is nil: steps keep it for their run.
type Env struct {
	Proxy    *proxy.Proxy
	Log      *slog.Logger
	Where    schema.Place                                 // route types the step may run in
	Route    func(of schema.Place, name string) job.Route // never nil: references were checked
	Listener func(name schema.Text) (uint16, bool)        // "udp:127.0.0.1:5060" → index, for force_send_socket
}

// Kinds is the vocabulary, sorted by name.
func Kinds() []Kind { panic("contract") }
