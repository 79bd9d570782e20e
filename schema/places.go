package schema

import (
	"strings"
)

// visit is a list of rules met in a route type.
type visit struct {
	route *Route // nil: a list without a name
	in    Place
	early bool // in a reply route, under matchers that imply a 1xx
}

// places follows every route type through its sub-routes and checks that each
// action and matcher may stand where it then runs.
func (c *routes) places() {
	c.walkList(c.doc.Routes.Request, visit{in: InRequest}, nil)
	for _, t := range namedTypes[1:] {
		for i := range c.doc.Routes.of(t) {
			r := &c.doc.Routes.of(t)[i]
			r.Places = t
			c.walkList(r.Rules, visit{route: r, in: t}, []string{routeNames[t] + " " + r.Name})
		}
	}
	r := &c.doc.Routes
	c.walkList(r.Error, visit{in: InError}, nil)
	c.walkList(r.Local, visit{in: InLocal}, nil)
	c.walkList(r.Startup, visit{in: InStartup}, nil)
	for i := range r.Timer {
		t := &r.Timer[i]
		t.Places = InTimer
		c.walkList(t.Rules, visit{route: &t.Route, in: InTimer},
			[]string{routeNames[InTimer] + " " + t.Name})
	}
}

// walkList checks a list in one route type. way is how it got there; nil: it
// is a list without a name itself.
func (c *routes) walkList(rules []Rule, at visit, way []string) {
	if c.seen[at] {
		return
	}
	c.seen[at] = true
	sub := at.route != nil && c.named[InSub][at.route.Name] == at.route
	if sub {
		at.route.Places |= at.in
	}
	for i := range rules {
		r := &rules[i]
		if r.Match != nil {
			c.matchers(r.Match, at.in, way)
		}
		early := at.in == InReply && (at.early || provisional(r.Match))
		for j := range r.Do {
			s := &r.Do[j]
			c.legal(s, at.in, sub, early, way)
			for _, m := range c.refs(s) {
				if m.to != InSub {
					continue
				}
				next := c.named[InSub][m.name.S]
				from := way
				if from == nil {
					from = []string{routeNames[at.in]}
				}
				c.walkList(next.Rules, visit{next, at.in, early},
					append(from[:len(from):len(from)], next.Name))
			}
		}
	}
}

// legal checks that an action may stand in a route type.
func (c *routes) legal(s *Step, in Place, sub, early bool, way []string) {
	k := c.v.kinds[s.Kind]
	where := k.Where &^ InSub
	if where == 0 {
		where = Anywhere
	}
	key := Key{Name: s.Kind, Pos: s.Pos, End: s.Pos.Col + len(s.Kind)}
	switch {
	case k.Where&InSub != 0 && !sub:
		d := key.Problem(ReturnOutside, "%q leaves a sub-route; this is %s", s.Kind,
			withArticle(routeNames[in]))
		d.Hint = "exit ends the run"
		c.once(d)
	case where&in == 0:
		c.once(misplaced(key, ActionNotHere, in, where, way))
	case s.Kind == "drop" && in == InReply && !early:
		d := key.Problem(DropFinal, "drop in a reply route would also swallow final replies")
		d.Hint = "match: {status: 1xx} limits the rule to provisional ones"
		c.once(d)
	}
}

// misplaced says where a key cannot be used, and how the run got there.
func misplaced(key Key, code Code, in, where Place, way []string) Diagnostic {
	d := key.Problem(code, "%q cannot be used in %s (allowed: %s)",
		key.Name, withArticle(routeNames[in]), where)
	if len(way) > 1 {
		d.Hint = "it runs there by " + strings.Join(way, " → ")
	}
	return d
}

// withArticle puts a or an before the name of a route type.
func withArticle(name string) string {
	if strings.HasPrefix(name, "error") {
		return "an " + name
	}
	return "a " + name
}

// once adds a diagnostic unless the place has one: a sub-route is met in
// several route types.
func (c *routes) once(d Diagnostic) {
	for i := range c.diags {
		if c.diags[i].Pos == d.Pos && c.diags[i].Code == d.Code {
			return
		}
	}
	c.add(d)
}

// matchers checks that matchers may stand in a route type.
func (c *routes) matchers(match *Value, in Place, way []string) {
	for i := range match.Keys {
		k := &match.Keys[i]
		switch k.Name {
		case "all", "any", "not":
			k.Each(func(v *Value) { c.matchers(v, in, way) })
			continue
		}
		if where := c.v.field[k.Name].Where; where&in == 0 {
			c.once(misplaced(*k, MatcherNotHere, in, where, way))
		}
	}
}

// provisional reports whether matchers imply a 1xx status.
func provisional(match *Value) bool {
	if match == nil {
		return false
	}
	for i := range match.Keys {
		k := &match.Keys[i]
		switch k.Name {
		case "status":
			if every(&k.Value, func(v *Value) bool {
				return v.Kind == Int && v.N < 200 || v.S == "1xx" || v.Get("max").N < 200 && v.Has("max")
			}) {
				return true
			}
		case "all":
			for j := range k.Items {
				if provisional(&k.Items[j]) {
					return true
				}
			}
		case "any":
			if every(&k.Value, provisional) {
				return true
			}
		}
	}
	return false
}

// every reports whether f holds for v, or for all of its items.
func every(v *Value, f func(*Value) bool) bool {
	all := true
	v.Each(func(item *Value) { all = all && f(item) })
	return all
}

// Places is the union of the route types a sub-route runs in.
func (d *Document) Places(sub string) Place {
	for i := range d.Routes.Sub {
		if d.Routes.Sub[i].Name == sub {
			return d.Routes.Sub[i].Places
		}
	}
	return 0
}
