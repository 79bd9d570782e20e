package action

import (
	"sipedge/router/alias"
	"sipedge/router/job"
	"sipedge/schema"
)

var (
	aliasLookupKind = aliased(alias.Lookup, alias.NewLookup)
	speedDialKind   = aliased(alias.SpeedDial, alias.NewSpeedDial)
)

// aliased makes the kind of an action of package alias.
func aliased(
	kind schema.Kind, make func(*alias.Env) (job.Step, schema.Diagnostics),
) Kind {
	return Kind{Kind: kind, New: build(func(d *decoder) job.Step {
		s, diags := make(&alias.Env{
			Proxy: d.Proxy, Database: d.Databases, Live: d.Proxy != nil, Args: d.args,
			Arm: func(key string) (alias.Arm, bool) { return d.taker(key) },
		})
		d.diags = append(d.diags, diags...)
		return s
	})}
}
