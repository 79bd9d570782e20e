package table

import "sipedge/schema"

var nestMatchers = []matcher{
	{
		Field: schema.Field{
			Name: "all", Where: schema.Anywhere, Schema: `[...#Match]`,
			Doc: "Every one of these matches holds.",
		},
		compile: func(c *compiler, v *schema.Value) (all []condition) {
			c.notEmpty(v)
			v.Each(func(v *schema.Value) { all = append(all, c.match(v)...) })
			return all
		},
	},
	{
		Field: schema.Field{
			Name: "any", Where: schema.Anywhere, Schema: `[...#Match]`,
			Doc: "At least one of these matches holds.",
		},
		compile: func(c *compiler, v *schema.Value) []condition {
			c.notEmpty(v)
			some, of, cost := c.alternatives(v)
			return nested(of, cost, func(f *facts) bool {
				for _, r := range some {
					if r.holds(f) {
						return true
					}
				}
				return false
			})
		},
	},
	{
		Field: schema.Field{
			Name: "not", Where: schema.Anywhere, Schema: `#Match`,
			Doc: "This match does not hold as a whole.",
		},
		compile: func(c *compiler, v *schema.Value) []condition {
			some, of, cost := c.alternatives(v)
			return nested(of, cost, func(f *facts) bool {
				for _, r := range some {
					if r.holds(f) {
						return false
					}
				}
				return true
			})
		},
	},
}

func (c *compiler) notEmpty(v *schema.Value) {
	if v.Kind == schema.List && len(v.Items) == 0 {
		c.refuse(v, schema.Empty, "at least one match must stand here")
	}
}

// alternatives compiles each match of a list by itself; of is the fields they
// are about, cost the highest.
func (c *compiler) alternatives(v *schema.Value) (some []rule, of []string, most cost) {
	v.Each(func(v *schema.Value) {
		var r rule
		for _, cond := range c.match(v) {
			r = append(r, cond.holds)
			of = append(of, cond.about()...)
			most = max(most, cond.cost)
		}
		some = append(some, r)
	})
	return some, of, most
}

func nested(of []string, cost cost, holds func(f *facts) bool) []condition {
	return []condition{{holds: holds, cost: cost, of: of}}
}
