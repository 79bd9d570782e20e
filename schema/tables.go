package schema

import (
	"strconv"
	"time"

	"sipedge/schema/internal/source"
)

// Tables.
const (
	UnknownTable      = source.UnknownTable
	UnusedTable       = source.UnusedTable
	WrongTable        = source.WrongTable // a table of a kind that does not do here
	BadTable     Code = 2104              // rows that can't be read
)

// Table is data with a key that the policy looks up.
type Table struct {
	Name string
	Pos  Pos    // of the name
	Kind string // set, map, prefix, cidr, address, cache, lcr
	Rows []Row  // given in the policy
	File Text   // or in a file beside it, CSV or YAML; "" none
	// Addresses are what Rows are to a table of another kind.
	Addresses []Address
	// Header: the first line of a CSV file names its columns.
	Header bool
	SQL    *SQL // or in a database; nil none
	// Rates are the rows of lcr given in the policy, a list; nil none. Gateways are the sets that
	// its rows may name.
	Rates    *Value
	Gateways []string

	TTL  time.Duration // cache: how long a key stays
	Max  int           // cache: keys at most
	IPv6 int           // cache: bits by which an IPv6 address is a key; 0: as it is
}

// SQL is a table of a database that has the rows of a Table, and when it is read.
type SQL struct {
	Backend   Text // its name
	Table     string
	Key       []string     // columns, whose texts make the key
	Separator string       // between them
	Value     string       // column; "" none
	Rates     []RateColumn // of lcr; none: the usual ones
	Drouting  *Drouting
	Columns   []string // of addresses, by AddressColumns; "" as they are found
	Where     []Where  // all of which hold for the rows that count
	Lower     bool     // keys are read in lower case
	MaxRows   int

	Every    time.Duration // when it is read again, and Notify: when the database tells
	Notify   bool
	Required bool // the server does not start without
}

// RateColumn is how a column of rates is called in a database.
type RateColumn struct{ Name, Column string }

// Drouting is the tables of OpenSIPS's drouting beside dr_rules.
type Drouting struct {
	Gateways, Carriers string
	Zone               Text     // of times without one; "" UTC
	LeaveOut           bool     // rules that can't be meant here
	Single             []Single // sets of one gateway, in the author's order
}

// Single is a set of one gateway, and its URI.
type Single struct{ Set, URI string }

// Where is what a column has.
type Where struct {
	Column string
	Value  any // string or int64
}

// AddressColumns are the columns of a table of addresses, as OpenSIPS calls them.
var AddressColumns = []string{"grp", "ip", "mask", "port", "proto", "pattern", "context_info"}

// Address is a row of a table of addresses, by AddressColumns.
type Address struct {
	Pos   Pos
	Cells []string
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

func lowerTables(v, gateways *Value) []Table {
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
			SQL:    lowerSQL(kind.Name, &kind.Value),
		}
		switch t.Kind {
		case "lcr":
			if values := kind.Get("values"); values.Kind == List {
				t.Rates = values
			}
			for i := range gateways.Keys {
				t.Gateways = append(t.Gateways, gateways.Keys[i].Name)
			}
			if v := kind.Get("sql").Get("drouting"); v.Kind == Map {
				t.SQL.Drouting = lowerDrouting(v, gateways)
			}
		case "address":
			t.Addresses = Addresses(kind.Get("values"))
		default:
			t.Rows, _ = Rows(kind.Get("values"))
		}
		tables = append(tables, t)
	}
	return tables
}

func lowerDrouting(v, gateways *Value) *Drouting {
	d := &Drouting{
		Gateways: textOr(v.Get("gateways"), "dr_gateways"),
		Carriers: textOr(v.Get("carriers"), "dr_carriers"), Zone: v.Get("zone").Text(),
		LeaveOut: v.Get("leave_out").B,
	}
	for i := range gateways.Keys {
		k := &gateways.Keys[i]
		if list := k.Get("destinations"); len(list.Items) == 1 {
			d.Single = append(d.Single, Single{k.Name, list.Items[0].Get("uri").S})
		}
	}
	return d
}

// lowerSQL reads where in a database the rows of a table are; nil: they are in none.
func lowerSQL(kind string, rows *Value) *SQL {
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
	switch columns := v.Get("columns"); {
	case kind == "address":
		s.Table = textOr(v.Get("table"), "address")
		for _, c := range AddressColumns {
			s.Columns = append(s.Columns, columns.Get(c).S)
		}
	case columns.Kind == Map:
		for i := range columns.Keys {
			k := &columns.Keys[i]
			s.Rates = append(s.Rates, RateColumn{Name: k.Name, Column: k.S})
		}
	}
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

// Addresses reads the rows of a table of addresses, which passed their schema.
func Addresses(v *Value) (rows []Address) {
	v.Each(func(v *Value) {
		row := Address{v.Pos, make([]string, len(AddressColumns))}
		row.Cells[0] = "1"
		for i, c := range AddressColumns {
			switch cell := v.Get(c); cell.Kind {
			case Int:
				row.Cells[i] = strconv.FormatInt(cell.N, 10)
			case String:
				row.Cells[i] = cell.S
			}
		}
		rows = append(rows, row)
	})
	return rows
}

// ReadData reads a YAML file that is no policy: the rows of a table.
func ReadData(name string, src []byte) (Value, Diagnostics) {
	if len(src) > source.MaxFile {
		return Value{}, Diagnostics{tooLarge(name)}
	}
	return source.ReadYAML(name, src)
}
