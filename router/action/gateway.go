package action

import (
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/lcr"
	"sipedge/schema"
)

var (
	dispatchKind        = dispatching(gateway.Dispatch, gateway.NewDispatch)
	nextDestinationKind = dispatching(gateway.Next, gateway.NewNext)

	lcrKind = Kind{Kind: lcr.Kind, New: build(func(d *decoder) job.Step {
		number := d.args.Get("number")
		if number.Kind == schema.None {
			number = &schema.Value{Kind: schema.String, S: "{ruri.user}"}
		}
		return lcr.New(d.gateways(), d.table("table"), d.appends(number), d.appender("group"))
	})}
)

// dispatching makes the kind of an action of package gateway.
func dispatching(kind schema.Kind, make func(*gateway.Env) job.Step) Kind {
	return Kind{Kind: kind, New: build(func(d *decoder) job.Step { return make(d.gateways()) })}
}

func (d *decoder) gateways() *gateway.Env {
	return &gateway.Env{
		Registry: d.Gateways, Sets: d.Sets, Args: d.args, Text: d.appender, Unfit: d.Unfit,
		Variables: d.variables,
		Arm: func(key string) gateway.Arm {
			take, _ := d.taker(key)
			return take
		},
	}
}
