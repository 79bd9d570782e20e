package memory

import (
	"cmp"
	"path/filepath"

	"sipedge/backends"
	"sipedge/backends/journal"
	"sipedge/schema"
)

// Driver makes stores of policies: contacts: {memory: {}}.
var Driver = backends.Driver{
	Name: "memory", Inside: true,
	Doc: "Bindings in the memory of this process, the fastest location store; as `persist` says " +
		"they are in a database too, and outlive it.",
	Schema: `{
	// Whether the domain belongs to an address of record, true unless set: else a user is the
	// same in every domain.
	use_domain?: bool
	// Whether letters of the user tell addresses of record apart, true unless set
	// (RFC 3261 §19.1.4).
	case_sensitive?: bool
	// Where else bindings are kept: nowhere, unless set; in a table of a database before REGISTER
	// is answered; in a journal in the state folder before it is answered, and in the table when
	// the database can take them; or in the table alone, which several nodes share.
	persist?: "none" | "write_through" | "write_back" | "database_only"
	// The database, another backend.
	database?: #BackendName
	// The table, location unless set.
	table?: =~"^[A-Za-z_][A-Za-z0-9_]*$" @says("the name of a table","letters, digits and _")
	// How the table is laid out: as of OpenSIPS unless set.
	layout?: "opensips" | "opensips_1.6" | "kamailio"
	// When the table can't be read at the start: wait, and answer 503 where a binding is asked for
	// until it is read; fail, and end; or begin with the bindings of the journal, which is what
	// write_back does, and waits without one. The others wait unless set.
	on_start_error?: "wait" | "fail" | "journal"
	// Of write_back, how many addresses of record may wait for the database: 1000000. Others are
	// answered 503.
	max_backlog?: int & >=1 & <=100000000
}`,
	Scans: func(settings *schema.Value) bool { return settings.Get("persist").S != databaseOnly },
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

// Values of persist.
const (
	writeThrough = "write_through"
	writeBack    = "write_back"
	databaseOnly = "database_only"
)

// persistent is a store that keeps what it has as the settings say.
func persistent(s *Store, o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	if o.Alone {
		return s, nil
	}
	how, name := o.Settings.Get("persist").S, o.Settings.Get("database")
	if how != writeThrough && how != writeBack && how != databaseOnly {
		if name.Kind == schema.String {
			return nil, schema.Diagnostics{name.Problem(schema.BadValue,
				"a database is of use with persist: %s, %s or %s alone",
				writeThrough, writeBack, databaseOnly)}
		}
		return s, nil
	}
	if name.Kind != schema.String {
		return nil, schema.Diagnostics{o.Settings.Problem(schema.MissingField,
			"persist: %s needs a database", how)}
	}
	need := backends.CanSelect | backends.CanUpsert | backends.CanDelete
	if how == databaseOnly {
		need |= backends.CanSerial
	}
	db, ok := o.Other(name.S).(backends.DB)
	if !ok || db.Can()&need != need {
		return nil, schema.Diagnostics{name.Problem(schema.WrongBackend,
			"%q is no database that bindings can be kept in", name.S)}
	}
	start := o.Settings.Get("on_start_error")
	if start.S == "journal" && how != writeBack {
		return nil, schema.Diagnostics{start.Problem(schema.BadValue,
			"there is a journal with persist: %s alone", writeBack)}
	}
	r := &rows{
		db: db, table: cmp.Or(o.Settings.Get("table").S, "location"), log: o.Log,
		as: layouts[cmp.Or(o.Settings.Get("layout").S, "opensips")], names: s.names,
	}
	strict := start.S == "fail"
	switch how {
	case writeThrough:
		return newThrough(newKept(s, r, strict)), nil
	case databaseOnly:
		return newDirect(s, r, strict), nil
	}
	return behind(newKept(s, r, strict), o)
}

// behind opens the journal of a store in the state folder.
func behind(k *kept, o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	how := o.Settings.Get("persist")
	if o.State == "" {
		return nil, schema.Diagnostics{how.Problem(schema.BadValue,
			"%s needs a folder that outlives a restart: serve --state", writeBack)}
	}
	j, err := journal.Open(filepath.Join(o.State, o.Name+".journal"))
	if err != nil {
		return nil, schema.Diagnostics{how.Problem(schema.BadValue, "%v", err)}
	}
	most := 1_000_000
	if v := o.Settings.Get("max_backlog"); v.Kind == schema.Int {
		most = int(v.N)
	}
	return newBehind(k, j, o.Settings.Get("on_start_error").S != "wait", most), nil
}
