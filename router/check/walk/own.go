package walk

import (
	"context"
	"log/slog"

	"sipedge/router/action"
	"sipedge/router/check/graph"
	"sipedge/router/job"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// sendOwn runs the local route over the request that send_request makes, which no peer sees.
func (r *Run) sendOwn(s *graph.Step) verdict {
	if r.blind&s.Uses != 0 || s.Wild != "" {
		return r.lost("what send_request sends")
	}
	v := next
	local := func(j *job.Job) {
		from := r.j
		r.j = j
		r.begin(phase{of: schema.InLocal, round: r.rounds(), step: s})
		to, _ := r.goal.target(r.aimed + 1)
		if v = r.follow(to, true); v != stop {
			v = r.end()
		}
		r.j = from
	}
	do := s.New(&action.Env{
		Agent: uac.New(uac.Config{Way: noWay{}, Log: slog.New(slog.DiscardHandler)}),
		Own: &uac.Settings{
			Self: r.p.World.Self, Name: r.p.World.Name, Local: route(local),
		},
		Where: r.j.Place, Vars: r.p.Scope,
	})
	if _, err := do.Run(context.Background(), r.j); err != nil {
		return r.lost("send_request may fail")
	}
	r.j.Ended()
	return v
}

// route is a function as a route.
type route func(*job.Job)

// Waits implements job.Route.
func (f route) Waits() bool { return false }

// Run implements job.Route.
func (f route) Run(_ context.Context, j *job.Job) job.Verdict {
	f(j)
	return job.Next
}

// noWay is a uac.Way that leads nowhere.
type noWay struct{}

func (noWay) Locate(_ *sip.URI, _ bool, then func([]resolve.Hop)) bool {
	then(nil)
	return true
}

func (noWay) Egress(via []byte, _ uint16, _ resolve.Hop) (uint16, []byte) {
	return transport.AnyListener, via
}

func (noWay) Sent(*job.Trace, transport.Target, []byte) {}
