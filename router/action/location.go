package action

import (
	"context"

	"sipedge/router/job"
	"sipedge/router/registrar"
	"sipedge/schema"
)

var (
	saveKind       = located(registrar.Save, registrar.NewSave)
	lookupKind     = located(registrar.Find, registrar.NewFind)
	unregisterKind = located(registrar.Unregister, registrar.NewUnregister)
)

// located makes the kind of an action of package registrar.
func located(
	kind schema.Kind, make func(*registrar.Env) (job.Step, schema.Diagnostics),
) Kind {
	return Kind{Kind: kind, New: build(func(d *decoder) job.Step {
		s, diags := make(&registrar.Env{
			Proxy: d.Proxy, Locations: d.Locations, Live: d.Proxy != nil, Where: d.Where,
			Args: d.args,
			Text: d.appender,
			Arm:  func(key string) (registrar.Arm, bool) { return d.taker(key) },
		})
		d.diags = append(d.diags, diags...)
		return s
	})}
}

// taker is an arm, or what is done without, given false.
func (d *decoder) taker(key string) (
	take func(ctx context.Context, j *job.Job, status int) job.Verdict, given bool,
) {
	a := d.arm(key)
	return func(ctx context.Context, j *job.Job, status int) job.Verdict {
		return a.take(ctx, j, d.Proxy, status)
	}, a.route != nil
}

// appender appends the text of an argument; nil: it is absent or wrong.
func (d *decoder) appender(key string) func(b []byte, j *job.Job) []byte {
	return d.appends(d.args.Get(key))
}

func (d *decoder) appends(v *schema.Value) func(b []byte, j *job.Job) []byte {
	t, ok := d.text(v)
	if !ok {
		return nil
	}
	return func(b []byte, j *job.Job) []byte {
		if t.tmpl == nil {
			return append(b, t.lit...)
		}
		return t.tmpl.Append(b, j)
	}
}
