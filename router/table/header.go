package table

import (
	"bytes"
	"strconv"
	"strings"

	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
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
		h, ok := headerOf(k.Name)
		if !ok {
			c.diagnose(k.Pos, len(k.Name), schema.BadHeaderName,
				"%q is not a name a header can have", k.Name)
			continue
		}
		cond := condition{cost: searched, field: "headers." + k.Name}
		if k.Kind == schema.Bool {
			want := k.B
			cond.holds = func(f *facts) bool { return f.has(&h) == want }
		} else {
			t := c.text(&k.Value, how{})
			cond.holds = func(f *facts) bool { return f.some(&h, t) }
			cond.anchor = c.headerAnchor(t, &h)
		}
		all = append(all, cond)
	}
	return all
}

// header is the fields of a name, or one of them. In lists it is the elements.
type header struct {
	name string
	id   sip.HeaderID
	list bool
	one  bool // only number n
	n    int  // from 0, or from behind: -1 is the last
}

// headerOf reads X-A, X-A[0], X-A[-1].
func headerOf(s string) (h header, ok bool) {
	name, index, indexed := strings.Cut(s, "[")
	h = header{name: name, id: sip.LookupHeader([]byte(name)), one: indexed}
	h.list = h.id.IsList()
	if indexed {
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || !strings.HasSuffix(index, "]") {
			return h, false
		}
		h.n = n
	}
	return h, name != "" && vars.Token(name)
}

// has reports whether the message has the header.
func (f *facts) has(h *header) bool {
	return !h.one && f.Msg.FindKnown(h.id, h.name) >= 0 || h.one && f.some(h, anything)
}

var anything = text{{}}

// some reports whether the text holds of a field or element of the header.
func (f *facts) some(h *header, t text) bool {
	for v := f.walk(h); v.next(f); {
		if t.holds(f, f.unfold(v.value)) {
			return true
		}
	}
	return false
}

// walk goes over the fields or elements of a header.
type walk struct {
	h     *header
	value []byte // the one it is at
	begun bool
	skip  int // so many before the one that counts
	field int
	elem  sip.Element
}

func (f *facts) walk(h *header) walk {
	v := walk{h: h, skip: h.n}
	if h.one && h.n < 0 {
		v.skip += f.count(h)
	}
	return v
}

// next goes to the next value, if there is one.
func (v *walk) next(f *facts) bool {
	for v.more(f) {
		if !v.h.one {
			return true
		}
		if v.skip--; v.skip == -1 {
			return true
		}
	}
	return false
}

func (v *walk) more(f *facts) (ok bool) {
	first := !v.begun
	v.begun = true
	if v.h.list {
		if first {
			v.elem, ok = f.Msg.FirstElement(v.h.id)
		} else {
			v.elem, ok = f.Msg.NextElement(v.elem)
		}
		v.value = v.elem.Value
		return ok
	}
	if first {
		v.field = f.Msg.FindKnown(v.h.id, v.h.name)
	} else {
		v.field = f.Msg.Next(v.field)
	}
	if v.field >= 0 {
		v.value = f.Msg.Value(v.field)
	}
	return v.field >= 0
}

func (f *facts) count(h *header) (n int) {
	if h.list {
		for e, ok := f.Msg.FirstElement(h.id); ok; e, ok = f.Msg.NextElement(e) {
			n++
		}
		return n
	}
	for i := f.Msg.FindKnown(h.id, h.name); i >= 0; i = f.Msg.Next(i) {
		n++
	}
	return n
}

func (f *facts) unfold(value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return value
	}
	f.scratch = sip.Unfold(f.scratch[:0], value)
	return f.scratch
}
