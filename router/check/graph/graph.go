package graph

import (
	"slices"

	"sipedge/router/action"
	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/table"
	"sipedge/router/vars"
	"sipedge/schema"
)

// Policy is a document made ready to be run over examples: its decision tables without what
// is opaque, its formulas, and those of its steps that change what matchers read. It does not
// change.
type Policy struct {
	Doc     *schema.Document
	Lists   []*List // every route, in the author's order
	Request *List
	Named   map[schema.Place]map[string]*List // those without a name by ""
	World   example.World
	Scope   *vars.Scope
	Types   map[string]string // of variables
	Written uint64            // keys some step writes
	Popped  uint64            // variables some step pops
	Admits  *formula.Node     // what relay sends on at all
	Faults  []Fault           // what keeps it from being sent

	tables *data.Tables      // whose rows are known
	bits   map[string]uint64 // of keys
	shares map[string]share  // of variables, what messages say of them
	strays bool              // some step forwards, of which replies come back without state
}

// List is a route.
type List struct {
	Name    string
	Of      schema.Place
	Rules   []Rule
	Table   *table.Table
	Calls   []Call           // that lead here
	Returns []int            // rules with a return
	Writers map[string][]int // of each key, rules below which it may be another
	Writes  uint64           // keys, by its rules and by what they call

	back   bool // it may come back: off its end, or by return
	known  bool // back is known
	spread bool // Writers and Writes are known
}

// Rule is one of a List.
type Rule struct {
	Src     *schema.Rule
	Match   *formula.Node
	Open    []*formula.Check // beside what the table decides
	Steps   []Step
	Ends    bool   // however its steps go, the run ends
	Reads   uint64 // keys
	Earlier uint64 // keys that may have been written before it
}

// Call is an edge of the graph.
type Call struct {
	From *List
	Rule int
	Step int
	How  Edge
}

// Edge is how a step leads to a route.
type Edge uint8

const (
	BySub  Edge = iota // calls it, to come back
	ByArm              // takes it instead of the rest
	ByHook             // takes it along: it follows when the run has ended
)

// maxRows is how many rows of a table are looked at one by one.
const maxRows = 1000

// New prepares a document that compiles.
func New(doc *schema.Document) *Policy {
	p := &Policy{
		Doc: doc, World: example.NewWorld(doc), Named: map[schema.Place]map[string]*List{},
		Scope: vars.NewScope(doc.Vars), Types: map[string]string{}, bits: map[string]uint64{},
	}
	f := formula.Formulas{
		Types: p.Types, Tables: map[string]*schema.Table{}, Moving: map[string]bool{},
	}
	for _, v := range doc.Vars {
		p.Types[v.Name] = v.Type
	}
	var known []schema.Table
	for i := range doc.Tables {
		t := &doc.Tables[i]
		switch {
		case t.Kind == "cache":
			f.Moving[t.Name] = true
		case t.File.S == "" && t.SQL == nil && len(t.Rows) <= maxRows:
			f.Tables[t.Name] = t
			known = append(known, *t)
		}
	}
	p.tables, _ = data.Load(known, nil, nil)
	p.Admits, p.Faults = admits(), faults(doc)
	sources := p.allocate()
	kinds := actions()
	for i, l := range p.Lists {
		p.fill(l, sources[i], &f, kinds)
	}
	for _, of := range []func(*List){p.link, p.comesBack, p.spread} {
		for _, l := range p.Lists {
			of(l)
		}
	}
	p.order()
	p.share()
	return p
}

// allocate makes a list for every route, empty.
func (p *Policy) allocate() (sources [][]schema.Rule) {
	d := &p.Doc.Routes
	add := func(of schema.Place, r schema.Route) {
		if len(r.Rules) == 0 {
			return
		}
		l := &List{Name: r.Name, Of: of, Writers: map[string][]int{}}
		if p.Named[of] == nil {
			p.Named[of] = map[string]*List{}
		}
		p.Named[of][r.Name] = l
		p.Lists = append(p.Lists, l)
		sources = append(sources, r.Rules)
	}
	add(schema.InRequest, schema.Route{Rules: d.Request})
	p.Request = p.Lists[0]
	for _, group := range []struct {
		of     schema.Place
		routes []schema.Route
	}{
		{schema.InSub, d.Sub}, {schema.InBranch, d.Branch}, {schema.InFailure, d.Failure},
		{schema.InReply, d.Reply}, {schema.InError, []schema.Route{{Rules: d.Error}}},
		{schema.InLocal, []schema.Route{{Rules: d.Local}}},
		{schema.InStartup, []schema.Route{{Rules: d.Startup}}},
	} {
		for _, r := range group.routes {
			add(group.of, r)
		}
	}
	for _, t := range d.Timer {
		add(schema.InTimer, t.Route)
	}
	return sources
}

// actions are the vocabulary by name.
func actions() map[string]*action.Kind {
	m := map[string]*action.Kind{}
	for _, k := range action.Kinds() {
		m[k.Name] = &k
	}
	return m
}

// fill makes rules of their source.
func (p *Policy) fill(
	l *List, src []schema.Rule, f *formula.Formulas, kinds map[string]*action.Kind,
) {
	where, env := p.places(l), table.Env{Tables: p.tables, Vars: p.Scope}
	rest := make([]schema.Rule, len(src))
	l.Rules = make([]Rule, len(src))
	for i := range src {
		r := &l.Rules[i]
		r.Src, rest[i] = &src[i], src[i]
		part := f.Match(src[i].Match)
		r.Match, rest[i].Match, r.Open = part.Node, part.Rest, part.Open
		decide(r.Open, where, env)
		r.Reads = p.reads(r.Match)
		for s := range src[i].Do {
			r.Steps = append(r.Steps, p.step(&src[i].Do[s], where, f, kinds))
			if src[i].Do[s].Kind == "return" {
				l.Returns = append(l.Returns, i)
			}
		}
	}
	l.Table, _ = table.Compile(rest, where, env)
}

// decide gives what stands beside a table tables of its own.
func decide(open []*formula.Check, where schema.Place, env table.Env) {
	for _, c := range open {
		if decide(c.Kids, where, env); c.Match != nil {
			t, _ := table.Compile([]schema.Rule{{Match: c.Match}}, where, env)
			c.Holds = func(j *job.Job) bool { return t.Match(j, 0) == 0 }
		}
	}
}

// places are the route types a list runs in.
func (p *Policy) places(l *List) schema.Place {
	if l.Of == schema.InSub {
		return p.Doc.Places(l.Name)
	}
	return l.Of
}

// Fits reports whether a text stands for a value of a variable.
func (p *Policy) Fits(name, value string) bool {
	i := slices.IndexFunc(p.Scope.Vars(), func(v *vars.Var) bool { return v.Name == name })
	return i >= 0 && p.Scope.Vars()[i].Type.Fits([]byte(value))
}

// Title names a list as people do: request, sub outbound.
func (l *List) Title() string {
	if l.Name == "" {
		return l.Of.String()
	}
	return l.Of.String() + " " + l.Name
}
