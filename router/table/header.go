package table

import (
	"sipedge/router/table/decoded"
	"sipedge/schema"
)

var headerMatchers = []matcher{{
	Field: schema.Field{
		Name: "headers", Where: inMessages,
		Doc: "Header fields by name, long or compact: present (true), absent (false), or with a " +
			"value. Of several fields or, in lists such as Supported, several elements, one must " +
			"match; name[0] is the first alone, name[-1] the last.",
		Schema: `{[#HeaderIndex]: bool | #Str}`,
	},
	compile: compileHeaders,
}}

func compileHeaders(c *compiler, v *schema.Value) (all []condition) {
	for i := range v.Keys {
		k := &v.Keys[i]
		h, ok := decoded.HeaderOf(k.Name)
		if !ok {
			c.diagnose(k.Pos, len(k.Name), schema.BadHeaderName,
				"%q is not a name a header can have", k.Name)
			continue
		}
		cond := condition{cost: searched, field: "headers." + k.Name}
		if k.Kind == schema.Bool {
			want := k.B
			cond.holds = func(f *facts) bool { return f.Has(&h) == want }
		} else {
			t := c.text(&k.Value, how{})
			cond.holds = func(f *facts) bool { return f.some(&h, t) }
			cond.anchor = c.headerAnchor(t, &h)
		}
		all = append(all, cond)
	}
	return all
}

// some reports whether the text holds of a field or element of the header.
func (f *facts) some(h *decoded.Header, t text) bool {
	for v := f.Walk(h); v.Next(&f.Message); {
		if t.holds(f, f.Unfold(v.Value)) {
			return true
		}
	}
	return false
}
