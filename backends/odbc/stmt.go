//go:build odbc && cgo

package odbc

// #include <sql.h>
// #include <sqlext.h>
import "C"

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// stmt is a prepared statement.
type stmt struct {
	c *conn
	h handle
}

func (s *stmt) Close() error {
	s.h.free()
	return nil
}

// NumInput leaves the count to the database.
func (s *stmt) NumInput() int { return -1 }

// during cancels what f does when ctx ends, where that can be, and waits for f all the same: who
// asked has gone on, and the connection is f's until it returns. It is not used again.
func (s *stmt) during(ctx context.Context, f func() error) error {
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cancelled)
		if s.c.cancels {
			s.h.cancel()
		}
	})
	err := f()
	if !stop() {
		<-cancelled
		s.c.broken = true
	}
	return s.c.judge(err)
}

func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return nil, driver.ErrSkip }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	defer s.h.rest()
	var n int64
	err := s.execute(ctx, args, func() (err error) {
		n, err = s.h.rowsAffected()
		return err
	})
	return driver.RowsAffected(n), err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	r := &rows{s: s, ctx: ctx}
	if err := s.execute(ctx, args, r.describe); err != nil {
		s.h.rest()
		return nil, err
	}
	return r, nil
}

// execute binds values and executes, then has f look at what came of it.
func (s *stmt) execute(ctx context.Context, args []driver.NamedValue, f func() error) error {
	return s.during(ctx, func() error {
		var pinned runtime.Pinner
		defer pinned.Unpin()
		defer s.h.unbind()
		if err := s.bind(args, &pinned); err != nil {
			return err
		}
		if err := s.h.execute(); err != nil {
			return err
		}
		return f()
	})
}

// bind binds values, which stay pinned where they are while the statement executes.
func (s *stmt) bind(args []driver.NamedValue, pinned *runtime.Pinner) error {
	if len(args) == 0 {
		return nil
	}
	lengths := make([]C.SQLLEN, len(args))
	pinned.Pin(&lengths[0])
	for i, a := range args {
		v, err := s.encode(a.Value)
		if err != nil {
			return err
		}
		lengths[i] = C.SQLLEN(len(v.bytes))
		if v.null {
			lengths[i] = C.SQL_NULL_DATA
		}
		copied := make([]byte, len(v.bytes)+1) // none is no pointer
		copy(copied, v.bytes)
		at := unsafe.Pointer(&copied[0])
		pinned.Pin(at)
		if err := s.h.bind(i+1, v.from, v.to, len(v.bytes), at, &lengths[i]); err != nil {
			return err
		}
	}
	return nil
}

// value is one on its way to the database: its bytes, what they are in C and in SQL.
type value struct {
	bytes    []byte
	from, to C.SQLSMALLINT
	null     bool
}

// maxVarying is the longest text or bytes that are not of the long kind.
const maxVarying = 4000

// notInRepertoire is the SQLSTATE of a text with a character that can't be.
const notInRepertoire = "22021"

func (s *stmt) encode(v driver.Value) (value, error) {
	switch v := v.(type) {
	case nil:
		return value{nil, C.SQL_C_CHAR, C.SQL_VARCHAR, true}, nil
	case int64:
		return value{memory(&v), C.SQL_C_SBIGINT, C.SQL_BIGINT, false}, nil
	case float64:
		return value{memory(&v), C.SQL_C_DOUBLE, C.SQL_DOUBLE, false}, nil
	case string:
		if !s.c.nul && strings.ContainsRune(v, 0) {
			return value{}, &problem{state: notInRepertoire, text: "a text has a NUL byte"}
		}
		return value{[]byte(v), C.SQL_C_CHAR, varying(v, C.SQL_VARCHAR, C.SQL_LONGVARCHAR), false}, nil
	case []byte:
		return value{v, C.SQL_C_BINARY, varying(v, C.SQL_VARBINARY, C.SQL_LONGVARBINARY), false}, nil
	case time.Time:
		t, err := timestamp(v)
		return value{memory(&t), C.SQL_C_TYPE_TIMESTAMP, C.SQL_TYPE_TIMESTAMP, false}, err
	}
	return value{}, fmt.Errorf("a value of type %T", v)
}

func varying[T string | []byte](v T, short, long C.SQLSMALLINT) C.SQLSMALLINT {
	if len(v) > maxVarying {
		return long
	}
	return short
}

// memory is what is at p.
func memory[T int64 | float64 | C.SQL_TIMESTAMP_STRUCT](p *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

func timestamp(t time.Time) (C.SQL_TIMESTAMP_STRUCT, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > math.MaxInt16 {
		return C.SQL_TIMESTAMP_STRUCT{}, &problem{state: "22008", text: "a time out of range"}
	}
	return C.SQL_TIMESTAMP_STRUCT{
		year: C.SQLSMALLINT(t.Year()), month: C.SQLUSMALLINT(t.Month()), day: C.SQLUSMALLINT(t.Day()),
		hour: C.SQLUSMALLINT(t.Hour()), minute: C.SQLUSMALLINT(t.Minute()),
		second: C.SQLUSMALLINT(t.Second()),
	}, nil
}
