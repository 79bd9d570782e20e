// Package unassigned is a backend that a policy names and a site does not have.
// Its one law: every call returns at once, and says that it is not configured.
package unassigned

import (
	"context"
	"fmt"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name:   "unassigned",
	Doc:    "A backend that this site does not have: what asks it takes its on_error arm.",
	Inside: true,
	Schema: `{}`,
	Open: func(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
		return nothing{fmt.Errorf("%s: %w: it is not configured", o.Name, backends.ErrUnavailable)}, nil
	},
}

// nothing is a database that answers nothing.
type nothing struct{ err error }

func (n nothing) Ping(context.Context) error { return n.err }

func (n nothing) Close() error { return nil }

// Can is what nobody is refused for.
func (n nothing) Can() backends.Capability {
	return backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
		backends.CanUpsert | backends.CanBatch
}

func (n nothing) Select(context.Context, backends.Select) ([]backends.Row, error) {
	return nil, n.err
}

func (n nothing) Insert(context.Context, string, []string, ...backends.Row) error { return n.err }

func (n nothing) Update(context.Context, string, []backends.Cell, []backends.Where) (int, error) {
	return 0, n.err
}

func (n nothing) Delete(context.Context, string, []backends.Where) (int, error) { return 0, n.err }

func (n nothing) Upsert(context.Context, string, []string, []backends.Cell) error { return n.err }
