package schema

import (
	"time"

	"sipedge/schema/internal/source"
)

// Tables.
const (
	UnknownTable Code = 2101
	UnusedTable  Code = 2102
	WrongTable   Code = 2103 // a table of a kind that does not do here
	BadTable     Code = 2104 // rows that can't be read
)

// Table is data with a key that the policy looks up.
type Table struct {
	Name string
	Pos  Pos    // of the name
	Kind string // set, map, prefix, cidr, cache
	Rows []Row  // given in the policy
	File Text   // or in a file beside it, CSV or YAML; "" none
	// Header: the first line of a CSV file names its columns.
	Header bool
	SQL    *SQL // or in a database; nil none

	TTL  time.Duration // cache: how long a key stays
	Max  int           // cache: keys at most
	IPv6 int           // cache: bits by which an IPv6 address is a key; 0: as it is
}

// SQL is a table of a database that has the rows of a Table, and when it is read.
type SQL struct {
	Backend   Text // its name
	Table     string
	Key       []string // columns, whose texts make the key
	Separator string   // between them
	Value     string   // column; "" none
	Where     []Where  // all of which hold for the rows that count
	Lower     bool     // keys are read in lower case
	MaxRows   int

	Every    time.Duration // when it is read again, and Notify: when the database tells
	Notify   bool
	Required bool // the server does not start without
}

// Where is what a column has.
type Where struct {
	Column string
	Value  any // string or int64
}

// Row is a key of a table with its value, "" where there is none.
type Row struct{ Key, Value Text }

// Defaults of caches.
const (
	defaultCacheTTL = time.Hour
	defaultCacheMax = 100_000
)

// Defaults of tables in a database.
const (
	defaultMaxRows   = 100_000
	defaultRefresh   = time.Minute
	defaultSeparator = "@"
	// notifiedRefresh is how often a table is read whose changes are told: nobody may have set
	// the database up to tell of this one.
	notifiedRefresh = 5 * time.Minute
)

func lowerTables(v *Value) []Table {
	var tables []Table
	for i := range v.Keys {
		k := &v.Keys[i]
		kind := &k.Keys[0]
		t := Table{
			Name: k.Name, Pos: k.Pos, Kind: kind.Name, File: kind.Get("file").Text(),
			Header: kind.Get("header").B,
			TTL:    durationOr(kind.Get("ttl"), defaultCacheTTL),
			Max:    intOr(kind.Get("max"), defaultCacheMax),
			IPv6:   intOr(kind.Get("ipv6_prefix"), 0),
			SQL:    lowerSQL(&kind.Value),
		}
		t.Rows, _ = Rows(kind.Get("values"))
		tables = append(tables, t)
	}
	return tables
}

// lowerSQL reads where in a database the rows of a table are; nil: they are in none.
func lowerSQL(rows *Value) *SQL {
	v, refresh, required := rows.Get("sql"), rows.Get("refresh"), rows.Get("required")
	if v.Kind == None {
		return nil
	}
	s := &SQL{
		Backend: v.Get("backend").Text(), Table: v.Get("table").S,
		Separator: textOr(v.Get("separator"), defaultSeparator), Value: v.Get("value").S,
		Lower: v.Get("ignore_case").B, MaxRows: intOr(v.Get("max_rows"), defaultMaxRows),
		Notify: refresh.S == "notify", Every: notifiedRefresh,
		Required: required.Kind == None || required.B,
	}
	if !s.Notify {
		s.Every = durationOr(refresh, defaultRefresh)
	}
	v.Get("key").Each(func(v *Value) { s.Key = append(s.Key, v.S) })
	where := v.Get("where")
	for i := range where.Keys {
		k := &where.Keys[i]
		w := Where{Column: k.Name, Value: k.S}
		if k.Kind == Int {
			w.Value = k.N
		}
		s.Where = append(s.Where, w)
	}
	return s
}

// Rows reads the rows of a table: a list of keys, or a map of keys and values,
// all of them texts: a number without quotes may have lost a leading zero.
func Rows(v *Value) (rows []Row, diags Diagnostics) {
	const quotes = "a text is expected here: put it in quotes"
	switch v.Kind {
	case List:
		for i := range v.Items {
			item := &v.Items[i]
			if item.Kind != String {
				diags = append(diags, item.Problem(WrongType, quotes))
			}
			rows = append(rows, Row{Key: item.Text()})
		}
	case Map:
		for i := range v.Keys {
			k := &v.Keys[i]
			if k.Kind != String {
				diags = append(diags, k.Problem(WrongType, quotes))
			}
			rows = append(rows, Row{Text{S: k.Name, Pos: k.Pos}, k.Value.Text()})
		}
	default:
		diags = append(diags, v.Problem(WrongType, "a list of keys or a map is expected here"))
	}
	return rows, diags
}

// ReadData reads a YAML file that is no policy: the rows of a table.
func ReadData(name string, src []byte) (Value, Diagnostics) {
	if len(src) > source.MaxFile {
		return Value{}, Diagnostics{tooLarge(name)}
	}
	return source.ReadYAML(name, src)
}

// checkRows checks that a table of rows has one source, and nothing about another.
func checkRows(v *Value) *Diagnostic {
	source := ""
	for i := range v.Keys {
		k := &v.Keys[i]
		if k.Name != "values" && k.Name != "file" && k.Name != "sql" {
			continue
		}
		if source != "" {
			d := k.Problem(WrongTable, "rows come from %s or from %s, not from both",
				rowsFrom[source], rowsFrom[k.Name])
			return &d
		}
		source = k.Name
	}
	if source == "" {
		return problem(v, MissingField, "a table needs values, a file or sql")
	}
	for _, k := range [][2]string{{"header", "file"}, {"refresh", "sql"}, {"required", "sql"}} {
		if v.Has(k[0]) && source != k[1] {
			return problem(v.Get(k[0]), WrongTable, "%s is about %s, and there is none",
				k[0], rowsFrom[k[1]])
		}
	}
	if every := v.Get("refresh"); every.S != "notify" && every.Kind == String &&
		every.Duration() < time.Second {
		return problem(every, OutOfRange, "%s is out of range (1s at least)", every.S)
	}
	return nil
}

// rowsFrom names the sources of rows.
var rowsFrom = map[string]string{"values": "values", "file": "a file", "sql": "a database"}

// checkMapRows is checkRows for rows that have values.
func checkMapRows(v *Value) *Diagnostic {
	if d := checkRows(v); d != nil {
		return d
	}
	if sql := v.Get("sql"); sql.Kind == Map && !sql.Has("value") {
		return problem(sql, MissingField, "a map needs the column of its values: value")
	}
	return nil
}
