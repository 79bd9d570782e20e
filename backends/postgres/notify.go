package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
)

// channel is what changes are told on, the table's name as payload.
const channel = "sipedge_changed"

const (
	pingEvery    = 30 * time.Second // a silent connection
	reconnectMin = 100 * time.Millisecond
	reconnectMax = 10 * time.Second
)

// triggers are the statements that have changes of a table told.
func triggers(table string) []string {
	return []string{
		"CREATE OR REPLACE FUNCTION " + channel + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
			"PERFORM pg_notify('" + channel + "', TG_TABLE_NAME); RETURN NULL; END $$",
		"CREATE TRIGGER " + channel + " AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON " + table +
			" FOR EACH STATEMENT EXECUTE FUNCTION " + channel + "()",
	}
}

type database struct {
	*sqlstore.Store
	dsn     string
	connect time.Duration // how long a connection may take to be made
}

func (d *database) Can() backends.Capability { return d.Store.Can() | backends.CanNotify }

// Notified listens on a connection of its own.
func (d *database) Notified(
	ctx context.Context, table string, f func(lost error),
) error {
	l := pq.NewDialListener(dialer{d.connect, 2 * pingEvery}, d.dsn, reconnectMin, reconnectMax,
		func(_ pq.ListenerEventType, err error) {
			if err != nil && ctx.Err() == nil {
				f(fmt.Errorf("listen: %w: %w", backends.ErrUnavailable, err))
			}
		})
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })() // Listen waits for a connection
	if err := l.Listen(channel); err != nil {
		return fmt.Errorf("listen: %w: %w", backends.ErrUnavailable, err)
	}
	f(nil) // what changed before, nobody told
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case n := <-l.Notify:
			if n == nil || n.Extra == table { // nil: it was connected anew
				f(nil)
			}
		case <-ping.C:
			go l.Ping() // an error of which makes l connect anew
		}
	}
}
