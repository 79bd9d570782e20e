package action

import (
	"context"
	"errors"

	"sipedge/router/job"
	"sipedge/schema"
)

var dropKind = Kind{
	Kind: schema.Kind{
		Name: "drop",
		Doc: "Ends the run in silence. In a branch route this branch is not sent; in a reply " +
			"route a provisional reply goes no further.",
		Schema: `{}`,
		Where:  schema.InRequest | schema.InBranch | schema.InReply | schema.InError,
		Ending: schema.Ends,
	},
	New: build(func(*decoder) job.Step { return drop{} }),
}

type drop struct{}

var errFinal = errors.New("only a provisional reply can be dropped")

func (drop) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if j.Place == schema.InReply && j.Status >= 200 {
		return job.Done, errFinal
	}
	j.Answered = true
	return job.Drop, nil
}

var exitKind = Kind{
	Kind: schema.Kind{
		Name: "exit",
		Doc: "Ends the run, wherever it stands. A branch or reply goes on its way; a request must " +
			"have been answered before.",
		Schema: `{}`,
		Where:  schema.Anywhere,
		Ending: schema.Ends,
	},
	New: build(func(*decoder) job.Step { return exit{} }),
}

type exit struct{}

func (exit) Run(context.Context, *job.Job) (job.Verdict, error) { return job.Done, nil }

var returnKind = Kind{
	Kind: schema.Kind{
		Name:   "return",
		Doc:    "Leaves a sub-route early; its caller goes on with the next step.",
		Schema: `{}`,
		Where:  schema.Anywhere | schema.InSub,
		Ending: schema.Ends,
	},
	New: build(func(*decoder) job.Step { return leave{} }),
}

type leave struct{}

func (leave) Run(context.Context, *job.Job) (job.Verdict, error) { return job.Return, nil }

var routeKind = Kind{
	Kind: schema.Kind{
		Name: "route",
		Doc: "Calls a sub-route. Off its end, or by `return`, the run comes back to the next step; " +
			"an action that ends the run ends it here too.",
		Schema: `#Name`,
		Where:  schema.Anywhere,
		Calls:  []string{""},
	},
	New: build(func(d *decoder) job.Step { return &call{d.Route(schema.InSub, d.args.S)} }),
}

type call struct{ route job.Route }

func (s *call) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	return s.route.Run(ctx, j), nil
}
