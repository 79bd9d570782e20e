package table

import (
	"slices"

	"sipedge/router/numbers"
	"sipedge/router/vars"
	"sipedge/schema"
)

var resultMatchers = []matcher{
	{
		Field: schema.Field{
			Name: "status", Where: inResults,
			Schema: `#Status | #StatusClass | [#Status | #StatusClass, ...#Status | #StatusClass]`,
			Doc: "The status of the response, or of the best one a failure route is about: " +
				"486, 5xx, or a list. A timeout is a 408.",
		},
		compile: compileStatus,
	},
	{
		Field: schema.Field{
			Name: "cause", Where: inResults,
			Schema: `"timeout" | "transport" | ["timeout" | "transport", ..."timeout" | "transport"]`,
			Doc:    "Why a branch failed that no response explains.",
		},
		compile: compileCause,
	},
}

func compileStatus(_ *compiler, v *schema.Value) []condition {
	var n numbers.Set
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Int {
			n = append(n, numbers.Bounds{Min: v.N, Max: v.N})
		} else if len(v.S) == len("5xx") {
			class := int64(v.S[0]-'0') * 100
			n = append(n, numbers.Bounds{Min: class, Max: class + 99})
		}
	})
	return one(cheap, func(f *facts) bool { return n.Hold(int64(f.Status)) })
}

func compileCause(_ *compiler, v *schema.Value) []condition {
	names := texts(v)
	return one(cheap, func(f *facts) bool { return slices.Contains(names, vars.Cause(f.Job)) })
}
