//go:build odbc && cgo

package odbc

// #include <sql.h>
// #include <sqlext.h>
// #include <sqlucode.h>
import "C"

import (
	"context"
	"database/sql/driver"
	"io"
	"time"
	"unsafe"
)

// rows are those of a statement that was executed.
type rows struct {
	s       *stmt
	ctx     context.Context
	columns []column
	buffer  []byte
}

type column struct {
	name string
	kind C.SQLSMALLINT
}

// typeNames are those of ODBC's types that sqlstore knows values by.
var typeNames = map[C.SQLSMALLINT]string{
	C.SQL_TINYINT: "TINYINT", C.SQL_SMALLINT: "SMALLINT", C.SQL_INTEGER: "INTEGER",
	C.SQL_BIGINT: "BIGINT",
	C.SQL_CHAR:   "CHAR", C.SQL_VARCHAR: "VARCHAR", C.SQL_LONGVARCHAR: "TEXT",
	C.SQL_WCHAR: "CHAR", C.SQL_WVARCHAR: "VARCHAR", C.SQL_WLONGVARCHAR: "TEXT",
	C.SQL_BINARY: "BINARY", C.SQL_VARBINARY: "VARBINARY", C.SQL_LONGVARBINARY: "BLOB",
	C.SQL_TYPE_TIMESTAMP: "TIMESTAMP",
}

const bufferSize = 4096

// describe learns what columns there are; none: it was no query.
func (r *rows) describe() error {
	h := r.s.h
	var n C.SQLSMALLINT
	if err := h.check(C.SQLNumResultCols(C.SQLHSTMT(h.h), &n)); err != nil {
		return err
	}
	r.columns, r.buffer = make([]column, n), make([]byte, bufferSize)
	for i := range r.columns {
		var name [256]C.SQLWCHAR
		var length, kind, digits, null C.SQLSMALLINT
		var size C.SQLULEN
		err := h.check(C.SQLDescribeColW(C.SQLHSTMT(h.h), C.SQLUSMALLINT(i+1), &name[0],
			C.SQLSMALLINT(len(name)), &length, &kind, &size, &digits, &null))
		if err != nil {
			return err
		}
		length = max(0, min(length, C.SQLSMALLINT(len(name)-1)))
		r.columns[i] = column{narrow(name[:length]), kind}
	}
	return nil
}

func (r *rows) Columns() []string {
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.name
	}
	return names
}

// ColumnTypeDatabaseTypeName is empty for types whose values come as their texts.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string { return typeNames[r.columns[i].kind] }

func (r *rows) Close() error {
	r.s.h.rest()
	return nil
}

func (r *rows) Next(to []driver.Value) error {
	if len(r.columns) == 0 {
		return io.EOF
	}
	h, more := r.s.h, false
	err := r.s.during(r.ctx, func() error {
		result := C.SQLFetch(C.SQLHSTMT(h.h))
		more = succeeded(result)
		if !more {
			return h.check(result)
		}
		for i := range to {
			var err error
			if to[i], err = r.value(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !more {
		return io.EOF
	}
	return err
}

// value is that of column i of the row at hand.
func (r *rows) value(i int) (driver.Value, error) {
	switch r.columns[i].kind {
	case C.SQL_TINYINT, C.SQL_SMALLINT, C.SQL_INTEGER, C.SQL_BIGINT:
		var n C.SQLBIGINT
		null, err := r.get(i, C.SQL_C_SBIGINT, unsafe.Pointer(&n))
		return orNull(int64(n), null), err
	case C.SQL_REAL:
		var f C.SQLREAL
		null, err := r.get(i, C.SQL_C_FLOAT, unsafe.Pointer(&f))
		return orNull(float32(f), null), err
	case C.SQL_FLOAT, C.SQL_DOUBLE:
		var f C.SQLDOUBLE
		null, err := r.get(i, C.SQL_C_DOUBLE, unsafe.Pointer(&f))
		return orNull(float64(f), null), err
	case C.SQL_TYPE_TIMESTAMP:
		var t C.SQL_TIMESTAMP_STRUCT
		null, err := r.get(i, C.SQL_C_TYPE_TIMESTAMP, unsafe.Pointer(&t))
		return orNull(time.Date(int(t.year), time.Month(t.month), int(t.day), int(t.hour),
			int(t.minute), int(t.second), int(t.fraction), time.UTC), null), err
	case C.SQL_BINARY, C.SQL_VARBINARY, C.SQL_LONGVARBINARY:
		b, null, err := r.long(i, C.SQL_C_BINARY, 0)
		return orNull(b, null), err
	}
	b, null, err := r.long(i, C.SQL_C_CHAR, 1)
	return orNull(string(b), null), err
}

func orNull[T any](v T, null bool) driver.Value {
	if null {
		return nil
	}
	return v
}

// get reads a value of a fixed size.
func (r *rows) get(i int, kind C.SQLSMALLINT, to unsafe.Pointer) (null bool, err error) {
	h := r.s.h
	var length C.SQLLEN
	err = h.check(C.SQLGetData(C.SQLHSTMT(h.h), C.SQLUSMALLINT(i+1), kind, C.SQLPOINTER(to), 0,
		&length))
	return length == C.SQL_NULL_DATA, err
}

// long reads a value of any size in parts, behind each of which the driver puts end bytes.
func (r *rows) long(i int, kind C.SQLSMALLINT, end int) (out []byte, null bool, err error) {
	h := r.s.h
	out = []byte{}
	for {
		var length C.SQLLEN
		result := C.SQLGetData(C.SQLHSTMT(h.h), C.SQLUSMALLINT(i+1), kind,
			C.SQLPOINTER(unsafe.Pointer(&r.buffer[0])), C.SQLLEN(len(r.buffer)), &length)
		switch {
		case result == C.SQL_NO_DATA:
			return out, false, nil
		case !succeeded(result):
			return nil, false, h.check(result)
		case length == C.SQL_NULL_DATA:
			return nil, true, nil
		}
		// What was left before this call, or unknown, of which a part is here.
		most := len(r.buffer) - end
		if length != C.SQL_NO_TOTAL && int(length) <= most {
			return append(out, r.buffer[:length]...), false, nil
		}
		out = append(out, r.buffer[:most]...)
	}
}
