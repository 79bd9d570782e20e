package table

import (
	"sipedge/router/table/decoded"
	"sipedge/schema"
	"sipedge/sip"
)

var contactMatchers = []matcher{{
	Field: schema.Field{
		Name: "contact", Where: inRequests, Schema: `#URI`,
		Doc: "The URI of a Contact header field. Of several, one must match as a whole.",
	},
	compile: compileContact,
}}

func compileContact(c *compiler, v *schema.Value) []condition {
	conditions := uriOf(decoded.Contact)(c, v)
	all := make(rule, len(conditions))
	for i := range conditions {
		all[i] = conditions[i].holds
	}
	return one(searched, func(f *facts) bool {
		for e, ok := f.Msg.FirstElement(sip.Contact); ok; e, ok = f.Msg.NextElement(e) {
			if f.ReadContact(e.Value) && all.holds(f) {
				return true
			}
		}
		return false
	})
}
