package action

import (
	"sipedge/router/enum"
	"sipedge/router/job"
	"sipedge/router/permission"
	"sipedge/router/redirection"
	"sipedge/schema"
)

var enumKind = Kind{Kind: enum.Kind, New: build(func(d *decoder) job.Step {
	step, diags := enum.New(&enum.Env{
		Proxy: d.Proxy, Finder: d.Numbers, Args: d.args, Text: d.appender,
		Arm: func(key string) (enum.Arm, bool) { return d.taker(key) },
	})
	d.diags = append(d.diags, diags...)
	return step
})}

var checkSourceAddressKind = Kind{Kind: permission.Kind, New: build(func(d *decoder) job.Step {
	onNone, _ := d.taker("on_none")
	return permission.New(&permission.Env{
		Table: d.table("table"), Args: d.args, Text: d.appender, Variables: d.variables,
		Unfit: d.Unfit, OnNone: onNone,
	})
})}

var recurseKind = Kind{
	Kind: redirection.Kind,
	New: func(e *Env, args *schema.Value) (job.Step, schema.Diagnostics) {
		d := decoder{Env: e, args: args}
		return redirection.New(&redirection.Env{
			Proxy: e.Proxy, Tables: e.Tables, Args: args,
			Arm: func(key string) (redirection.Arm, bool) { return d.taker(key) },
		})
	},
}
