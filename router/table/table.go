package table

import (
	"slices"
	"strings"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
)

// Fields is the vocabulary of matchers, sorted by name: name, doc, CUE
// fragment, route types.
func Fields() []schema.Field {
	fields := make([]schema.Field, 0, len(matchers))
	for _, m := range matchers {
		fields = append(fields, m.Field)
	}
	return fields
}

// matcher is a field of a match with what compiles its value.
type matcher struct {
	schema.Field
	compile func(c *compiler, v *schema.Value) []condition
}

// Where matchers may stand: a response has no Request-URI, a request no status,
// and what the router made itself came from nowhere.
const (
	inRequests = inReceived&^schema.InReply | schema.InLocal
	inMessages = inRequests | schema.InReply
	inReceived = schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply |
		schema.InError
	inResults = schema.InFailure | schema.InReply
)

var matchers []matcher // sorted by name

// A matcher that nests others refers to matchers: filled at start.
func init() {
	matchers = slices.Concat(
		methodMatchers, uriMatchers, headerMatchers, networkMatchers, dialogMatchers,
		resultMatchers, nestMatchers, bodyMatchers, contactMatchers, timeMatchers,
		variableMatchers, authMatchers, peerMatchers,
	)
	slices.SortFunc(matchers, func(a, b matcher) int { return strings.Compare(a.Name, b.Name) })
}

// condition is one thing that must hold for a rule to match.
type condition struct {
	holds  func(f *facts) bool
	cost   cost
	anchor *anchor // where a rule with this condition can be filed; nil: nowhere

	field string   // as Why names it: "uri.user"; "" the matcher's name
	of    []string // the fields inside a nesting one
}

// cost of a condition: cheap ones are tried first.
type cost uint8

const (
	cheap    cost = iota // known already
	parsed               // a URI to decode
	searched             // a header to find, perhaps a regular expression
)

// rule is what is left of a schema.Rule: all conditions must hold. One that
// holds wherever the rule is filed is not among them.
type rule []func(f *facts) bool

func (r rule) holds(f *facts) bool {
	for _, c := range r {
		if !c(f) {
			return false
		}
	}
	return true
}

// test is holds of this rule: the less there is to it, the less memory it reads.
func (r rule) test() func(f *facts) bool {
	switch len(r) {
	case 0:
		return func(*facts) bool { return true }
	case 1:
		return r[0]
	}
	return r.holds
}

// Table decides which rule of a list a job meets next. It is immutable and
// safe for concurrent use.
type Table struct {
	root  node
	rules [][]condition // for Why
}

// Env is what else of the policy matches may name.
type Env struct {
	Tables *data.Tables // nil: none
	Vars   *vars.Scope  // nil: none
	// Asks are the matchers, by name, that ask a service. Where they may stand is the schema's.
	Asks map[string]Ask
}

// Ask compiles the value of a matcher that asks a service; nil with errors.
type Ask func(v *schema.Value) (holds func(*job.Job) bool, diags schema.Diagnostics)

// Compile builds the table of a rule list that runs in the given route types
// (a sub-route: the union of its callers'). What the schema can't see (a
// network, a regular expression, bounds) is diagnosed here; the Table is nil
// when there are errors.
func Compile(
	rules []schema.Rule, where schema.Place, env Env,
) (*Table, schema.Diagnostics) {
	c := &compiler{where: where, env: env}
	conditions := c.rules(rules)
	if c.found.HasErrors() {
		return nil, c.found
	}
	t := &Table{root: index(conditions, c.axes), rules: conditions}
	return t, c.found
}

// Match returns the index of the first rule at or behind from whose matchers
// hold now, or -1. It looks at the job as it stands: edits made since the last
// call are seen. It allocates nothing.
func (t *Table) Match(j *job.Job, from int) int {
	f := borrow(j)
	best := t.first(&t.root, f, int32(from), int32(len(t.rules)))
	f.release()
	if best == int32(len(t.rules)) {
		return -1
	}
	return int(best)
}
