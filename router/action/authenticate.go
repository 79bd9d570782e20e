package action

import (
	"sipedge/router/auth"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/schema"
)

var (
	authenticateKind       = proving(auth.Authenticate, auth.NewAuthenticate)
	consumeCredentialsKind = proving(auth.ConsumeCredentials, auth.NewConsume)
	assertIdentityKind     = proving(auth.AssertIdentity, auth.NewAssert)
)

// proving makes the kind of an action of package auth.
func proving(
	kind schema.Kind, make func(*auth.Step) (job.Step, schema.Diagnostics),
) Kind {
	return Kind{Kind: kind, New: build(func(d *decoder) job.Step {
		s, diags := make(&auth.Step{
			Env: d.Auth, Proxy: d.Proxy, Args: d.args, Rate: data.ParseRate, Keeps: d.Keeps,
			Text:      d.appender,
			Variables: d.variables, Unfit: d.Unfit,
			Arm: func(key string) (auth.Arm, bool) { return d.taker(key) },
		})
		d.diags = append(d.diags, diags...)
		return s
	})}
}
