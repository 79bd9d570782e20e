// Package postgres is PostgreSQL.
// Its one law: a server that stopped answering costs a call its timeout, never more.
package postgres

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/lib/pq"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "postgres",
	Doc:  "PostgreSQL.",
	Schema: `{
	// Where it is and who we are: "postgres://user:password@host/database?sslmode=verify-full",
	// or "host=… user=… dbname=…". TLS is asked for unless sslmode says otherwise.
	dsn!: #SecretText` + backends.DatabaseCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	dsn := o.Settings.Get("dsn")
	limits := backends.LimitsOf(o.Settings)
	cfg, err := pq.NewConfig(dsn.S)
	if err != nil { // which may quote the password
		return nil, schema.Diagnostics{dsn.Problem(schema.BadValue,
			"the dsn is no connection string of PostgreSQL")}
	}
	cfg.ConnectTimeout = limits.Timeout
	cfg.FallbackApplicationName = "sipedge"
	c, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, schema.Diagnostics{dsn.Problem(schema.BadValue,
			"the dsn is no connection string of PostgreSQL")}
	}
	// Longer than a call: a query that took too long is cancelled, and its connection kept.
	c.Dialer(dialer{limits.Timeout, 2 * limits.Timeout})
	db := &database{sqlstore.New(c, dialect, limits), dsn.S, limits.Timeout}
	return backends.Guard(o.Name, db, limits), nil
}

var dialect = &sqlstore.Dialect{
	Quote: `"`, Numbered: true, Answer: answer,
	Types: map[backends.ColumnType]string{
		backends.Serial:   "BIGSERIAL PRIMARY KEY",
		backends.Name:     "VARCHAR(%d)",
		backends.LongText: "TEXT",
		backends.Integer:  "BIGINT",
		backends.Real:     "DOUBLE PRECISION",
		backends.Moment:   "TIMESTAMP",
	},
	Tell: triggers,
}

// Classes and codes of PostgreSQL, appendix A of its manual.
const (
	classConnection = "08"
	classRollback   = "40"
	classResources  = "53"
	classLimits     = "54"
	classOperator   = "57" // cancelled, shut down, starting up
	classSystem     = "58"
	classAccess     = "28"
	classInternal   = "XX"

	codeSerialization = "40001"
	codeDeadlock      = "40P01"

	codeUnique      = "23505"
	codeNoTable     = "42P01"
	codeNoColumn    = "42703"
	codeChangedPlan = "0A000"
)

func answer(err error) error {
	var e *pq.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case codeUnique:
		return backends.ErrExists
	case codeSerialization, codeDeadlock:
		return backends.ErrConflict
	case codeNoTable, codeNoColumn, codeChangedPlan:
		return sqlstore.ErrStale
	}
	switch e.Code.Class() {
	case classConnection, classRollback, classResources, classOperator, classSystem, classAccess,
		classInternal:
		return nil
	}
	return backends.ErrRefused
}

// dialer makes connections on which no single read or write takes longer than patience: the
// server may be there and silent.
type dialer struct{ connect, patience time.Duration }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: d.connect}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &impatient{c, d.patience}, nil
}

type impatient struct {
	net.Conn
	patience time.Duration
}

func (c *impatient) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *impatient) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
