package check

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"sipedge/router/check/example"
	"sipedge/router/check/graph"
	"sipedge/schema"
)

// Names of checks, as waivers have them.
const (
	OpenRelay    = "open_relay"
	NeverMatches = "never_matches"
	MayBeEmpty   = "may_be_empty"
)

// Report is all that is proved of a policy.
type Report struct {
	Verdicts    []Verdict // of every rule, in the author's order
	Findings    []Finding
	Diagnostics schema.Diagnostics // of the findings, and of waivers of nothing
}

// Finding is a fault of a rule that it does not waive.
type Finding struct {
	Rule  *schema.Rule
	Check string
	// Example shows it: a request that a stranger sends on, that is answered 500, or that
	// others take from a rule; nil: there is none.
	Example *example.Message
}

// Policy proves what can be proved of a document that compiles without errors, and holds
// it against the waivers of its rules.
func Policy(doc *schema.Document) *Report {
	p := graph.New(doc)
	c := &checker{report: &Report{}, waived: map[waiver]bool{}}
	c.report.Verdicts = verdicts(p)
	for i := range c.report.Verdicts {
		if v := &c.report.Verdicts[i]; v.Status == Unreachable {
			c.add(Finding{v.Rule, NeverMatches, v.Example}, v.diagnostic())
		}
	}
	for _, r := range openRelays(p) {
		c.add(Finding{r.rule, OpenRelay, r.example}, r.diagnostic())
	}
	for _, e := range empties(p) {
		c.add(Finding{e.rule, MayBeEmpty, e.example}, e.diagnostic())
	}
	for _, l := range p.Lists {
		for i := range l.Rules {
			c.unused(l.Rules[i].Src)
		}
	}
	c.report.Diagnostics.Sort()
	return c.report
}

// verdicts decides every rule, on all processors: no rule waits for another.
func verdicts(p *graph.Policy) []Verdict {
	type place struct {
		list *graph.List
		rule int
	}
	var todo []place
	for _, l := range p.Lists {
		for i := range l.Rules {
			todo = append(todo, place{l, i})
		}
	}
	out := make([]Verdict, len(todo))
	var at atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(todo)) {
		workers.Go(func() {
			for i := at.Add(1) - 1; i < int64(len(todo)); i = at.Add(1) - 1 {
				out[i] = reach(p, todo[i].list, todo[i].rule)
			}
		})
	}
	workers.Wait()
	return out
}

type checker struct {
	report *Report
	waived map[waiver]bool // that waived something
}

type waiver struct {
	rule  *schema.Rule
	check string
}

// add reports a finding unless its rule waives it.
func (c *checker) add(f Finding, d schema.Diagnostic) {
	for _, w := range f.Rule.Allow {
		if w.Check == f.Check {
			c.waived[waiver{f.Rule, f.Check}] = true
			return
		}
	}
	c.report.Findings = append(c.report.Findings, f)
	c.report.Diagnostics = append(c.report.Diagnostics, d)
}

// unused warns of waivers that waive nothing.
func (c *checker) unused(r *schema.Rule) {
	for _, w := range r.Allow {
		if !c.waived[waiver{r, w.Check}] {
			c.report.Diagnostics = append(c.report.Diagnostics, schema.Diagnostic{
				Pos: w.Pos, End: w.Pos.Col + len(w.Check), Severity: schema.Warning,
				Code:    schema.UnusedWaiver,
				Message: fmt.Sprintf("%s finds nothing in this rule: the waiver is of no use", w.Check),
			})
		}
	}
}

// title names a rule in a sentence.
func title(r *schema.Rule) string {
	if r.Name == "" {
		return "this rule"
	}
	return fmt.Sprintf("rule %q", r.Name)
}

func (v *Verdict) diagnostic() schema.Diagnostic {
	d := v.Rule.Problem(schema.NeverMatches, "%s can never match: %s", title(v.Rule), v.takers())
	d.Severity = schema.Warning
	if v.Example != nil {
		d.Hint = "example: " + v.Example.String()
	}
	return d
}

// takers tells who takes the messages of a rule.
func (v *Verdict) takers() string {
	var names []string
	for i, r := range v.Takers {
		switch {
		case i == 3:
			names[2] = fmt.Sprintf("%d others", len(v.Takers)-2)
		case i > 3:
		case r.Name == "":
			names = append(names, fmt.Sprintf("the rule in line %d", r.Pos.Line))
		default:
			names = append(names, fmt.Sprintf("%q (line %d)", r.Name, r.Pos.Line))
		}
	}
	what := "request"
	if strings.HasPrefix(v.Route, "reply") {
		what = "reply"
	}
	switch len(names) {
	case 0:
		if v.unset != "" {
			return "nothing sets " + v.unset
		}
		if v.called {
			return "its matchers exclude each other, or what leads to its route excludes them"
		}
		return "its matchers exclude each other"
	case 1:
		return names[0] + " takes every " + what + " first"
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + " take every " + what + " first"
}

// what says what strangers can do.
func (r *relay) what() string {
	if r.step.Kind == "send_request" {
		return "sends requests of ours to where strangers say"
	}
	return "sends on what strangers send to strangers"
}

func (r *relay) diagnostic() schema.Diagnostic {
	d := schema.Diagnostic{
		Pos: r.step.Pos, End: r.step.Pos.Col + len(r.step.Kind), Code: schema.OpenRelay,
		Message: fmt.Sprintf("open relay: %s %s", title(r.rule), r.what()),
	}
	if r.example == nil {
		d.Message = fmt.Sprintf(
			"open relay: it can't be shown that %s sends nothing for strangers: %s",
			title(r.rule), r.why)
		d.Hint = "match source, listener or uri: {myself: true} in the rule"
		return d
	}
	d.Hint = fmt.Sprintf("example: %s, by %s", r.example, r.way)
	return d
}
