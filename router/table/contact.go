package table

import (
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
	conditions := uriOf(theContact)(c, v)
	all := make(rule, len(conditions))
	for i := range conditions {
		all[i] = conditions[i].holds
	}
	return one(searched, func(f *facts) bool {
		for e, ok := f.Msg.FirstElement(sip.Contact); ok; e, ok = f.Msg.NextElement(e) {
			if f.contact(e.Value) && all.holds(f) {
				return true
			}
		}
		return false
	})
}

// contact makes the URI of one Contact the one that conditions look at; false:
// there is none in it.
func (f *facts) contact(value []byte) bool {
	a := &f.addresses[theContact]
	n, err := sip.ParseNameAddr(value)
	if err != nil || n.Star {
		return false
	}
	if a.own, err = sip.ParseURI(n.URI); err != nil {
		return false
	}
	a.decoded, a.ok, a.myself, a.uri = true, true, unknown, &a.own
	a.compare()
	return true
}
