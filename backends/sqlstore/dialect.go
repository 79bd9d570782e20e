package sqlstore

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
)

// Dialect is what one database does in its own way.
type Dialect struct {
	Quote     string // around names; doubled inside
	Numbered  bool   // placeholders are $1, $2 …; else ?
	TextTimes bool   // a time is text, 2006-01-02 15:04:05 in UTC
	Bound     int    // values of one statement; 0: as many as any database takes
	// Answer says what an error of the database means: backends.ErrExists, ErrRefused, ErrStale,
	// or nil: it could not answer.
	Answer func(err error) error

	// Types are what columns are made of, %d for the size of a Name; Suffix stands behind a CREATE
	// TABLE; Tell are the statements that have changes of a table told, nil: it can't.
	Types  map[backends.ColumnType]string
	Suffix string
	Tell   func(quoted string) []string
}

// ErrStale is a backends.ErrRefused: tables are not, or no longer, as the statement has them.
var ErrStale = fmt.Errorf("%w: tables or columns are others", backends.ErrRefused)

// name quotes a name; of a table, its parts.
func (d *Dialect) name(s string) (string, error) {
	if s == "" || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("%w: %q is no name", backends.ErrRefused, s)
	}
	return d.Quote + strings.ReplaceAll(s, d.Quote, d.Quote+d.Quote) + d.Quote, nil
}

func (d *Dialect) placeholder(n int) string {
	if d.Numbered {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// kind is what a column holds, as far as values must be made to fit.
type kind uint8

const (
	other kind = iota
	text
	binary
	integer
	moment
)

// kinds are looked for in the name of a type, in this order: DATETIME, BIGINT UNSIGNED, LONGBLOB.
var kinds = []struct {
	part string
	kind kind
}{
	{"BLOB", binary}, {"BINARY", binary}, {"BYTEA", binary},
	{"DATE", moment}, {"TIME", moment},
	{"INT", integer}, {"SERIAL", integer},
	{"CHAR", text}, {"TEXT", text}, {"CLOB", text},
}

func kindOf(c *sql.ColumnType) kind {
	name := strings.ToUpper(c.DatabaseTypeName())
	for _, k := range kinds {
		if strings.Contains(name, k.part) {
			return k.kind
		}
	}
	return other
}

// encode makes v fit a column: databases compare texts with numbers or bytes in surprising ways.
func (d *Dialect) encode(k kind, v backends.Value) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case time.Time:
		return d.encodeTime(k, v), nil
	case []byte:
		if k == binary {
			return notNull(v), nil
		}
		return d.encode(k, string(v))
	case string:
		switch k {
		case binary:
			return notNull([]byte(v)), nil
		case integer:
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%w: %.40q is no whole number", backends.ErrRefused, v)
			}
			return n, nil
		}
		return v, nil
	case int64:
		if k == moment {
			return d.encodeTime(k, time.Unix(v, 0)), nil
		}
	case float64:
	default:
		return nil, fmt.Errorf("%w: a value of type %T", backends.ErrRefused, v)
	}
	if k == text {
		return backends.Text(v), nil
	}
	return v, nil
}

// notNull keeps no bytes from being taken for NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (d *Dialect) encodeTime(k kind, t time.Time) any {
	t = t.UTC().Truncate(time.Second)
	switch {
	case k == integer:
		return t.Unix()
	case k == text, d.TextTimes:
		return t.Format(time.DateTime)
	}
	return t
}

// decode makes a backends.Value of what database/sql scanned.
func decode(k kind, v any) backends.Value {
	switch v := v.(type) {
	case nil, int64, float64, string:
		return v
	case []byte:
		if k == binary {
			return notNull(v)
		}
		return string(v)
	case time.Time:
		return v.UTC().Truncate(time.Second)
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case float32: // by way of its text: 0.7 stays 0.7
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		return f
	}
	s := fmt.Sprint(v)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}
