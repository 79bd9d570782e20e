// Package permission is the action that finds who sends in a table of addresses, as OpenSIPS's
// module permissions does. Its one law: who is in no row goes no further.
package permission

import (
	"context"
	"strconv"
	"sync"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
)

// Kind is the action check_source_address.
var Kind = schema.Kind{
	Name: "check_source_address",
	Doc: "Finds the source of the request, its address, port and transport, in a table of " +
		"addresses: the row of the smallest network that has it. What the row says of it and its group " +
		"go into variables. When there is none the arm runs; without it the request is answered 403. " +
		"The matcher `source: {in: name, group: 1}` asks the same without patterns.",
	Schema: `{
	// The table.
	table!: #AddressTable
	// Groups whose rows count; all unless set.
	group?: #AddressGroup | [#AddressGroup, ...#AddressGroup]
	// What patterns of rows are compared with, like "{from.uri}"; unless set they don't count.
	pattern?: #Text
	// The variable that gets context_info; unset when that is empty, or none of its type.
	into?: #VarName
	// The variable that gets the number of the group.
	group_into?: #VarName
	// The sub-route taken when no row has the source.
	on_none?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none"},
}

// Env is what the step is made of.
type Env struct {
	Table *data.Table   // of addresses
	Args  *schema.Value // passed the Schema
	// Text is a template of the arguments, appended to b for j; nil: there is none.
	Text      func(key string) func(b []byte, j *job.Job) []byte
	Variables func(v *schema.Value) []*vars.Var
	Unfit     func() // counts a value that was none for its variable; nil: nobody does
	// OnNone is taken instead of the rest of a run.
	OnNone func(ctx context.Context, j *job.Job, status int) job.Verdict
}

type step struct {
	table     *data.Table
	groups    []uint32
	pattern   func(b []byte, j *job.Job) []byte // nil: patterns don't count
	into      []*vars.Var
	groupInto []*vars.Var
	unfit     func()
	onNone    func(ctx context.Context, j *job.Job, status int) job.Verdict
}

// New makes a step of Kind.
func New(e *Env) job.Step {
	s := &step{
		table: e.Table, pattern: e.Text("pattern"), into: e.Variables(e.Args.Get("into")),
		groupInto: e.Variables(e.Args.Get("group_into")), unfit: e.Unfit, onNone: e.OnNone,
	}
	e.Args.Get("group").Each(func(v *schema.Value) { s.groups = append(s.groups, uint32(v.N)) })
	return s
}

// scratch is memory for a text to compare, and for what was found.
type scratch struct{ text, found []byte }

var scratches = sync.Pool{New: func() any {
	return &scratch{make([]byte, 0, 256), make([]byte, 0, 256)}
}}

// Run implements job.Step.
func (s *step) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	b := scratches.Get().(*scratch)
	ok, err := s.find(b, j)
	scratches.Put(b)
	if !ok {
		return s.onNone(ctx, j, 403), nil
	}
	return job.Next, err
}

func (s *step) find(b *scratch, j *job.Job) (ok bool, err error) {
	var text []byte
	if s.pattern != nil {
		b.text = s.pattern(b.text[:0], j)
		text = b.text
	}
	var group uint32
	if b.found, group, ok = s.table.Source(b.found[:0], j.Flow, s.groups, text); !ok {
		return false, nil
	}
	if err := s.set(s.into, j, b.found); err != nil {
		return true, err
	}
	b.found = strconv.AppendUint(b.found[:0], uint64(group), 10)
	return true, s.set(s.groupInto, j, b.found)
}

func (s *step) set(into []*vars.Var, j *job.Job, value []byte) error {
	for _, v := range into {
		fits, err := v.Set(j, value)
		if err != nil {
			return err
		}
		if !fits && len(value) > 0 && s.unfit != nil {
			s.unfit()
		}
	}
	return nil
}
