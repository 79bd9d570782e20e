package memory

import (
	"cmp"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver makes stores of policies: contacts: {memory: {}}.
var Driver = backends.Driver{
	Name: "memory", Inside: true,
	Doc: "Bindings in the memory of this process: the fastest location store, gone when it ends.",
	Schema: `{
	// Whether the domain belongs to an address of record, true unless set: else a user is the
	// same in every domain.
	use_domain?: bool
	// Whether letters of the user tell addresses of record apart, true unless set
	// (RFC 3261 §19.1.4).
	case_sensitive?: bool
	// Where else bindings are kept: nowhere, unless set, or in a table of a database before
	// REGISTER is answered.
	persist?: "none" | "write_through"
	// The database, another backend.
	database?: #BackendName
	// The table, location unless set.
	table?: =~"^[A-Za-z_][A-Za-z0-9_]*$" @says("the name of a table","letters, digits and _")
	// How the table is laid out: as of OpenSIPS unless set.
	layout?: "opensips" | "opensips_1.6" | "kamailio"
}`,
	Open: func(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
		var n backends.Names
		if v := o.Settings.Get("use_domain"); v.Kind == schema.Bool {
			n.UserOnly = !v.B
		}
		if v := o.Settings.Get("case_sensitive"); v.Kind == schema.Bool {
			n.IgnoreCase = !v.B
		}
		return persistent(New(n), o)
	},
}

// persistent is a store that keeps what it has as the settings say.
func persistent(s *Store, o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	name := o.Settings.Get("database")
	if o.Alone {
		return s, nil
	}
	if o.Settings.Get("persist").S != "write_through" {
		if name.Kind == schema.String {
			return nil, schema.Diagnostics{name.Problem(schema.BadValue,
				"a database is of use with persist: write_through alone")}
		}
		return s, nil
	}
	if name.Kind != schema.String {
		return nil, schema.Diagnostics{o.Settings.Problem(schema.MissingField,
			"persist: write_through needs a database")}
	}
	const need = backends.CanSelect | backends.CanUpsert | backends.CanDelete
	db, ok := o.Other(name.S).(backends.DB)
	if !ok || db.Can()&need != need {
		return nil, schema.Diagnostics{name.Problem(schema.WrongBackend,
			"%q is no database that bindings can be kept in", name.S)}
	}
	table, as := o.Settings.Get("table").S, o.Settings.Get("layout").S
	return newThrough(s, db, cmp.Or(table, "location"), layouts[cmp.Or(as, "opensips")], o.Log), nil
}
