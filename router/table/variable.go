package table

import (
	"net/netip"
	"slices"

	"sipedge/router/vars"
	"sipedge/schema"
)

var variableMatchers = []matcher{{
	Field: schema.Field{
		Name: "vars", Where: schema.Anywhere, Schema: `{[#VarName]: #VarTest}`,
		Doc: "Variables by name, compared as what they hold: a bool with true or false, a number " +
			"with numbers or bounds, a text or URI with texts, an address with networks. Any but a " +
			"bool may be tested for being set (true) or not (false). No comparison holds of one that " +
			"is unset.",
	},
	compile: compileVars,
}}

func compileVars(c *compiler, v *schema.Value) (all []condition) {
	for i := range v.Keys {
		k := &v.Keys[i]
		found, diags := c.env.Vars.Find(schema.Text{S: k.Name, Pos: k.Pos})
		c.found = append(c.found, diags...)
		if found == nil {
			continue
		}
		holds := c.variable(found, &k.Value)
		if holds == nil {
			continue
		}
		cond := condition{holds: holds, field: k.Name, cost: cheap}
		if found.Type == vars.String || found.Type == vars.URI {
			cond.cost = parsed
		}
		all = append(all, cond)
	}
	return all
}

// variable compiles the test of one variable; nil: it is told what is wrong.
func (c *compiler) variable(x *vars.Var, v *schema.Value) func(f *facts) bool {
	if !c.suits(x, v) {
		return nil
	}
	want := v.B
	switch {
	case x.Type == vars.Bool:
		return func(f *facts) bool {
			n, ok := x.Int(f.Job, 0)
			return ok && (n != 0) == want
		}
	case v.Kind == schema.Bool:
		return func(f *facts) bool {
			_, ok := x.Int(f.Job, 0)
			return ok == want
		}
	case x.Type == vars.Int:
		n := c.numbers(v)
		return func(f *facts) bool {
			i, ok := x.Int(f.Job, 0)
			return ok && n.Hold(i)
		}
	case x.Type == vars.IP:
		return c.within(x, v)
	}
	t := c.text(v, how{})
	return func(f *facts) bool {
		text, ok := x.Text(f.Job, 0)
		return ok && t.holds(f, text)
	}
}

// within compiles the test of an address: networks, or tables of them.
func (c *compiler) within(x *vars.Var, v *schema.Value) func(f *facts) bool {
	var some []func(f *facts, a netip.Addr) bool
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Map {
			if t := c.table(v.Get("in")); t != nil {
				t.Sought(true)
				some = append(some, func(f *facts, a netip.Addr) bool { return t.InAddr(a, f.Now) })
			}
		} else if p, ok := c.network(v); ok {
			some = append(some, func(_ *facts, a netip.Addr) bool { return p.Contains(a) })
		}
	})
	return func(f *facts) bool {
		a := x.Addr(f.Job, 0)
		return a.IsValid() && slices.ContainsFunc(some, func(in func(*facts, netip.Addr) bool) bool {
			return in(f, a)
		})
	}
}

// testKeys are the keys a test of each type may have.
var testKeys = map[vars.Type][]string{
	vars.Int:    {"min", "max"},
	vars.IP:     {"in"},
	vars.String: stringKeys,
	vars.URI:    stringKeys,
}

var stringKeys = []string{
	"exact", "prefix", "suffix", "contains", "regex", "empty", "ignore_case", "in",
}

// suits reports whether a test is one for what the variable holds; what is not
// is told.
func (c *compiler) suits(x *vars.Var, v *schema.Value) bool {
	ok := true
	refuse := func(d schema.Diagnostic, hint string) {
		if ok {
			d.Hint = hint
			c.found = append(c.found, d)
		}
		ok = false
	}
	if x.Type == vars.Bool || v.Kind == schema.Bool {
		if v.Kind != schema.Bool {
			refuse(v.Problem(schema.WrongVariable, "%q holds true or false", x.Name), "")
		}
		return ok
	}
	v.Each(func(v *schema.Value) {
		switch {
		case v.Kind == schema.Map:
			for i := range v.Keys {
				if k := &v.Keys[i]; !slices.Contains(testKeys[x.Type], k.Name) {
					refuse(k.Problem(schema.WrongVariable, "%q holds %s, which %q is not for",
						x.Name, x.Type.Thing(), k.Name), "")
				}
			}
		case v.Kind == schema.Int && x.Type != vars.Int:
			refuse(v.Problem(schema.WrongVariable, "%q holds %s, not %d",
				x.Name, x.Type.Thing(), v.N), "put it in quotes")
		case v.Kind == schema.String && x.Type == vars.Int:
			refuse(v.Problem(schema.WrongVariable, "%q holds a number, not %q", x.Name, v.S), "")
		}
	})
	return ok
}
