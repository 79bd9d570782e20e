package table

import (
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

var dialogMatchers = []matcher{
	{
		Field: schema.Field{
			Name: "in_dialog", Where: inMessages, Schema: `bool`,
			Doc: "Whether the To header field has a tag.",
		},
		compile: boolOf("in_dialog"),
	},
	{
		Field: schema.Field{
			Name: "direction", Where: inMessages, Schema: `"upstream" | "downstream"`,
			Doc: "After loose_route met a valid tag: downstream, from the dialog's initiator, or upstream.",
		},
		compile: compileDirection,
	},
	{
		Field: schema.Field{
			Name: "rr_params", Where: inMessages, Schema: `[#Token]: bool | #Str`,
			Doc: "Parameters of our Record-Route: after loose_route met a valid tag, those that " +
				"record_route wrote when the dialog began.",
		},
		compile: compileRouteParams,
	},
	{
		Field: schema.Field{
			Name: "max_forwards", Where: inMessages, Schema: `#Int`,
			Doc: "Max-Forwards as it stands, in branch and failure routes lowered. It never " +
				"holds when there is none.",
		},
		compile: numberOf("max_forwards"),
	},
	{
		Field: schema.Field{
			Name: "size", Where: inMessages, Schema: `#Int`,
			Doc: "Bytes of the message as received.",
		},
		compile: numberOf("size"),
	},
}

func compileDirection(_ *compiler, v *schema.Value) []condition {
	want := job.Downstream
	if v.S == "upstream" {
		want = job.Upstream
	}
	return one(cheap, func(f *facts) bool { return f.Direction == want })
}

func compileRouteParams(c *compiler, v *schema.Value) []condition {
	return c.params("rr_params.", v, func(f *facts, name string) ([]byte, bool) {
		return sip.Param(f.RRParams, name)
	})
}

// numberOf matches a field of vars that is a number; unset never holds.
func numberOf(name string) func(*compiler, *schema.Value) []condition {
	return func(c *compiler, v *schema.Value) []condition {
		field, _, _ := vars.Lookup(name)
		n := c.numbers(v)
		return one(cheap, func(f *facts) bool {
			x, ok := field.Int(f.Job)
			return ok && n.Hold(x)
		})
	}
}

// boolOf matches a field of vars that is true or false.
func boolOf(name string) func(*compiler, *schema.Value) []condition {
	return func(_ *compiler, v *schema.Value) []condition {
		field, _, _ := vars.Lookup(name)
		want := v.B
		return one(cheap, func(f *facts) bool {
			is, ok := field.Bool(f.Job)
			return ok && is == want
		})
	}
}
