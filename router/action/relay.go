package action

import (
	"context"
	"errors"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/router/proxy"
	"sipedge/schema"
)

var errHop = errors.New("not a next hop")

var relayKind = Kind{
	Kind: schema.Kind{
		Name: "relay",
		Doc: "Sends the request on statefully, to every member of the target set at once, " +
			"RFC 3261 §16. It ends the run; what comes back is the engine's, and the named routes'.",
		Schema: `{
	// The next hop, a sip URI; the Request-URI stays. Else the Request-URI leads, or the Route
	// of a request in a dialog or of one that only passes through; 403 with any other Route.
	to?: #Text
	// The branch route that runs for each branch before it is sent.
	branch?: #Name
	// The reply route that runs for each reply received.
	reply?: #Name
	// The failure route that runs when every branch has failed.
	failure?: #Name
	// How long a branch may stay without any answer.
	fr_timer?: #Duration
	// How long an INVITE may ring.
	fr_inv_timer?: #Duration
	// Whether a branch tries the other places its name leads to, RFC 3263 §4.3, when one can't be
	// reached, is silent or answers 503: true, unless dns says otherwise.
	failover?: bool
	// The sub-route taken when there is nowhere to send it; unless set the answer
	// tells why, such as 480 for a name that is not found.
	on_error?: #Name
}`,
		Where:  schema.InRequest | schema.InFailure,
		Ending: schema.Ends,
		Arms:   []string{"on_error"},
		Hooks: map[string]schema.Place{
			"branch": schema.InBranch, "reply": schema.InReply, "failure": schema.InFailure,
		},
		Asks: true,
	},
	New: build(func(d *decoder) job.Step {
		s := &relay{proxy: d.Proxy, hooks: proxy.Hooks{
			Branch:     d.route(schema.InBranch, "branch"),
			Reply:      d.route(schema.InReply, "reply"),
			Failure:    d.route(schema.InFailure, "failure"),
			OnError:    d.route(schema.InSub, "on_error"),
			FinalWait:  d.args.Get("fr_timer").Duration(),
			InviteWait: d.args.Get("fr_inv_timer").Duration(),
		}}
		if d.args.Has("failover") {
			s.hooks.Failover = proxy.FailoverOf(d.args.Get("failover").B)
		}
		if to, ok := d.nextHop(d.args.Get("to")); ok && to.literal() {
			s.hooks.To, s.hooks.By = to.lit, nexthop.Own
		} else if ok {
			s.to = &to
		}
		return s
	}),
}

type relay struct {
	proxy *proxy.Proxy
	hooks proxy.Hooks
	to    *text // nil: hooks.To says it
}

func (s *relay) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if s.to == nil {
		return s.proxy.Relay(j, &s.hooks), nil
	}
	to := s.to.expand(j)
	if !edit.IsHop(to) {
		return job.Next, errHop
	}
	hooks := s.hooks
	hooks.To, hooks.By = to, nexthop.Ruled
	return s.proxy.Relay(j, &hooks), nil
}

var forwardKind = Kind{
	Kind: schema.Kind{
		Name: "forward",
		Doc: "Sends the request on without state, RFC 3261 §16.11: no timers, no forking. " +
			"Retransmissions, the ACK and the CANCEL of a request follow it by its branch.",
		Schema: `{
	// The next hop, a sip URI; the Request-URI stays. Else the Request-URI leads, or the Route
	// of a request in a dialog or of one that only passes through; 403 with any other Route.
	to?: #Text
	// The sub-route taken when there is nowhere to send it; unless set the answer
	// tells why, such as 480 for a name that is not found.
	on_error?: #Name
}`,
		Where:  schema.InRequest,
		Ending: schema.Ends,
		Arms:   []string{"on_error"},
		Asks:   true,
	},
	New: build(func(d *decoder) job.Step {
		s := &forward{proxy: d.Proxy, onError: d.route(schema.InSub, "on_error")}
		s.to, _ = d.nextHop(d.args.Get("to"))
		return s
	}),
}

type forward struct {
	proxy   *proxy.Proxy
	to      text
	onError job.Route
}

func (s *forward) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	to := s.to.expand(j)
	if !s.to.literal() && !edit.IsHop(to) {
		return job.Next, errHop
	}
	by := nexthop.Ruled
	if s.to.literal() {
		by = nexthop.Own
	}
	return s.proxy.Forward(j, to, by, s.onError), nil
}
