package action

import (
	"context"

	"sipedge/router/job"
	"sipedge/schema"
)

var forceSendSocketKind = Kind{
	Kind: schema.Kind{
		Name: "force_send_socket",
		Doc: "Sends by a listener of this server instead of the one that suits the target. " +
			"To a target of another transport it sends by another listener of the same address, " +
			"if there is one.",
		Schema: `=~"^[a-z]+:.+$" @says("a listener","like \"udp:192.0.2.10:5060\"")`,
		Where:  schema.InRequest | schema.InBranch | schema.InFailure | schema.InLocal,
	},
	New: build(func(d *decoder) job.Step {
		i, ok := d.Listener(schema.Text{S: d.args.S, Pos: d.args.Pos})
		if !ok {
			d.errorf(d.args, schema.UnknownListener, "%q is not one of our listeners", d.args.S)
		}
		return &forceSendSocket{i}
	}),
}

type forceSendSocket struct{ listener uint16 }

func (s *forceSendSocket) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	j.SendSocket = s.listener
	return job.Next, nil
}

var forceRportKind = Kind{
	Kind: schema.Kind{
		Name: "force_rport",
		Doc: "Answers to the port the request came from, as if its Via had asked for it, " +
			"RFC 3581: for clients behind a NAT that do not ask.",
		Schema: `{}`,
		Where:  schema.InRequest,
	},
	New: build(func(*decoder) job.Step { return forceRport{} }),
}

type forceRport struct{}

func (forceRport) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	j.Msg.MarkReceived(j.Flow.Remote, true)
	return job.Next, nil
}
