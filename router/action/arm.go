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

// silence is a status: the request is dropped.
const silence = 0

// take runs the arm. Without one, or off its end, the request is answered
// status, a 503 with Retry-After; an ACK, which has no answer, is dropped. A failure route has an
// answer already: the best reply goes upstream. In a reply route the reply passes.
func (a arm) take(ctx context.Context, j *job.Job, p *proxy.Proxy, status int) job.Verdict {
	if a.route == nil {
		return closed(j, p, status)
	}
	v := a.route.Run(ctx, j)
	switch v {
	case job.Next:
		return closed(j, p, status)
	case job.Wait:
		j.Hold(armFrame{p, status})
	}
	return v
}

// armFrame is where an arm goes on that waited.
type armFrame struct {
	proxy  *proxy.Proxy
	status int
}

// Resume implements job.Frame.
func (f armFrame) Resume(_ context.Context, j *job.Job, v job.Verdict) job.Verdict {
	if v != job.Next {
		return v
	}
	return closed(j, f.proxy, f.status)
}

// closed is what an action does without an arm.
func closed(j *job.Job, p *proxy.Proxy, status int) job.Verdict {
	switch {
	case j.Place == schema.InFailure, j.Place == schema.InReply:
		return job.Done
	case status == silence, j.Msg.Method() == sip.ACK:
		j.Answered = true
		return job.Drop
	}
	var extra []byte
	if status == 503 {
		extra = p.RetryAfter()
	}
	return p.Reply(j, status, "", extra, false)
}
