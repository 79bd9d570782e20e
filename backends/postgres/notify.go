package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
)

// channel is what changes are told on, the table's name as payload. The triggers that
// `sipedge db init` makes do so.
const channel = "sipedge_changed"

const (
	pingEvery    = 30 * time.Second // a silent connection
	reconnectMin = 100 * time.Millisecond
	reconnectMax = 10 * time.Second
)

type database struct {
	*sqlstore.Store
	dsn     string
	connect time.Duration // how long a connection may take to be made
}

func (d *database) Can() backends.Capability { return d.Store.Can() | backends.CanNotify }

// Notified listens on a connection of its own.
func (d *database) Notified(ctx context.Context, table string, f func()) error {
	l := pq.NewDialListener(dialer{d.connect, 2 * pingEvery}, d.dsn, reconnectMin, reconnectMax, nil)
	defer l.Close()
	if err := l.Listen(channel); err != nil {
		return fmt.Errorf("listen: %w: %w", backends.ErrUnavailable, err)
	}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case n := <-l.Notify:
			if n == nil || n.Extra == table { // nil: it was connected anew
				f()
			}
		case <-ping.C:
			go l.Ping() // an error of which makes l connect anew
		}
	}
}
