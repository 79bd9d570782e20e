package table

import (
	"slices"

	"sipedge/router/table/decoded"
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
		compile: uriOf(decoded.RURI),
	},
	{
		Field: schema.Field{
			Name: "from", Where: inRequests, Schema: `#URI`,
			Doc: "The URI of the From header field: who the caller says to be.",
		},
		compile: uriOf(decoded.From),
	},
	{
		Field: schema.Field{
			Name: "to", Where: inRequests, Schema: `#URI`,
			Doc: "The URI of the To header field: whom the caller meant first.",
		},
		compile: uriOf(decoded.To),
	},
}

// uriNames are the matchers by role.
var uriNames = [...]string{
	decoded.RURI: "uri", decoded.From: "from", decoded.To: "to", decoded.Contact: "contact",
}

// How the parts of a URI are compared, RFC 3261 §19.1.4.
var (
	users  = how{}
	hosts  = how{lower: true, canonical: func(b []byte) []byte { return decoded.AppendHost(nil, b) }}
	values = how{fold: true}
)

func uriOf(r decoded.Role) func(c *compiler, v *schema.Value) []condition {
	return func(c *compiler, v *schema.Value) (all []condition) {
		for i := range v.Keys {
			k := &v.Keys[i]
			from := len(all)
			switch k.Name {
			case "myself":
				want := k.B
				all = append(all, condition{cost: parsed, holds: func(f *facts) bool {
					return f.IsMyself(r) == want
				}})
			case "scheme":
				all = append(all, schemeOf(r, &k.Value))
			case "user":
				t := c.text(&k.Value, users)
				cond := condition{cost: parsed, holds: func(f *facts) bool {
					return t.holds(f, f.Address(r).User)
				}, anchor: c.anchor(t, axisOf(r, userIs), axisOf(r, userBegins))}
				if s, ok := t.single(); ok {
					cond.holds = func(f *facts) bool { return string(f.Address(r).User) == s }
				}
				all = append(all, cond)
			case "host":
				t := c.text(&k.Value, hosts)
				cond := condition{cost: parsed, holds: func(f *facts) bool {
					return t.holds(f, f.Address(r).Host)
				}, anchor: c.anchor(t, axisOf(r, hostIs), noAxis)}
				if s, ok := t.single(); ok {
					cond.holds = func(f *facts) bool { return string(f.Address(r).Host) == s }
				}
				all = append(all, cond)
			case "port":
				n := c.numbers(&k.Value)
				all = append(all, condition{cost: parsed, holds: func(f *facts) bool {
					port := vars.Port(f.Address(r).URI)
					return port != 0 && n.Hold(int64(port))
				}})
			case "params":
				all = append(all, c.params(uriNames[r]+".params.", &k.Value,
					func(f *facts, name string) ([]byte, bool) { return f.Address(r).URI.Param(name) })...)
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

func schemeOf(r decoded.Role, v *schema.Value) condition {
	names := texts(v)
	return condition{cost: parsed, holds: func(f *facts) bool {
		return slices.Contains(names, f.Address(r).URI.Scheme.String())
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
			all = append(all, condition{cost: parsed, holds: func(f *facts) bool {
				_, ok := get(f, name)
				return ok == want
			}, field: field})
			continue
		}
		t := c.text(&k.Value, values)
		all = append(all, condition{cost: parsed, holds: func(f *facts) bool {
			value, ok := get(f, name)
			f.Scratch = sip.AppendUnescaped(f.Scratch[:0], value)
			return ok && t.holds(f, f.Scratch)
		}, field: field})
	}
	return all
}
