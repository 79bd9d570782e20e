package policytest

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"sipedge/schema"
)

// Result is what came of one case.
type Result struct {
	File   *File
	Case   *Case
	Scene  *Scene
	Failed []Failure
	Error  string // why the case could not be carried out, or the flow ended; "" it was
	Took   time.Duration
}

// answers is what a branch does that is not told otherwise.
var answers = Branch{Replies: []Reply{{Code: 200}}}

// OK reports whether everything expected came true.
func (r *Result) OK() bool { return len(r.Failed) == 0 && r.Error == "" }

// Run carries out the cases whose name matches, in order; nil: all.
func (f *File) Run(only *regexp.Regexp) []Result {
	var results []Result
	for i := range f.Cases {
		if c := &f.Cases[i]; only == nil || only.MatchString(c.Name) {
			results = append(results, f.run(c))
		}
	}
	return results
}

func (f *File) run(c *Case) Result {
	began := time.Now()
	r := Result{File: f, Case: c, Scene: &Scene{}}
	if c.Flow != "" {
		r.Error = f.converse(c, r.Scene)
	} else if w, err := f.world(c); err != nil {
		r.Error = err.Error()
	} else {
		r.Scene.script, r.Scene.beyond = slices.Clone(c.Branches), answers
		flow, _ := c.Origin.flow(w.node.Listeners()) // checked by lower
		w.play(r.Scene, flow, &c.Message, false)
		if !w.router.Idle() || r.Scene.Panics > 0 {
			f.shared = nil
		}
	}
	if r.Error == "" {
		r.Failed = compare(r.Scene, c.expect)
	}
	if r.Scene.Panics > 0 {
		r.Error = "the router panicked: a bug in sipedge"
	}
	r.Took = time.Since(began)
	return r
}

// world is the one all cases share, unless a case would leave something behind
// in it or needs its own.
func (f *File) world(c *Case) (*world, error) {
	doc := f.documentOf(c)
	own := doc != f.doc || !c.Time.IsZero() || remembers(doc)
	if !own && f.shared != nil {
		return f.shared, nil
	}
	w, diags, err := newWorld(doc, f.hosts, c.Time)
	switch {
	case err != nil:
		return nil, err
	case w == nil:
		return nil, fmt.Errorf("the policy was refused: %s", diags[0])
	}
	if !own {
		f.shared = w
	}
	return w, nil
}

// documentOf is the policy with the tables of a case.
func (f *File) documentOf(c *Case) *schema.Document {
	if len(f.doc.Tables) == 0 || len(f.tables.Keys) == 0 && len(c.tables.Keys) == 0 {
		return f.doc
	}
	doc := *f.doc
	doc.Tables = slices.Clone(doc.Tables)
	for _, stub := range []*schema.Value{f.tables, c.tables} {
		for i := range doc.Tables {
			t := &doc.Tables[i]
			if v := stub.Get(t.Name); v.Kind != schema.None {
				t.Rows, _ = schema.Rows(v) // checked by lower
				t.File = schema.Text{}
			}
		}
	}
	return &doc
}

// remembers reports whether a policy keeps something from one request to the next.
func remembers(doc *schema.Document) (yes bool) {
	lists(doc, func(_ schema.Place, _ string, rules []schema.Rule) {
		for i := range rules {
			for s := range rules[i].Do {
				switch rules[i].Do[s].Kind {
				case "put", "ban", "rate_limit", "pike":
					yes = true
				}
			}
		}
	})
	return yes
}
