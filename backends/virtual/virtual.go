// Package virtual is a database made of others: one stands in for the next, they take turns, or
// all are written.
// Its one law: it fails only if every member does.
package virtual

import (
	"fmt"
	"slices"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "virtual",
	Doc:  "Other databases of the policy as one.",
	Schema: `{
	// The others, each with its own timeout and breaker. It can do what all of them can.
	members!: [#BackendName, ...#BackendName]
	// Who is asked. failover: the first that answers, in their order. round_robin: the next one
	// each time, and if it can't answer the one after it. parallel: all of them write, and the
	// first that answers is read.
	mode!: "failover" | "round_robin" | "parallel"
	// Where users are, for what names the backend under users.
	subscriber?: ` + backends.SubscriberCUE + `
}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	d := &db{name: o.Name, mode: o.Settings.Get("mode").S, log: o.Log, can: able}
	var diags schema.Diagnostics
	seen := map[string]bool{}
	o.Settings.Get("members").Each(func(v *schema.Value) {
		member, ok := o.Other(v.S).(backends.DB)
		switch {
		case seen[v.S]:
			diags = append(diags, v.Problem(schema.BadValue, "%q is a member already", v.S))
		case !ok:
			diags = append(diags, v.Problem(schema.WrongBackend, "%q is no database", v.S))
		default:
			d.can &= member.Can()
			d.members = append(d.members, &part{DB: member, name: v.S})
		}
		seen[v.S] = true
	})
	if diags == nil && d.can == 0 {
		diags = schema.Diagnostics{o.Settings.Get("members").Problem(schema.WrongBackend,
			"there is nothing that all members can do")}
	}
	if diags != nil {
		return nil, diags
	}
	return d, nil
}

// able is what one database can do as many. A transaction is of one alone, and so is what a
// database tells.
const able = backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
	backends.CanUpsert | backends.CanBatch | backends.CanRaw

// need refuses what not all members can do.
func (d *db) need(c backends.Capability, what string) error {
	if d.can&c != c {
		return fmt.Errorf("%s: %w: not every member has %s", d.name, backends.ErrUnsupported, what)
	}
	return nil
}

// order is in which order members are asked now.
func (d *db) order() []*part {
	if d.mode != "round_robin" {
		return d.members
	}
	n := int(d.turn.Add(1)-1) % len(d.members)
	return slices.Concat(d.members[n:], d.members[:n])
}
