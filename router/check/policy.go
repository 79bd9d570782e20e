package check

import (
	"sipedge/router/check/example"
	"slices"
	"strings"

	"sipedge/router/action"
	"sipedge/router/job"
	"sipedge/router/table"
	"sipedge/schema"
)

// policy is a document made ready to be run over examples: its decision tables without what
// is opaque, its formulas, and those of its steps that edit the message.
type policy struct {
	doc     *schema.Document
	lists   []*list // every route, in the author's order
	named   map[schema.Place]map[string]*list
	world   example.World
	request *list
	reads   uint32 // parts of a message that matches read, see part
}

// list is a route.
type list struct {
	name  string
	of    schema.Place
	pos   schema.Pos
	rules []rule
	table *table.Table
	calls []call // that lead here
	back  bool   // it may come back: off its end, or by return
	known bool   // back is known
}

type rule struct {
	src     *schema.Rule
	match   *example.Node
	steps   []step
	opaque  bool // the match asks what the message does not tell
	ends    bool // however its steps go, the run ends
	writes  uint32
	earlier uint32 // parts of the message that may have been written before it
}

// step is an action of a rule, as far as it matters here.
type step struct {
	kind  *action.Kind
	src   *schema.Step
	edit  job.Step // nil: it edits nothing, or what can't be known
	wild  uint32   // parts it writes in a way that can't be known
	sub   *list    // called, to come back
	arms  []*list
	hooks []*list       // failure and branch routes
	arm   *example.Node // when the arm is taken
	ends  bool
}

// call is an edge of the graph of routes.
type call struct {
	from *list
	rule int
	step int
	how  edge
}

type edge uint8

const (
	bySub edge = iota
	byArm
	byHook
)

// Parts of a message that steps write and matches read.
const (
	partURI uint32 = 1 << iota
	partHeaders
	partOther
)

// part is where a slot stands.
func part(s example.Slot) uint32 {
	switch s.Kind {
	case example.Scheme, example.User, example.Host, example.Port, example.Myself, example.Param:
		if s.Role == example.OfRURI {
			return partURI
		}
	case example.Header, example.Fixed:
		return partHeaders
	case example.Direction:
		return partOther
	}
	return 0
}

// edits are the actions that change what matches read, and how.
var edits = map[string]uint32{
	"rewrite_uri": partURI, "set_user": partURI, "set_host": partURI, "set_port": partURI,
	"prefix": partURI, "strip": partURI, "strip_tail": partURI, "revert_uri": partURI,
	"add_header": partHeaders, "set_header": partHeaders, "remove_header": partHeaders,
}

// actions are the vocabulary by name.
func actions() map[string]*action.Kind {
	m := map[string]*action.Kind{}
	for _, k := range action.Kinds() {
		m[k.Name] = &k
	}
	return m
}

// newPolicy prepares a document that compiles.
func newPolicy(doc *schema.Document) *policy {
	p := &policy{doc: doc, world: example.NewWorld(doc), named: map[schema.Place]map[string]*list{}}
	var f example.Formulas
	d := &doc.Routes
	var sources [][]schema.Rule
	add := func(of schema.Place, r schema.Route) {
		l := &list{name: r.Name, of: of, pos: r.Pos}
		if p.named[of] == nil {
			p.named[of] = map[string]*list{}
		}
		p.named[of][r.Name] = l
		p.lists = append(p.lists, l)
		sources = append(sources, r.Rules)
	}
	add(schema.InRequest, schema.Route{Name: "request", Rules: d.Request})
	p.request = p.lists[0]
	for _, group := range []struct {
		of     schema.Place
		routes []schema.Route
	}{
		{schema.InSub, d.Sub}, {schema.InBranch, d.Branch}, {schema.InFailure, d.Failure},
		{schema.InReply, d.Reply},
	} {
		for _, r := range group.routes {
			add(group.of, r)
		}
	}
	kinds := actions()
	for i, l := range p.lists {
		where := l.of
		if l.of == schema.InSub {
			where = doc.Places(l.name)
		}
		p.fill(l, sources[i], where, &f, kinds)
	}
	for _, l := range p.lists {
		p.link(l)
	}
	for _, l := range p.lists {
		p.comesBack(l)
	}
	p.order()
	return p
}

// fill makes rules of their source.
func (p *policy) fill(
	l *list, src []schema.Rule, where schema.Place, f *example.Formulas, kinds map[string]*action.Kind,
) {
	rest := make([]schema.Rule, len(src))
	l.rules = make([]rule, len(src))
	for i := range src {
		r := &l.rules[i]
		r.src = &src[i]
		rest[i] = src[i]
		before := f.Unknown
		r.match, rest[i].Match = f.Match(src[i].Match)
		r.opaque = f.Unknown > before
		r.match.Each(func(l example.Lit) { p.reads |= part(l.Slot) })
		for s := range src[i].Do {
			r.steps = append(r.steps, p.step(&src[i].Do[s], where, kinds))
		}
	}
	l.table, _ = table.Compile(rest, where, table.Env{})
}

