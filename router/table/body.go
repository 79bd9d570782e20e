package table

import (
	"bytes"
	"slices"

	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/sdp"
)

var bodyMatchers = []matcher{{
	Field: schema.Field{
		Name: "body", Where: inMessages,
		Doc: "The body: its type without parameters, in lower case, and what the session " +
			"description in it says, also inside of a multipart body.",
		Schema: `{
	// The media type, like application/sdp.
	type?: #Str
	// The session description. Without one nothing of this holds.
	sdp?: {
		// A kind of media that is not refused.
		media?: #Texts
		// A codec of it, without regard to case: PCMA, opus, telephone-event.
		codec?: #Str
		// Whether a connection address is a private one.
		private_ip?: bool
	} @says("a map of what a session description has")
} @says("a map of what a body has")`,
	},
	compile: compileBody,
}}

func compileBody(c *compiler, v *schema.Value) (all []condition) {
	if kind := v.Get("type"); kind.Kind != schema.None {
		t := c.text(kind, how{lower: true})
		all = append(all, condition{cost: searched, field: "body.type", holds: func(f *facts) bool {
			value := f.Msg.Get(sip.ContentType)
			if i := bytes.IndexByte(value, ';'); i >= 0 {
				value = value[:i]
			}
			f.Scratch = sip.AppendLower(f.Scratch[:0], bytes.TrimSpace(value))
			return t.holds(f, f.Scratch)
		}})
	}
	if d := v.Get("sdp"); d.Kind == schema.Map {
		all = append(all, condition{cost: searched, field: "body.sdp", holds: c.sdp(d)})
	}
	return all
}

// sdp compiles what a session description must have: media and codec in one
// media description, a private address anywhere.
func (c *compiler) sdp(v *schema.Value) func(f *facts) bool {
	kinds := texts(v.Get("media"))
	var codec text
	if t := v.Get("codec"); t.Kind != schema.None {
		codec = c.text(t, values)
	}
	private := v.Get("private_ip")
	return func(f *facts) bool {
		d := sdp.Find(f.Msg.Get(sip.ContentType), f.Msg.Body())
		if d == nil || private.Kind == schema.Bool && sdp.HasPrivate(d) != private.B {
			return false
		}
		if kinds == nil && codec == nil {
			return true
		}
		for {
			m, rest, ok := sdp.Next(d)
			if !ok {
				return false
			}
			d = rest
			if m.Refused() || kinds != nil && !slices.Contains(kinds, string(m.Kind)) {
				continue
			}
			if codec == nil || m.Codec(func(name []byte) bool { return codec.holds(f, name) }) {
				return true
			}
		}
	}
}
