package table

import (
	"sipedge/router/job"
	"sipedge/schema"
)

var authMatchers = []matcher{{
	Field: schema.Field{
		Name: "auth", Where: schema.InRequest | schema.InFailure,
		Doc: "Who authenticated: whether anybody did (true) or not (false), or by user and realm. " +
			"It is so behind authenticate.",
		Schema: `bool | #Auth`,
	},
	compile: compileAuth,
}}

func compileAuth(c *compiler, v *schema.Value) (all []condition) {
	if v.Kind == schema.Bool {
		want := v.B
		return one(cheap, func(f *facts) bool { return (len(f.Auth) > 0) == want })
	}
	for i := range v.Keys {
		part := job.Auth.User
		if v.Keys[i].Name == "realm" {
			part = job.Auth.Realm
		}
		t := c.text(&v.Keys[i].Value, how{})
		all = append(all, condition{
			cost: parsed, field: "auth." + v.Keys[i].Name,
			holds: func(f *facts) bool { return len(f.Auth) > 0 && t.holds(f, part(f.Auth)) },
		})
	}
	return all
}
