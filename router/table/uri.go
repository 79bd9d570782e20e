package table

import (
	"slices"

	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

var uriMatchers = []matcher{
	{
		Field: schema.Field{
			Name: "uri", Where: inRequests, Schema: `#URI`,
			Doc: "The Request-URI as it stands.",
		},
		compile: uriOf(theRURI),
	},
	{
		Field: schema.Field{
			Name: "from", Where: inRequests, Schema: `#URI`,
			Doc: "The URI of the From header field: who the caller says to be.",
		},
		compile: uriOf(theFrom),
	},
	{
		Field: schema.Field{
			Name: "to", Where: inRequests, Schema: `#URI`,
			Doc: "The URI of the To header field: whom the caller meant first.",
		},
		compile: uriOf(theTo),
	},
}

// uriNames are the matchers by role.
var uriNames = [...]string{theRURI: "uri", theFrom: "from", theTo: "to", theContact: "contact"}

// How the parts of a URI are compared, RFC 3261 §19.1.4.
var (
	users  = how{}
	hosts  = how{lower: true, canonical: func(b []byte) []byte { return appendHost(nil, b) }}
	values = how{fold: true}
)

func uriOf(r role) func(c *compiler, v *schema.Value) []condition {
	return func(c *compiler, v *schema.Value) (all []condition) {
		for i := range v.Keys {
			k := &v.Keys[i]
			from := len(all)
			switch k.Name {
			case "myself":
				want := k.B
				all = append(all, condition{cost: decoded, holds: func(f *facts) bool {
					return f.isMyself(r) == want
				}})
			case "scheme":
				all = append(all, schemeOf(r, &k.Value))
			case "user":
				t := c.text(&k.Value, users)
				cond := condition{cost: decoded, holds: func(f *facts) bool {
					return t.holds(f, f.address(r).user)
				}, anchor: c.anchor(t, axisOf(r, userIs), axisOf(r, userBegins))}
				if s, ok := t.single(); ok {
					cond.holds = func(f *facts) bool { return string(f.address(r).user) == s }
				}
				all = append(all, cond)
			case "host":
				t := c.text(&k.Value, hosts)
				cond := condition{cost: decoded, holds: func(f *facts) bool {
					return t.holds(f, f.address(r).host)
				}, anchor: c.anchor(t, axisOf(r, hostIs), noAxis)}
				if s, ok := t.single(); ok {
					cond.holds = func(f *facts) bool { return string(f.address(r).host) == s }
				}
				all = append(all, cond)
			case "port":
				n := c.numbers(&k.Value)
				all = append(all, condition{cost: decoded, holds: func(f *facts) bool {
					port := vars.Port(f.address(r).uri)
					return port != 0 && n.Hold(int64(port))
				}})
			case "params":
				all = append(all, c.params(uriNames[r]+".params.", &k.Value,
					func(f *facts, name string) ([]byte, bool) { return f.address(r).uri.Param(name) })...)
			}
			for j := range all[from:] {
				if cond := &all[from+j]; cond.field == "" {
					cond.field = uriNames[r] + "." + k.Name
				}
			}
		}
		return all
	}
}

func schemeOf(r role, v *schema.Value) condition {
	names := texts(v)
	return condition{cost: decoded, holds: func(f *facts) bool {
		return slices.Contains(names, f.address(r).uri.Scheme.String())
	}}
}

// params: name to present, absent, or a text without case. A value is compared
// unescaped. get finds the parameters, which are called prefix and their name.
func (c *compiler) params(
	prefix string, v *schema.Value, get func(f *facts, name string) (value []byte, ok bool),
) (all []condition) {
	for i := range v.Keys {
		k := &v.Keys[i]
		name, field := k.Name, prefix+k.Name
		if k.Kind == schema.Bool {
			want := k.B
			all = append(all, condition{cost: decoded, holds: func(f *facts) bool {
				_, ok := get(f, name)
				return ok == want
			}, field: field})
			continue
		}
		t := c.text(&k.Value, values)
		all = append(all, condition{cost: decoded, holds: func(f *facts) bool {
			value, ok := get(f, name)
			f.scratch = sip.AppendUnescaped(f.scratch[:0], value)
			return ok && t.holds(f, f.scratch)
		}, field: field})
	}
	return all
}
