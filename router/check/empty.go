package check

import (
	"slices"
	"strings"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/pattern"
	"sipedge/router/check/walk"
	"sipedge/router/vars"
	"sipedge/schema"
)

// empty is a template that may come out empty where its action needs a text.
type empty struct {
	rule    *schema.Rule
	value   *schema.Value
	kind    string
	field   string           // that may be unset
	example *example.Message // for which it is; nil: none is known
}

// empties looks at what sets the user, the host or the target of a request.
func empties(p *graph.Policy) (list []empty) {
	for _, l := range p.Lists {
		for i := range l.Rules {
			for n := range l.Rules[i].Steps {
				s := l.Rules[i].Steps[n].Src
				v, text := needed(s)
				field := mayVanish(text)
				if field == "" || asked(l.Rules[i].Match, field) {
					continue
				}
				e := empty{rule: l.Rules[i].Src, value: v, kind: s.Kind, field: field}
				if vanishes(p, l, i, n, text, &e) {
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// needed is the argument of a step that must not be empty, and what of it: of a URI its host.
func needed(s *schema.Step) (v *schema.Value, text string) {
	v = &s.Args
	switch s.Kind {
	case "relay", "forward":
		v = v.Get("to")
	case "set_user", "set_host", "rewrite_uri":
	default:
		return v, ""
	}
	if v.Kind != schema.String {
		return v, ""
	}
	if s.Kind != "set_user" && s.Kind != "set_host" {
		if _, host, ok := graph.CutScheme(v.S); ok {
			return v, host
		}
	}
	return v, v.S
}

// vanishes looks for a message that comes to a step and for which a text of it is empty. False:
// there is none.
func vanishes(p *graph.Policy, l *graph.List, i, n int, text string, e *empty) bool {
	ways, _, many := p.Ways(l, 0)
	none := graph.ReadText(text).Says(pattern.Exact(""))
	if none == nil || many || len(ways) == 0 || p.MayWrite(&l.Rules[i], none) {
		return true
	}
	unsure := false
	for _, way := range ways {
		g := &walk.Goal{List: l, Rule: i, Step: n, Way: way}
		s := find(p, g, []*formula.Node{none}, nil)
		if s.found != nil {
			e.example = s.found
			return true
		}
		unsure = unsure || s.unsure != ""
	}
	return unsure
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
func asked(n *formula.Node, field string) bool {
	if n.Lit.Atom == nil {
		if n.Some {
			return len(n.Kids) > 0 && !slices.ContainsFunc(n.Kids, func(k *formula.Node) bool {
				return !asked(k, field)
			})
		}
		return slices.ContainsFunc(n.Kids, func(k *formula.Node) bool { return asked(k, field) })
	}
	l := n.Lit
	role := [...]string{"ruri", "from", "to", "contact"}[l.Role]
	switch l.Kind {
	case formula.Header:
		return !l.Neg && strings.EqualFold(field, "headers."+l.Name)
	case formula.Param:
		return !l.Neg && strings.EqualFold(field, role+".params."+l.Name)
	case formula.User:
		return field == role+".user" && l.Text.Holds("") == l.Neg
	case formula.InDialog:
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
