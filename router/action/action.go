package action

import (
	"embed"
	"log/slog"

	"sipedge/backends"
	"sipedge/router/auth"
	"sipedge/router/data"
	"sipedge/router/enum"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/router/uac"
	"sipedge/router/vars"
	"sipedge/schema"
)

// Kind is a schema.Kind with its constructor.
type Kind struct {
	schema.Kind
	// Examples is the file of examples/ by the action's name: a txtar archive,
	// shown in the docs and run as tests. Its comment is the steps of a policy
	// (its routes, when it is a map). "in" is a request without the header
	// fields that every message has. "out" is what leaves, with the header
	// fields the example is about; empty: nothing does.
	Examples string
	// New decodes arguments that passed Schema and compiles what is in them.
	New func(e *Env, args *schema.Value) (job.Step, schema.Diagnostics)
}

// Env is what a constructor may use. Steps keep Proxy, Agent and Log for their
// run; all are nil while a policy is only validated.
type Env struct {
	Proxy *proxy.Proxy
	Agent *uac.Agent
	Own   *uac.Settings // for what the Agent sends
	Log   *slog.Logger
	Where schema.Place // route types the step may run in
	Vars  *vars.Scope  // what the policy declares
	Auth  *auth.Env    // for who authenticates
	Unfit func()       // counts a value that was none for its variable; nil: nobody does
	// Keeps is given the snapshot of what a step keeps from one request to the next;
	// nil: nobody asks. The tables are not among it.
	Keeps func(snapshot func() (restore func()))
	// Tables of the policy, with all that it names.
	Tables *data.Tables
	// Locations finds a location store among the backends of the policy, nil if there is none of
	// the name; it is nil itself while a policy is only looked at.
	Locations func(name string) backends.Locations
	// Databases finds a database, as Locations does a store.
	Databases func(name string) backends.DB
	// Media finds a backend that relays media, nil while a policy is only looked at. ok false:
	// it is none.
	Media func(name string) (m backends.Media, ok bool)
	// Numbers finds what telephone numbers stand for; nil as Proxy.
	Numbers enum.Finder
	// Route finds a route; it is never nil: references were checked.
	Route func(of schema.Place, name string) job.Route
	// Sets are the gateways of the policy, of which Gateways knows more.
	Sets     *gateway.Sets
	Gateways *gateway.Registry
	// Listener finds the index of "udp:127.0.0.1:5060".
	Listener func(name schema.Text) (uint16, bool)
	// Leads gets each place that the policy itself names for requests to go to;
	// nil: nobody asks.
	Leads func(Destination)
}

// Destination is a sip or sips URI in a policy that requests are sent to.
type Destination struct {
	URI  []byte
	Pos  schema.Pos
	End  int  // column behind it, on the same line; 0 unknown
	Next bool // it is a next hop; else a Request-URI, which a next hop may overrule
}

//go:embed examples
var examples embed.FS

// Kinds is the vocabulary, sorted by name.
func Kinds() []Kind {
	kinds := all()
	for i := range kinds {
		b, err := examples.ReadFile("examples/" + kinds[i].Name + ".txtar")
		if err != nil {
			panic(err) // every action has its file
		}
		kinds[i].Examples = string(b)
	}
	return kinds
}

func all() []Kind {
	return []Kind{
		addHeaderKind, addPathKind, aliasLookupKind, appendBranchKind, assertIdentityKind,
		authenticateKind, banKind, checkSourceAddressKind, consumeCredentialsKind, dispatchKind, dropKind,
		enumKind, exitKind,
		fixNATKind, forceRportKind, forceSendSocketKind, forwardKind, lcrKind, logKind, lookupKind,
		looseRouteKind,
		maxForwardsKind, nextBranchesKind, nextDestinationKind, popKind, prefixKind, pushKind,
		putKind, queryKind, rateLimitKind, recordRouteKind, recurseKind, redirectKind,
		relayKind, removeHeaderKind, replyKind, replyErrorKind, returnKind, revertURIKind, rewriteURIKind,
		routeKind, rtpengineKind, saveKind, sendRequestKind, serializeBranchesKind, setKind,
		setHeaderKind, setHostKind, setPortKind, setUserKind, speedDialKind, stripKind,
		stripTailKind, unregisterKind, unsetKind,
	}
}
