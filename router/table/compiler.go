package table

import (
	"fmt"
	"regexp"
	"slices"

	"sipedge/router/data"
	"sipedge/router/numbers"
	"sipedge/schema"
)

// compiler collects what is wrong with the rules of one list.
type compiler struct {
	where schema.Place
	env   Env
	axes  []dynamic
	found schema.Diagnostics

	regexes map[string]*regexp.Regexp // by expression: many rules have the same
}

// rules compiles the matches of rules; of each the cheap conditions stand first.
func (c *compiler) rules(rules []schema.Rule) [][]condition {
	c.regexes = map[string]*regexp.Regexp{}
	out := make([][]condition, len(rules))
	for i := range rules {
		out[i] = c.match(rules[i].Match)
		slices.SortStableFunc(out[i], func(a, b condition) int { return int(a.cost) - int(b.cost) })
	}
	return out
}

// match compiles the fields of one match, all of which must hold.
func (c *compiler) match(v *schema.Value) (all []condition) {
	if v == nil {
		return nil
	}
	for i := range v.Keys {
		k := &v.Keys[i]
		m := lookup(k.Name)
		if ask := c.env.Asks[k.Name]; ask != nil {
			holds, diags := ask(&k.Value)
			c.found = append(c.found, diags...)
			c := one(searched, func(f *facts) bool { return holds(f.Job) })
			c[0].field = k.Name
			all = append(all, c...)
			continue
		}
		if m == nil {
			c.diagnose(k.Pos, len(k.Name), schema.UnknownMatch, "%q is not a known matcher", k.Name)
			continue
		}
		if missing := c.where &^ schema.InSub &^ m.Where; missing != 0 {
			c.diagnose(k.Pos, len(k.Name), schema.MatcherNotHere,
				"%q cannot be used in a %s route (allowed: %s)", k.Name, missing, m.Where)
			continue
		}
		for _, cond := range m.compile(c, &k.Value) {
			if cond.field == "" {
				cond.field = k.Name
			}
			all = append(all, cond)
		}
	}
	return all
}

func lookup(name string) *matcher {
	for i := range matchers {
		if matchers[i].Name == name {
			return &matchers[i]
		}
	}
	return nil
}

// diagnose reports a mistake in length bytes at pos.
func (c *compiler) diagnose(
	pos schema.Pos, length int, code schema.Code, format string, args ...any,
) {
	d := schema.Diagnostic{Pos: pos, Code: code, Message: fmt.Sprintf(format, args...)}
	if length > 0 {
		d.End = pos.Col + length
	}
	c.found = append(c.found, d)
}

// numbers compiles an #Int.
func (c *compiler) numbers(v *schema.Value) numbers.Set {
	return numbers.Read(v, func(v *schema.Value, b numbers.Bounds) {
		c.refuse(v, schema.BadValue, "no number is at least %d and at most %d", b.Min, b.Max)
	})
}

// refuse reports a value that the matcher can't take.
func (c *compiler) refuse(v *schema.Value, code schema.Code, format string, args ...any) {
	c.diagnose(v.Pos, len(v.S), code, format, args...)
}

// table is the one that a value names; nil: there is none, which is diagnosed.
func (c *compiler) table(v *schema.Value) *data.Table {
	t := c.env.Tables.Get(v.S)
	if t == nil {
		c.refuse(v, schema.UnknownTable, "there is no table %q", v.S)
	}
	return t
}

// texts are the texts of one value or a list.
func texts(v *schema.Value) (list []string) {
	v.Each(func(v *schema.Value) { list = append(list, v.S) })
	return list
}

// one makes the conditions of a matcher that has just one.
func one(cost cost, holds func(f *facts) bool) []condition {
	return []condition{{holds: holds, cost: cost}}
}