func (p *policy) step(src *schema.Step, where schema.Place, kinds map[string]*action.Kind) step {
	k := kinds[src.Kind]
	s := step{kind: k, src: src}
	switch k.Ending {
	case schema.Ends:
		s.ends = true
	case schema.EndsByArgs:
		s.ends = k.EndsWhen(&src.Args)
	case schema.Arm:
		s.arm = armOf(src)
	}
	if parts := edits[src.Kind]; parts != 0 {
		if s.wild = parts; !asksVariables(&src.Args) {
			if do, diags := k.New(&action.Env{Where: where}, &src.Args); !diags.HasErrors() {
				s.edit, s.wild = do, 0
			}
		}
	}
	return s
}

// asksVariables reports whether a template names what no message tells.
func asksVariables(v *schema.Value) bool {
	if strings.Contains(v.S, "{var.") || strings.Contains(v.S, "{avp.") ||
		strings.Contains(v.S, "{time.") {
		return true
	}
	for i := range v.Keys {
		if asksVariables(&v.Keys[i].Value) {
			return true
		}
	}
	return slices.ContainsFunc(v.Items, func(v schema.Value) bool { return asksVariables(&v) })
}

// armOf is when the arm of a step is taken.
func armOf(s *schema.Step) *example.Node {
	switch s.Kind {
	case "loose_route":
		taken := []string{example.VerifiedRoute}
		if s.Args.Get("verify").S == "none" {
			taken = append(taken, example.ForgedRoute)
		}
		return example.Leaf(&example.Atom{Slot: example.Slot{Kind: example.Routed}, Names: taken}).Not()
	case "max_forwards":
		limit := max(1, s.Args.Get("limit").N)
		return example.Leaf(&example.Atom{
			Slot: example.Slot{Kind: example.MaxForwards},
			Nums: []example.Bounds{{Min: 0, Max: limit - 1}},
		})
	}
	return example.Leaf(&example.Atom{Slot: example.Slot{Kind: example.Opaque}, Why: s.Kind})
}

// link finds the routes that steps name.
func (p *policy) link(l *list) {
	for i := range l.rules {
		for n := range l.rules[i].steps {
			s := &l.rules[i].steps[n]
			find := func(of schema.Place, arg string, how edge) *list {
				v := &s.src.Args
				if arg != "" {
					v = v.Get(arg)
				}
				to := p.named[of][v.S]
				if v.Kind != schema.String || to == nil {
					return nil
				}
				to.calls = append(to.calls, call{l, i, n, how})
				return to
			}
			for _, arg := range s.kind.Calls {
				s.sub = find(schema.InSub, arg, bySub)
			}
			for _, arg := range s.kind.Arms {
				if to := find(schema.InSub, arg, byArm); to != nil {
					s.arms = append(s.arms, to)
				}
			}
			for arg, of := range s.kind.Hooks {
				if of == schema.InReply {
					continue // another message: an entry of its own
				}
				if to := find(of, arg, byHook); to != nil {
					s.hooks = append(s.hooks, to)
				}
			}
		}
	}
}

// comesBack finds out whether a list may end without ending the run, and which rules end it.
func (p *policy) comesBack(l *list) bool {
	if l.known {
		return l.back
	}
	l.known, l.back = true, true
	for i := range l.rules {
		r := &l.rules[i]
		for n := range r.steps {
			s := &r.steps[n]
			if s.src.Kind == "return" {
				r.ends = false
				break
			}
			if s.ends || s.sub != nil && !p.comesBack(s.sub) {
				r.ends = true
				break
			}
		}
	}
	back := true
	for i := range l.rules {
		if r := &l.rules[i]; r.returns() {
			break
		} else if r.ends && len(r.match.Kids) == 0 && r.match.Lit.Atom == nil && !r.match.Some {
			back = false
			break
		}
	}
	l.back = back
	return back
}

func (r *rule) returns() bool {
	return slices.ContainsFunc(r.steps, func(s step) bool { return s.src.Kind == "return" })
}

// order notes what may have been written before each rule.
func (p *policy) order() {
	var anywhere uint32
	for _, l := range p.lists {
		for i := range l.rules {
			for n := range l.rules[i].steps {
				k := l.rules[i].steps[n].src.Kind
				l.rules[i].writes |= edits[k]
				if k == "loose_route" {
					l.rules[i].writes |= partOther
				}
			}
			anywhere |= l.rules[i].writes
		}
	}
	for _, l := range p.lists {
		var before uint32
		if l.of != schema.InRequest && l.of != schema.InReply {
			before = anywhere
		}
		for i := range l.rules {
			r := &l.rules[i]
			r.earlier = before
			if before |= r.writes; r.calls() {
				before = anywhere
			}
		}
	}
}

func (r *rule) calls() bool {
	return slices.ContainsFunc(r.steps, func(s step) bool { return s.sub != nil })
}
