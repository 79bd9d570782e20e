package schema

import (
	"fmt"
	"slices"
	"strings"
)

// checker of routes: names, what may stand where, loops, endings.
type routes struct {
	doc   *Document
	v     *Vocabulary
	named map[Place]map[string]*Route // sub, branch, failure and reply routes
	used  map[*Route]bool
	seen  map[visit]bool
	back  map[*Route]bool // sub-routes that can come back
	diags Diagnostics
}

// maxRules is how many rules a policy may have: more of them are data.
const maxRules = 20_000

// routeNames word route types in messages.
var routeNames = map[Place]string{
	InSub: "sub-route", InRequest: "request route", InBranch: "branch route",
	InFailure: "failure route", InReply: "reply route", InError: "error route",
	InLocal: "local route", InStartup: "startup route", InTimer: "timer route",
}

// namedTypes are the types whose routes have names.
var namedTypes = []Place{InSub, InBranch, InFailure, InReply}

func (r *Routes) of(t Place) []Route {
	switch t {
	case InSub:
		return r.Sub
	case InBranch:
		return r.Branch
	case InFailure:
		return r.Failure
	case InReply:
		return r.Reply
	}
	return nil
}

// checkRoutes also fills in the places of routes. Each part looks only at what
// the part before found sound.
func checkRoutes(doc *Document, v *Vocabulary) Diagnostics {
	c := &routes{
		doc: doc, v: v,
		named: map[Place]map[string]*Route{},
		used:  map[*Route]bool{},
		seen:  map[visit]bool{},
		back:  map[*Route]bool{},
	}
	for _, t := range namedTypes {
		list := doc.Routes.of(t)
		c.named[t] = make(map[string]*Route, len(list))
		for i := range list {
			c.named[t][list[i].Name] = &list[i]
		}
	}
	for _, part := range []func(){c.names, c.loops, c.places, c.endings, c.unused} {
		if part(); c.diags.HasErrors() {
			break
		}
	}
	return c.diags
}

func (c *routes) add(d Diagnostic) { c.diags = append(c.diags, d) }

// ref is a step's mention of a route.
type ref struct {
	step *Step
	to   Place  // its type
	arg  string // the argument that names it; "" the bare value
	name *Value
	arm  bool // runs instead of the rest
}

// refs are the routes a step mentions.
func (c *routes) refs(s *Step) []ref {
	k := c.v.kinds[s.Kind]
	if len(k.Calls) == 0 && len(k.Arms) == 0 && len(k.Hooks) == 0 {
		return nil
	}
	var out []ref
	put := func(r ref) {
		r.step, r.name = s, &s.Args
		if r.arg != "" {
			r.name = s.Args.Get(r.arg)
		}
		if r.name.Kind == String {
			out = append(out, r)
		}
	}
	for _, arg := range k.Calls {
		put(ref{to: InSub, arg: arg})
	}
	for _, arg := range k.Arms {
		put(ref{to: InSub, arg: arg, arm: true})
	}
	for i := range s.Args.Keys { // in the author's order
		if t, ok := k.Hooks[s.Args.Keys[i].Name]; ok {
			put(ref{to: t, arg: s.Args.Keys[i].Name})
		}
	}
	return out
}

// lists calls f for every list of rules.
func (c *routes) lists(f func([]Rule)) {
	r := &c.doc.Routes
	f(r.Request)
	for _, t := range namedTypes {
		for i := range r.of(t) {
			f(r.of(t)[i].Rules)
		}
	}
	for _, rules := range [...][]Rule{r.Error, r.Local, r.Startup} {
		f(rules)
	}
	for i := range r.Timer {
		f(r.Timer[i].Rules)
	}
}

// names resolves the names of routes and looks for rules of the same name.
func (c *routes) names() {
	count := 0
	c.lists(func(rules []Rule) {
		count += len(rules)
		names := map[string]int{}
		for i := range rules {
			r := &rules[i]
			if line, dup := names[r.Name]; dup {
				c.add(r.title.Problem(DuplicateName,
					"two rules of this list are called %q; the first in line %d", r.Name, line))
			} else if r.Name != "" {
				names[r.Name] = r.Pos.Line
			}
			for j := range r.Do {
				for _, m := range c.refs(&r.Do[j]) {
					c.resolve(m)
				}
			}
		}
	})
	if count > maxRules {
		d := Diagnostic{Pos: c.doc.Routes.Request[0].Pos, Code: TooLarge}
		d.Message = fmt.Sprintf("%d rules; a policy has at most %d", count, maxRules)
		d.Hint = "what differs by a number, an address or a name belongs in a table"
		c.add(d)
	}
}

func (c *routes) resolve(m ref) {
	if r := c.named[m.to][m.name.S]; r != nil {
		c.used[r] = true
		return
	}
	var known []string
	for i := range c.doc.Routes.of(m.to) {
		known = append(known, c.doc.Routes.of(m.to)[i].Name)
	}
	near := Meant(m.name.S, known)
	d := m.name.Problem(UnknownRoute, "there is no %s %q%s", routeNames[m.to], m.name.S, near)
	for _, t := range namedTypes {
		if near == "" && c.named[t][m.name.S] != nil {
			d.Hint = fmt.Sprintf("there is a %s of that name; this needs a %s",
				routeNames[t], routeNames[m.to])
		}
	}
	for i := range c.diags { // one name nobody gave a route is one mistake
		if c.diags[i].Code == d.Code && c.diags[i].Message == d.Message {
			return
		}
	}
	c.add(d)
}

// loops looks for sub-routes that lead to themselves.
func (c *routes) loops() {
	const (
		entered = 1 + iota
		left
	)
	state := map[*Route]int{}
	var way []*Route
	var enter func(r *Route)
	enter = func(r *Route) {
		state[r], way = entered, append(way, r)
		c.each(r.Rules, func(m ref) {
			to := c.named[InSub][m.name.S]
			switch {
			case m.to != InSub || state[to] == left:
			case state[to] == entered:
				var names []string
				for _, on := range way[slices.Index(way, to):] {
					names = append(names, on.Name)
				}
				c.add(m.name.Problem(EndlessLoop, "endless loop of sub-routes: %s → %s",
					strings.Join(names, " → "), to.Name))
			default:
				enter(to)
			}
		})
		state[r], way = left, way[:len(way)-1]
	}
	for i := range c.doc.Routes.Sub {
		if r := &c.doc.Routes.Sub[i]; state[r] == 0 {
			enter(r)
		}
	}
}

// each calls f for every mention of a route in the rules.
func (c *routes) each(rules []Rule, f func(ref)) {
	for i := range rules {
		for j := range rules[i].Do {
			for _, m := range c.refs(&rules[i].Do[j]) {
				f(m)
			}
		}
	}
}

// unused warns of routes nothing mentions.
func (c *routes) unused() {
	for _, t := range namedTypes {
		for i := range c.doc.Routes.of(t) {
			r := &c.doc.Routes.of(t)[i]
			if c.used[r] || t == InReply && r.Name == "all" {
				continue
			}
			key := Key{Name: r.Name, Pos: r.Pos, End: r.Pos.Col + len(r.Name)}
			d := key.Problem(UnusedRoute, "nothing uses the %s %q", routeNames[t], r.Name)
			d.Severity = Warning
			c.add(d)
		}
	}
}
