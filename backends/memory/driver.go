package memory

import (
	"sipedge/backends"
	"sipedge/schema"
)

// Driver makes stores of policies: contacts: {memory: {}}.
var Driver = backends.Driver{
	Name: "memory",
	Doc:  "Bindings in the memory of this process: the fastest location store, gone when it ends.",
	Schema: `{
	// Whether the domain belongs to an address of record, true unless set: else a user is the
	// same in every domain.
	use_domain?: bool
	// Whether letters of the user tell addresses of record apart, true unless set
	// (RFC 3261 §19.1.4).
	case_sensitive?: bool
}`,
	Open: func(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
		var n backends.Names
		if v := o.Settings.Get("use_domain"); v.Kind == schema.Bool {
			n.UserOnly = !v.B
		}
		if v := o.Settings.Get("case_sensitive"); v.Kind == schema.Bool {
			n.IgnoreCase = !v.B
		}
		return New(n), nil
	},
}
