//go:build odbc && cgo

package odbc

/*
#cgo LDFLAGS: -lodbc
#include <stdint.h>
#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

// attribute sets one whose value is a number, which ODBC wants in a pointer.
static SQLRETURN environment(SQLHENV h, SQLINTEGER a, uintptr_t v) {
	return SQLSetEnvAttr(h, a, (SQLPOINTER)v, 0);
}

static SQLRETURN attribute(SQLHDBC h, SQLINTEGER a, uintptr_t v) {
	return SQLSetConnectAttr(h, a, (SQLPOINTER)v, 0);
}
*/
import "C"

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// handle is one of ODBC: an environment, a connection or a statement.
type handle struct {
	kind C.SQLSMALLINT
	h    C.SQLHANDLE
}

// make returns a new handle below h.
func (h handle) make(kind C.SQLSMALLINT) (handle, error) {
	out := handle{kind: kind}
	return out, h.check(C.SQLAllocHandle(kind, h.h, &out.h))
}

func (h handle) free() { C.SQLFreeHandle(h.kind, h.h) }

// problem is what ODBC says of a call that failed.
type problem struct {
	state  string // SQLSTATE
	native int    // the database's own number
	text   string
}

func (p *problem) Error() string { return fmt.Sprintf("%s (%s, %d)", p.text, p.state, p.native) }

// lost: the connection is of no use any more.
func (p *problem) lost() bool { return strings.HasPrefix(p.state, "08") }

// refused: the driver did not ask, since a value or the statement can't be. SQLite's has numbers
// below 0 of its own.
func (p *problem) refused() bool {
	return strings.HasPrefix(p.state, "22") || p.state == "HY000" && p.native < 0
}

// Numbers of SQLite: a constraint, and which.
const (
	sqliteConstraint = 19
	sqliteUnique     = 2067
)

// number is native, or what the text says where SQLite's driver tells no more.
func (p *problem) number() (int, bool) {
	if p.native == sqliteConstraint && strings.Contains(p.text, "UNIQUE constraint failed") {
		return sqliteUnique, true
	}
	return p.native, p.native != 0
}

func succeeded(r C.SQLRETURN) bool { return r == C.SQL_SUCCESS || r == C.SQL_SUCCESS_WITH_INFO }

// check makes an error of what a call with h returned.
func (h handle) check(r C.SQLRETURN) error {
	if succeeded(r) || r == C.SQL_NO_DATA {
		return nil
	}
	var state [6]C.SQLWCHAR
	var native C.SQLINTEGER
	var text [1024]C.SQLWCHAR
	var n C.SQLSMALLINT
	if r == C.SQL_INVALID_HANDLE || h.h == nil || !succeeded(C.SQLGetDiagRecW(h.kind, h.h, 1,
		&state[0], &native, &text[0], C.SQLSMALLINT(len(text)), &n)) {
		return &problem{state: "HY000", text: fmt.Sprintf("ODBC returned %d, and no reason", r)}
	}
	n = max(0, min(n, C.SQLSMALLINT(len(text)-1)))
	return &problem{narrow(state[:5]), int(native), narrow(text[:n])}
}

// wide is s as ODBC has texts, in UTF-16.
func wide(s string) ([]C.SQLWCHAR, error) {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return nil, &problem{state: notInRepertoire, text: "a statement has a NUL or is no UTF-8"}
	}
	units := utf16.Encode([]rune(s))
	out := make([]C.SQLWCHAR, len(units)+1)
	for i, u := range units {
		out[i] = C.SQLWCHAR(u)
	}
	return out, nil
}

func narrow(w []C.SQLWCHAR) string {
	units := make([]uint16, len(w))
	for i, c := range w {
		units[i] = uint16(c)
	}
	return string(utf16.Decode(units))
}

// dial makes an environment of its own for a connection: none waits for another's lock.
func dial(dsn string, login int) (env, dbc handle, err error) {
	text, err := wide(dsn)
	if err != nil {
		return env, dbc, err
	}
	if env, err = (handle{}).make(C.SQL_HANDLE_ENV); err != nil {
		return env, dbc, err
	}
	err = env.check(C.environment(C.SQLHENV(env.h), C.SQL_ATTR_ODBC_VERSION, C.SQL_OV_ODBC3))
	if err == nil {
		dbc, err = env.make(C.SQL_HANDLE_DBC)
	}
	if err != nil {
		env.free()
		return env, dbc, err
	}
	// A driver that does not know it goes without.
	C.attribute(C.SQLHDBC(dbc.h), C.SQL_ATTR_LOGIN_TIMEOUT, C.uintptr_t(login))
	err = dbc.check(C.SQLDriverConnectW(C.SQLHDBC(dbc.h), nil, &text[0], C.SQL_NTS, nil, 0, nil,
		C.SQL_DRIVER_NOPROMPT))
	if err != nil {
		dbc.free()
		env.free()
	}
	return env, dbc, err
}

func hangUp(env, dbc handle) {
	C.SQLDisconnect(C.SQLHDBC(dbc.h))
	dbc.free()
	env.free()
}

func (h handle) prepare(query string) error {
	text, err := wide(query)
	if err != nil {
		return err
	}
	return h.check(C.SQLPrepareW(C.SQLHSTMT(h.h), &text[0], C.SQLINTEGER(len(text)-1)))
}

func (h handle) execute() error { return h.check(C.SQLExecute(C.SQLHSTMT(h.h))) }

// cancel ends what a statement does, of another thread.
func (h handle) cancel() { C.SQLCancel(C.SQLHSTMT(h.h)) }

// rest has a statement done with its rows, to be executed again.
func (h handle) rest() { C.SQLFreeStmt(C.SQLHSTMT(h.h), C.SQL_CLOSE) }

// unbind has a statement forget where its values are.
func (h handle) unbind() { C.SQLFreeStmt(C.SQLHSTMT(h.h), C.SQL_RESET_PARAMS) }

func (h handle) rowsAffected() (int64, error) {
	var n C.SQLLEN
	err := h.check(C.SQLRowCount(C.SQLHSTMT(h.h), &n))
	return max(0, int64(n)), err
}

// bind binds parameter i to len bytes at p, which stay where they are until unbind.
func (h handle) bind(i int, from, to C.SQLSMALLINT, size int, p unsafe.Pointer,
	length *C.SQLLEN) error {
	return h.check(C.SQLBindParameter(C.SQLHSTMT(h.h), C.SQLUSMALLINT(i), C.SQL_PARAM_INPUT,
		from, to, C.SQLULEN(max(1, size)), 0, C.SQLPOINTER(p), C.SQLLEN(size), length))
}
