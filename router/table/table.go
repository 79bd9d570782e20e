package table

import (
	"sipedge/router/job"
	"sipedge/schema"
)

// Fields is the vocabulary of matchers: name, doc, CUE fragment, route types.
func Fields() []schema.Field { panic("contract") }

// Table decides which rule of a list a job meets next. It is immutable and safe for concurrent use.
type Table struct{}

// Compile builds the table of a rule list that runs in the given route types (a sub-route: the union of its callers').
// What the schema can't see (a CIDR, a regular expression, a port) is diagnosed here.
func Compile(rules []schema.Rule, where schema.Place) (*Table, schema.Diagnostics) { panic("contract") }

// Match returns the index of the first rule at or behind from whose matchers hold now, or -1. Edits made meanwhile are seen.
func (t *Table) Match(j *job.Job, from int) int { panic("contract") }
