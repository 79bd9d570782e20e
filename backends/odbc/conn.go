//go:build odbc && cgo

package odbc

// #include <sql.h>
import "C"

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
)

// connector makes connections.
type connector struct {
	*dialect
	dsn   string
	login int           // seconds
	lost  atomic.Uint64 // how many were: what is as old as one of them is not used again
}

func (c *connector) Driver() driver.Driver { return c }

// Open is never called: database/sql has a Connector.
func (c *connector) Open(string) (driver.Conn, error) { return c.Connect(context.Background()) }

// Connect blocks until the driver has connected or gave up, at about its login timeout.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	age := c.lost.Load()
	env, dbc, err := dial(c.dsn, c.login)
	if err != nil {
		return nil, err
	}
	n := &conn{connector: c, env: env, dbc: dbc, age: age}
	if c.session != "" {
		err = n.run(ctx, c.session)
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// conn is a connection. One call at a time uses it, and holds it until the driver returns.
type conn struct {
	*connector
	env, dbc handle
	age      uint64
	broken   bool
}

func (c *conn) Close() error {
	hangUp(c.env, c.dbc)
	return nil
}

// IsValid says whether it goes back to the pool.
func (c *conn) IsValid() bool { return !c.broken && c.age == c.lost.Load() }

// ResetSession is before each use by somebody else.
func (c *conn) ResetSession(context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

// judge notes what an error means for the connection.
func (c *conn) judge(err error) error {
	var p *problem
	if errors.As(err, &p) && p.lost() && !c.broken {
		c.broken = true
		c.lost.Add(1)
	}
	return err
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	h, err := c.dbc.make(C.SQL_HANDLE_STMT)
	if err != nil {
		return nil, c.judge(err)
	}
	s := &stmt{c: c, h: h}
	if err := s.during(ctx, func() error { return h.prepare(query) }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// run executes a statement without values.
func (c *conn) run(ctx context.Context, query string) error {
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.(*stmt).ExecContext(ctx, nil)
	return errors.Join(err, s.Close())
}

// Ping asks the database, not only its driver.
func (c *conn) Ping(ctx context.Context) error { return c.run(ctx, "SELECT 1") }

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx begins by a statement: ODBC has no word for SQLite's immediate transactions.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o.Isolation != 0 && c.serial != "" {
		if err := c.run(ctx, c.serial); err != nil {
			return nil, err
		}
	}
	return c, c.run(ctx, c.begin)
}

func (c *conn) Commit() error { return c.end("COMMIT") }

func (c *conn) Rollback() error { return c.end("ROLLBACK") }

// end ends a transaction. A connection of which nobody knows whether it has one is not used again.
func (c *conn) end(statement string) error {
	err := c.run(context.Background(), statement)
	c.broken = c.broken || err != nil
	return err
}
