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
	// Examples is a txtar archive, shown in the docs and run as tests. Its
	// comment is the steps (or, when it is a map, the routes) of a policy; "in" is a
	// request, the header fields every message has left out; "out" is what leaves, with the header
	// fields that the example is about; empty: nothing does.
	Examples string
	// New decodes arguments that passed Schema and compiles what is in them.
	New func(e *Env, args *schema.Value) (job.Step, schema.Diagnostics)
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
func Kinds() []Kind {
	return []Kind{
		addHeaderKind,
		appendBranchKind,
		dropKind,
		exitKind,
		forceRportKind,
		forceSendSocketKind,
		forwardKind,
		logKind,
		looseRouteKind,
		maxForwardsKind,
		nextBranchesKind,
		prefixKind,
		recordRouteKind,
		redirectKind,
		relayKind,
		removeHeaderKind,
		replyKind,
		replyErrorKind,
		returnKind,
		revertURIKind,
		rewriteURIKind,
		routeKind,
		serializeBranchesKind,
		setHeaderKind,
		setHostKind,
		setPortKind,
		setUserKind,
		stripKind,
		stripTailKind,
	}
}
