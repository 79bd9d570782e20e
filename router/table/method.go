package table

import (
	"sipedge/schema"
	"sipedge/sip"
)

var methodMatchers = []matcher{{
	Field: schema.Field{
		Name: "method", Where: inMessages,
		Doc:    "The method of the request; of a reply the one of its CSeq.",
		Schema: `#Method | [#Method, ...#Method]`,
	},
	compile: compileMethod,
}}

func compileMethod(_ *compiler, v *schema.Value) []condition {
	names := texts(v)
	cond := condition{cost: cheap, anchor: &anchor{axis: byMethod, keys: names, whole: true}}
	var set uint32 // of sip.Method
	var others []string
	for _, name := range names {
		if m := sip.LookupMethod([]byte(name)); m != sip.Other {
			set |= 1 << m
		} else {
			others = append(others, name)
		}
	}
	cond.holds = func(f *facts) bool {
		if m := f.Msg.Method(); m != sip.Other {
			return set&(1<<m) != 0
		}
		name := f.Msg.MethodName()
		for _, other := range others {
			if string(name) == other {
				return true
			}
		}
		return false
	}
	return []condition{cond}
}
