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

	TTL  time.Duration // cache: how long a key stays
	Max  int           // cache: keys at most
	IPv6 int           // cache: bits by which an IPv6 address is a key; 0: as it is
}

// Row is a key of a table with its value, "" where there is none.
type Row struct{ Key, Value Text }

// Defaults of caches.
const (
	defaultCacheTTL = time.Hour
	defaultCacheMax = 100_000
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
		}
		t.Rows, _ = Rows(kind.Get("values"))
		tables = append(tables, t)
	}
	return tables
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

// checkRows checks that a table of rows has one source.
func checkRows(v *Value) *Diagnostic {
	switch values, file := v.Has("values"), v.Has("file"); {
	case values && file:
		i := 0
		for v.Keys[i].Name != "file" {
			i++
		}
		d := v.Keys[i].Problem(WrongTable, "rows come from values or from a file, not from both")
		return &d
	case !values && !file:
		return problem(v, MissingField, "a table needs values or a file")
	case v.Has("header") && !file:
		d := v.Get("header").Problem(WrongTable, "header is about a file, and there is none")
		return &d
	}
	return nil
}
