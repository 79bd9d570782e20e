// Package lcr has requests go to the gateways by which their number is reached at least cost
// (OpenSIPS: drouting). Its one law: what was found for a request stays so, however tables change.
package lcr

import (
	"sync"
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

// scratch is what a look-up needs until it has found.
type scratch struct {
	number, group []byte
	ways          [rates.Most]rates.Way
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// kept is what stays of a look-up, in one piece where the ways are few and the user is short.
type kept struct {
	job.Ways
	list [4]job.Way
	user [32]byte
}

func (f *finder) find(j *job.Job, now time.Time, random func() uint64) *job.Ways {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.number, s.group = f.number(s.number[:0], j), s.group[:0]
	if f.group != nil {
		s.group = f.group(s.group, j)
	}
	q := rates.Query{
		Number: s.number, Group: s.group, Now: now, Shorter: f.shorter, Random: random,
	}
	table := f.table.Rates()
	found := table.Find(s.ways[:0], &q)
	w := new(kept)
	if w.List = w.list[:0]; len(found) > len(w.list) {
		w.List = make([]job.Way, 0, len(found))
	}
	if u, err := sip.ParseURI(j.Msg.RURI()); err == nil {
		w.User = append(w.user[:0], u.User...)
	}
	for _, way := range found {
		e := table.Edit(way.Rule)
		w.List = append(w.List, job.Way{
			Plan: f.plans[way.Set], Strip: e.Strip, Add: e.Add, Attributes: e.Attributes,
		})
	}
	return &w.Ways
}
