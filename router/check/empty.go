package check

import (
	"sipedge/router/check/example"
	"slices"
	"strings"

	"sipedge/router/vars"
	"sipedge/schema"
)

// empty is a template that may come out empty where its action needs a text.
type empty struct {
	rule  *schema.Rule
	value *schema.Value
	kind  string
	field string // that may be unset
}

// empties looks at what sets the user, the host or the target of a request.
func (p *policy) empties() (list []empty) {
	for _, l := range p.lists {
		for i := range l.rules {
			r := &l.rules[i]
			for n := range r.steps {
				s := r.steps[n].src
				v, host := &s.Args, true
				switch s.Kind {
				case "set_user":
					host = false
				case "rewrite_uri", "set_host":
				case "relay", "forward":
					v = s.Args.Get("to")
				default:
					continue
				}
				if v.Kind != schema.String {
					continue
				}
				text := v.S
				if host && s.Kind != "set_host" {
					if _, rest, ok := cutScheme(text); ok {
						text = rest
					}
				}
				if f := mayVanish(text); f != "" && !asked(r.match, f) {
					list = append(list, empty{r.src, v, s.Kind, f})
				}
			}
		}
	}
	return list
}

// mayVanish is the field on which a text depends; "" when something is always left of it.
func mayVanish(text string) (field string) {
	rest := text
	for rest != "" {
		open := strings.IndexByte(rest, '{')
		if open != 0 || strings.HasPrefix(rest, "{{") {
			return ""
		}
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return ""
		}
		name, pipes, _ := strings.Cut(rest[1:end], "|")
		name = strings.TrimSpace(name)
		if pipes != "" || !unset(name) {
			return ""
		}
		field, rest = name, rest[end+1:]
	}
	return field
}

// unset reports whether messages need not have a field.
func unset(name string) bool {
	if _, _, ok := vars.Lookup(name); !ok {
		return false
	}
	_, part, _ := strings.Cut(name, ".")
	switch part {
	case "user", "display":
		return true
	}
	for _, prefix := range []string{"headers.", "contact", "body.", "user_agent"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.Contains(name, ".params.") || name == "to.tag"
}

// asked reports whether a match holds only for messages that have the field.
func asked(n *example.Node, field string) bool {
	if n.Lit.Atom == nil {
		if n.Some {
			return len(n.Kids) > 0 && !slices.ContainsFunc(n.Kids, func(k *example.Node) bool {
				return !asked(k, field)
			})
		}
		return slices.ContainsFunc(n.Kids, func(k *example.Node) bool { return asked(k, field) })
	}
	l := n.Lit
	role := [...]string{"ruri", "from", "to"}[l.Role]
	switch l.Kind {
	case example.Header:
		return !l.Neg && strings.EqualFold(field, "headers."+l.Name)
	case example.Param:
		return !l.Neg && strings.EqualFold(field, role+".params."+l.Name)
	case example.User:
		return field == role+".user" && l.Text.Holds("") == l.Neg
	case example.InDialog:
		return !l.Neg && field == "to.tag"
	}
	return false
}

func (e *empty) diagnostic() schema.Diagnostic {
	d := e.value.Problem(schema.MayBeEmpty,
		"{%s} may be empty: %s can't use that, and the request is answered 500", e.field, e.kind)
	d.Severity = schema.Warning
	d.Hint = "match on it before"
	if header, ok := strings.CutPrefix(e.field, "headers."); ok {
		d.Hint = "match: {headers: {" + header + ": true}} lets only those through that have one"
	} else if role, ok := strings.CutSuffix(e.field, ".user"); ok && role != "contact" {
		role = strings.Replace(role, "ruri", "uri", 1)
		d.Hint = "match: {" + role + ": {user: {empty: false}}} lets only those through that have one"
	}
	return d
}
