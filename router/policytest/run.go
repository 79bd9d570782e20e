package policytest

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"sipedge/router/scene"
	"sipedge/schema"
)

// Result is what came of one case.
type Result struct {
	File   *File
	Case   *Case
	Scene  *scene.Scene
	Failed []Failure
	Error  string // why the case could not be carried out, or the flow ended; "" it was
	Took   time.Duration
}

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

// run carries out a case. All of its trace is asked for only when it failed: the case is
// then carried out again.
func (f *File) run(c *Case) Result {
	brief := !c.expect.Has("vars") // which what steps changed tells
	r := f.try(c, brief)
	if brief && !r.OK() {
		f.shared = nil
		r = f.try(c, false)
	}
	return r
}

func (f *File) try(c *Case, brief bool) Result {
	began := time.Now()
	r := Result{File: f, Case: c, Scene: scene.New(c.Branches)}
	r.Scene.Trace.Brief = brief
	if err := f.play(c, r.Scene); err != nil {
		r.Error = err.Error()
	} else {
		r.Failed = compare(r.Scene, c.expect)
	}
	if r.Scene.Panics > 0 {
		r.Error = "the router panicked: a bug in sipedge"
	}
	r.Took = time.Since(began)
	return r
}

// play carries out a case.
func (f *File) play(c *Case, s *scene.Scene) error {
	switch {
	case c.Flow != "":
		ladder, err := scene.Converse(s, f.documentOf(c), f.around(c), c.Flow)
		if err != nil && ladder != "" {
			return fmt.Errorf("flow: %w\n%s", err, ladder)
		} else if err != nil {
			return fmt.Errorf("flow: %w", err)
		}
		return nil
	case c.Run.Startup:
		err := scene.Startup(s, f.documentOf(c), f.around(c), c.Time)
		if err != nil && s.Errors() != nil && c.expect.Has("error") {
			return nil // compare tells
		}
		return err
	case c.Run.Timer != "":
		t, _ := f.timer(c.Run.Timer) // checked by lower
		w, err := scene.Start(f.documentOf(c), f.around(c), c.begins(t.Every), 0)
		if err == nil {
			w.Timer(s, t.Name, c.Run.For)
		}
		return err
	}
	w, err := f.world(c)
	if err != nil {
		return err
	}
	if err = w.Ask(s, c.Origin, &c.Message); !w.Clean() || s.Panics > 0 {
		f.shared = nil
	}
	return err
}

// around is what a router finds around it in a case.
func (f *File) around(c *Case) scene.Outside {
	if c.outside != nil {
		return *c.outside
	}
	return f.outside
}

// world is the one all cases share, which remembers nothing of them, unless a case
// needs its own.
func (f *File) world(c *Case) (*scene.World, error) {
	doc := f.documentOf(c)
	own := doc != f.doc || c.outside != nil || c.After > 0 ||
		!c.Time.IsZero() && len(doc.Routes.Startup) > 0
	if !own && f.shared != nil && f.shared.Set(c.Time) {
		f.shared.Forget()
		return f.shared, nil
	}
	w, err := scene.Start(doc, f.around(c), c.begins(c.After), c.After)
	if err == nil && !own {
		f.shared = w
	}
	return w, err
}

// begins is when the router starts, so that the time of a case comes so much later.
func (c *Case) begins(after time.Duration) time.Time {
	if c.Time.IsZero() {
		return c.Time
	}
	return c.Time.Add(-after)
}

// documentOf is the policy with the tables of a case.
func (f *File) documentOf(c *Case) *schema.Document { return withTables(f.doc, c.tables) }

// withTables is a policy with other rows for some of its tables; they were checked.
func withTables(policy *schema.Document, stubs *schema.Value) *schema.Document {
	if len(stubs.Keys) == 0 {
		return policy
	}
	doc := *policy
	doc.Tables = slices.Clone(doc.Tables)
	for i := range doc.Tables {
		t := &doc.Tables[i]
		if v := stubs.Get(t.Name); v.Kind != schema.None {
			switch t.Kind {
			case "lcr":
				t.Rates = v
			case "address":
				t.Addresses = schema.Addresses(v)
			default:
				t.Rows, _ = schema.Rows(v)
			}
			t.File, t.SQL = schema.Text{}, nil
		}
	}
	return &doc
}
