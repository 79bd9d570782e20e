package table

import (
	"bytes"
	"strings"

	"sipedge/schema"
	"sipedge/sip"
)

var headerMatchers = []matcher{{
	Field: schema.Field{
		Name: "headers", Where: inMessages,
		Doc: "Header fields by name, long or compact: present (true), absent (false), or with a " +
			"value. Of several fields or, in lists such as Supported, several elements, one must match.",
		Schema: `{[#HeaderName]: bool | #Str}`,
	},
	compile: compileHeaders,
}}

func compileHeaders(c *compiler, v *schema.Value) (all []condition) {
	for i := range v.Keys {
		k := &v.Keys[i]
		if !isToken(k.Name) {
			c.diagnose(k.Pos, len(k.Name), schema.BadHeaderName,
				"%q is not a name a header can have", k.Name)
			continue
		}
		name := k.Name
		if k.Kind == schema.Bool {
			want := k.B
			all = append(all, condition{cost: searched, holds: func(f *facts) bool {
				return (f.Msg.Find(name) >= 0) == want
			}, field: "headers." + name})
			continue
		}
		t := c.text(&k.Value, how{})
		id := sip.LookupHeader([]byte(name))
		holds := func(f *facts) bool { return f.field(name, t) }
		if isList(id) {
			holds = func(f *facts) bool { return f.element(id, t) }
		}
		all = append(all, condition{cost: searched, holds: holds, field: "headers." + name})
	}
	return all
}

// field reports whether the text holds of a field of that name.
func (f *facts) field(name string, t text) bool {
	for i := f.Msg.Find(name); i >= 0; i = f.Msg.Next(i) {
		if t.holds(f, f.unfold(f.Msg.Value(i))) {
			return true
		}
	}
	return false
}

// element reports whether the text holds of an element of that kind.
func (f *facts) element(id sip.HeaderID, t text) bool {
	for e, ok := f.Msg.FirstElement(id); ok; e, ok = f.Msg.NextElement(e) {
		if t.holds(f, f.unfold(e.Value)) {
			return true
		}
	}
	return false
}

func (f *facts) unfold(value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return value
	}
	f.scratch = sip.Unfold(f.scratch[:0], value)
	return f.scratch
}

// isList reports whether a field of that kind is a list: whether a comma means
// the same as a further field, RFC 3261 §7.3.1.
func isList(id sip.HeaderID) bool {
	switch id {
	case sip.Via, sip.Contact, sip.Route, sip.RecordRoute, sip.Path, sip.ServiceRoute,
		sip.Require, sip.ProxyRequire, sip.Supported, sip.Unsupported, sip.Allow,
		sip.AllowEvents, sip.Accept, sip.Warning, sip.Reason, sip.ContentEncoding,
		sip.PAssertedIdentity, sip.PPreferredIdentity:
		return true
	}
	return false
}

// isToken reports whether s is a token, RFC 3261 §25.1.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') &&
			strings.IndexByte("-.!%*_+`'~", c) < 0 {
			return false
		}
	}
	return s != ""
}
