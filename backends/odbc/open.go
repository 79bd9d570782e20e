//go:build odbc && cgo

package odbc

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
	"sipedge/schema"
)

// absent is empty: nothing is missing.
const absent = ""

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	dsn := o.Settings.Get("dsn").S
	if strings.ContainsRune(dsn, 0) {
		return nil, schema.Diagnostics{o.Settings.Get("dsn").Problem(schema.BadValue,
			"there is a NUL in the dsn")}
	}
	if !strings.Contains(dsn, "=") {
		dsn = "DSN=" + dsn
	}
	limits := backends.LimitsOf(o.Settings)
	d := mysql(limits)
	if o.Settings.Get("dialect").S == "sqlite" {
		d = sqlite(limits)
	}
	// Of several values of a keyword some drivers take the first, some the last: ours.
	dsn = d.keywords + dsn + ";" + d.keywords
	c := &connector{dialect: d, dsn: dsn, login: seconds(limits.Timeout)}
	return backends.Guard(o.Name, sqlstore.New(c, d.sql, limits), limits), nil
}

// seconds rounds up: what ODBC's drivers count by.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// dialect is what a database, and the driver before it, do in their own way.
type dialect struct {
	sql           *sqlstore.Dialect
	keywords      string // of a connection string, whatever the dsn says
	session       string // a statement that a connection begins with; empty: none
	begin, serial string // begin a transaction, and one as if no other ran beside it
	nul           bool   // texts may have a NUL byte
	cancels       bool   // a statement can be cancelled without a wait
}

// mysql is MariaDB's driver: texts in UTF-8, rows that were found counted, changed or not, and no
// single read or write takes much longer than a call. It cancels by another connection, for which
// it waits without end.
func mysql(limits backends.Limits) *dialect {
	patience := 2 * seconds(limits.Timeout)
	return &dialect{
		sql: answering(sqlstore.MySQL),
		keywords: fmt.Sprintf("CHARSET=utf8mb4;OPTION=2;CONN_TIMEOUT=%d;READ_TIMEOUT=%d;"+
			"WRITE_TIMEOUT=%d;", seconds(limits.Timeout), patience, patience),
		session: "SET time_zone = '+00:00', " +
			"sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
		begin:  "START TRANSACTION",
		serial: "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
		nul:    true,
	}
}

// sqlite is Christian Werner's driver for SQLite. Its texts end at a NUL byte.
func sqlite(limits backends.Limits) *dialect {
	return &dialect{
		sql: answering(sqlstore.SQLite),
		keywords: fmt.Sprintf("Timeout=%d;FKSupport=1;JournalMode=WAL;SyncPragma=FULL;NoWCHAR=1;"+
			"BigInt=1;", limits.Timeout.Milliseconds()),
		begin:   "BEGIN IMMEDIATE",
		cancels: true,
	}
}

// maxBound is how many values a statement has: what drivers spend on one more grows with them.
const maxBound = 1000

// answering makes a dialect that knows errors of ODBC.
func answering(of func(number func(error) (int, bool)) *sqlstore.Dialect) *sqlstore.Dialect {
	d := of(func(err error) (int, bool) {
		var p *problem
		if !errors.As(err, &p) || p.lost() {
			return 0, false
		}
		return p.number()
	})
	d.Bound = maxBound
	database := d.Answer
	d.Answer = func(err error) error {
		var p *problem
		if errors.As(err, &p) && p.refused() {
			return backends.ErrRefused
		}
		return database(err)
	}
	return d
}
