package graph

import (
	"strings"

	"sipedge/router/check/formula"
	"sipedge/schema"
)

// Keys are what steps write and matchers read: these, header fields by name, and variables.
const (
	KeyUser      = "the user" // of the Request-URI
	KeyURI       = "the Request-URI"
	KeyDirection = "the direction"
	KeyBody      = "the body"
	KeyHop       = "the next hop"
)

// KeyOf is what of a message a slot reads that steps may write; "" nothing.
func KeyOf(s formula.Slot) string {
	switch s.Kind {
	case formula.User, formula.Written:
		if s.Role == formula.OfRURI {
			return KeyUser
		}
	case formula.Scheme, formula.Host, formula.Port, formula.Myself, formula.Param:
		if s.Role == formula.OfRURI {
			return KeyURI
		}
	case formula.Owner:
		return KeyURI
	case formula.Chosen:
		return KeyHop
	case formula.Header, formula.Variable:
		return s.Name
	case formula.Contact:
		return "Contact"
	case formula.Direction:
		return KeyDirection
	case formula.BodyType, formula.Session, formula.Private, formula.Media:
		return KeyBody
	}
	return ""
}

// KeyNamed is the key of a header field or variable.
func KeyNamed(name string) string {
	if strings.HasPrefix(name, "var.") || Kept(name) {
		return name
	}
	slot, _ := formula.HeaderSlot(name)
	return slot.Name
}

// Kept reports whether a key is a variable that lives as long as its transaction.
func Kept(key string) bool { return strings.HasPrefix(key, "avp.") }

// keysRead are the keys of a field of templates.
func keysRead(field string) []string {
	name, _, _ := strings.Cut(field, "[")
	switch {
	case name == "ruri" || strings.HasPrefix(name, "ruri."):
		return []string{KeyUser, KeyURI}
	case strings.HasPrefix(name, "headers."):
		return []string{KeyNamed(strings.TrimPrefix(name, "headers."))}
	case strings.HasPrefix(name, "contact"):
		return []string{"Contact"}
	case name == "user_agent":
		return []string{"User-Agent"}
	case name == "direction", strings.HasPrefix(name, "rr_params."):
		return []string{KeyDirection}
	}
	return []string{name}
}

// each calls f for every field that the templates in a value name.
func each(v *schema.Value, f func(field string)) {
	for rest := strings.ReplaceAll(v.S, "{{", ""); v.Kind == schema.String; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, left, _ := strings.Cut(after, "}")
		name, _, _ = strings.Cut(name, "|")
		f(strings.TrimSpace(name))
		rest = left
	}
	for i := range v.Keys {
		each(&v.Keys[i].Value, f)
	}
	for i := range v.Items {
		each(&v.Items[i], f)
	}
}

// shared is the bit of all keys beyond the 63rd.
const shared = 1 << 63

// Bit is that of a key; 0: nothing writes or reads it.
func (p *Policy) Bit(key string) uint64 { return p.bits[key] }

func (p *Policy) bit(key string) uint64 {
	b, ok := p.bits[key]
	if !ok {
		b = 1 << min(len(p.bits), 63)
		p.bits[key] = b
	}
	return b
}

// reads are the keys of a formula.
func (p *Policy) reads(n *formula.Node) (mask uint64) {
	n.Each(func(l formula.Lit) {
		if key := KeyOf(l.Slot); key != "" {
			mask |= p.bit(key)
		}
	})
	return mask
}
