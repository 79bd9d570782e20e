package action

import (
	"context"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
	"sipedge/sip"
)

// arm is a failure arm: a sub-route that runs instead of the rest of the run.
type arm struct{ route job.Route }

// take runs the arm. Without one, or off its end, the request is answered
// status; an ACK, which has no answer, is dropped. A failure route has an
// answer already: the best reply goes upstream.
func (a arm) take(ctx context.Context, j *job.Job, p *proxy.Proxy, status int) job.Verdict {
	if a.route != nil {
		if v := a.route.Run(ctx, j); v != job.Next {
			return v
		}
	}
	switch {
	case j.Place == schema.InFailure:
		return job.Done
	case j.Msg.Method() == sip.ACK:
		j.Answered = true
		return job.Drop
	}
	return p.Reply(j, status, "", nil, false)
}
