// Package lcr has requests go to the gateways by which their number is reached at least cost
// (OpenSIPS: drouting). Its one law: what was found for a request stays so, however tables change.
package lcr

import (
	"bytes"
	"time"

	"sipedge/router/data"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/rates"
	"sipedge/schema"
	"sipedge/sip"
)

// Kind is the action lcr.
var Kind = schema.Kind{
	Name: "lcr",
	Doc: "Chooses a gateway by a table of rates: of the rows with the longest prefix that the " +
		"number begins with, the first by priority and cost whose set has one that can be used. " +
		"`relay` and `forward` send the request there, and the user of the Request-URI changes as " +
		"the row says. In a failure route `next_destination` goes on to the next. When there is " +
		"none the arm runs; without it the request is answered 503.",
	Schema: `{
	// The table.
	table!: #RatesName
	// The number, the user of the Request-URI unless set.
	number?: #Text
	// Whose rows count besides those for all.
	group?: #Text
	// Whether the rows of shorter prefixes come after those of the longest.
	shorter?: bool
	// What has the same gateway of a set with the algorithm hash: {call_id} unless set.
	key?: #Text
` + gateway.ChosenSchema + `	// The sub-route taken when no gateway can be used; 503 unless set.
	on_none?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none"},
}

// Text is a template, appended to b for j.
type Text func(b []byte, j *job.Job) []byte

type finder struct {
	table         *data.Table
	plans         []uint32 // by set, as the table has them
	number, group Text
	shorter       bool
}

// New makes a step of Kind. A group of nil is none.
func New(e *gateway.Env, table *data.Table, number, group Text) job.Step {
	f := &finder{
		table: table, plans: e.Sets.Plans(), number: number, group: group,
		shorter: e.Args.Get("shorter").B,
	}
	return gateway.NewByWays(e, f.find)
}

func (f *finder) find(j *job.Job, now time.Time, random func() uint64) *job.Ways {
	var number, group [128]byte
	var ways [rates.Most]rates.Way
	q := rates.Query{Number: f.number(number[:0], j), Now: now, Shorter: f.shorter, Random: random}
	if f.group != nil {
		q.Group = f.group(group[:0], j)
	}
	table := f.table.Rates()
	found := table.Find(ways[:0], &q)
	w := &job.Ways{List: make([]job.Way, len(found))}
	if u, err := sip.ParseURI(j.Msg.RURI()); err == nil {
		w.User = bytes.Clone(u.User)
	}
	for i, way := range found {
		e := table.Edit(way.Rule)
		w.List[i] = job.Way{
			Plan: f.plans[way.Set], Strip: e.Strip, Add: e.Add, Attributes: e.Attributes,
		}
	}
	return w
}
