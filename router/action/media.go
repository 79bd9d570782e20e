package action

import (
	"context"

	"sipedge/router/job"
	"sipedge/router/media"
)

var rtpengineKind = Kind{Kind: media.Relay, New: build(func(d *decoder) job.Step {
	take, _ := d.taker("on_error")
	s, diags := media.New(&media.Env{Media: d.Media, Args: d.args,
		Arm: func(ctx context.Context, j *job.Job, status int) job.Verdict { return take(ctx, j, status) },
	})
	d.diags = append(d.diags, diags...)
	return s
})}
