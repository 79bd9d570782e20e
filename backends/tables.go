package backends

import (
	"context"
	"errors"
	"strings"
)

// Table is how this program makes one: OpenSIPS's columns, with room for what messages bring.
type Table struct {
	Name    string
	Version int // in the table `version`; 0: it has no row there
	Columns []Column
	Unique  [][]string // columns of unique indexes
	Index   [][]string // of others
	Told    bool       // changes are told where the database can: it changes seldom
}

// Column of a Table.
type Column struct {
	Name string
	Type ColumnType
	Size int  // of a Name: characters
	Null bool // it may be NULL, and is unless set; else it is empty or 0
}

// ColumnType is what a column holds.
type ColumnType uint8

const (
	Serial   ColumnType = iota // a number the database gives, the primary key
	Name                       // a text of some characters
	LongText                   // a text
	Integer
	Real
	Moment // a time
)

// Migrator is a DB whose tables this program can make.
type Migrator interface {
	// Check compares tables with those that are there, and tells of each, in order.
	Check(ctx context.Context, tables []Table) ([]Finding, error)
	// Migrate makes the tables that are absent and adds the columns that are missing. Nothing is
	// taken away. What it was not up to remains in what Check finds.
	Migrate(ctx context.Context, tables []Table) error
}

// Finding is how a table is.
type Finding struct {
	Table   string
	Absent  bool
	Version int      // in the table `version`; 0: no row there
	Want    int      // the version that this program makes; 0: any
	Missing []string // columns
	Foreign bool     // it lacks its primary key: somebody else's layout, never changed
}

// Fine reports whether the table is as this program makes it.
func (f *Finding) Fine() bool {
	return !f.Absent && len(f.Missing) == 0 && (f.Version == f.Want || f.Want == 0)
}

// Due reports whether Migrate has something to do here that it may.
func (f *Finding) Due() bool { return !f.Fine() && !f.Foreign && f.Version <= f.Want }

// versions is the table in which every other has its version.
const versions = "version"

// Findings is what Migrator.Check tells, of a db whose tables have the columns that has tells
// of; ErrRefused: there is no such table.
func Findings(ctx context.Context, db DB, tables []Table,
	has func(ctx context.Context, table string) (func(column string) bool, error)) ([]Finding, error) {
	found := map[string]int{}
	rows, err := db.Select(ctx, Select{Table: versions,
		Columns: []string{"table_name", "table_version"}})
	if err != nil && !errors.Is(err, ErrRefused) {
		return nil, err
	}
	for _, r := range rows {
		if n, ok := r[1].(int64); ok {
			found[strings.TrimRight(Text(r[0]), " ")] = int(n)
		}
	}
	out := make([]Finding, len(tables))
	for i, t := range tables {
		f := Finding{Table: t.Name, Want: t.Version, Version: found[t.Name]}
		there, err := has(ctx, t.Name)
		switch {
		case errors.Is(err, ErrRefused):
			f.Absent = true
		case err != nil:
			return nil, err
		}
		for _, c := range t.Columns {
			if !f.Absent && !there(c.Name) {
				f.Missing = append(f.Missing, c.Name)
				f.Foreign = f.Foreign || c.Type == Serial
			}
		}
		out[i] = f
	}
	return out, nil
}

// NoteVersion writes the version of a table where others look for it.
func NoteVersion(ctx context.Context, db DB, t Table) error {
	if t.Version == 0 {
		return nil
	}
	return db.Upsert(ctx, versions, []string{"table_name"}, []Cell{
		{Column: "table_name", Value: t.Name}, {Column: "table_version", Value: int64(t.Version)}})
}

// named are columns of names that are never NULL.
func named(size int, names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n, Type: Name, Size: size}
	}
	return out
}

func columns(groups ...[]Column) []Column {
	var out []Column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

func one(name string, t ColumnType) []Column { return []Column{{Name: name, Type: t}} }

func optional(t ColumnType, names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n, Type: t, Null: true}
	}
	return out
}

const (
	nameSize = 64 // of OpenSIPS
	uriSize  = 255
)

// Tables are those of users, domains and bindings, of the versions of OpenSIPS 3.
var Tables = []Table{
	{Name: "version",
		Columns: columns(named(32, "table_name"), one("table_version", Integer)),
		Unique:  [][]string{{"table_name"}}},
	{Name: "subscriber", Version: 8, Told: true,
		Columns: columns(one("id", Serial), named(nameSize, "username", "domain"),
			named(128, "password"), named(nameSize, "ha1", "ha1_sha256", "ha1_sha512t256")),
		Unique: [][]string{{"username", "domain"}}},
	{Name: "uri", Version: 2, Told: true,
		Columns: columns(one("id", Serial), named(nameSize, "username", "domain", "uri_user"),
			optional(Moment, "last_modified")),
		Unique: [][]string{{"username", "domain", "uri_user"}}},
	{Name: "dbaliases", Version: 2, Told: true,
		Columns: columns(one("id", Serial),
			named(nameSize, "alias_username", "alias_domain", "username", "domain")),
		Unique: [][]string{{"alias_username", "alias_domain"}},
		Index:  [][]string{{"username", "domain"}}},
	{Name: "speed_dial", Version: 3, Told: true,
		Columns: columns(one("id", Serial),
			named(nameSize, "username", "domain", "sd_username", "sd_domain"),
			named(uriSize, "new_uri"), named(nameSize, "fname", "lname", "description")),
		Unique: [][]string{{"username", "domain", "sd_domain", "sd_username"}}},
	{Name: "domain", Version: 4, Told: true,
		Columns: columns(one("id", Serial), named(uriSize, "domain"), optional(LongText, "attrs"),
			one("accept_subdomain", Integer), optional(Moment, "last_modified")),
		Unique: [][]string{{"domain"}}},
	{Name: "grp", Version: 3, Told: true,
		Columns: columns(one("id", Serial), named(nameSize, "username", "domain", "grp"),
			optional(Moment, "last_modified")),
		Unique: [][]string{{"username", "domain", "grp"}}},
	{Name: "location", Version: 1013,
		Columns: columns(one("contact_id", Serial), named(nameSize, "username"),
			[]Column{{Name: "domain", Type: Name, Size: uriSize, Null: true}},
			optional(LongText, "contact", "received", "path"), one("expires", Integer),
			one("q", Real), optional(LongText, "callid"), one("cseq", Integer),
			optional(Moment, "last_modified"), one("flags", Integer), optional(LongText, "cflags",
				"user_agent", "socket"), optional(Integer, "methods"),
			optional(LongText, "sip_instance", "kv_store", "attr")),
		Index: [][]string{{"username", "domain"}, {"expires"}}},
}
