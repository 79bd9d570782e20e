package shape

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/token"

	"sipedge/schema/internal/source"
)

// JSON is the shape as a JSON Schema, draft 7: what editors of YAML understand. Every definition
// stands under `definitions`, with its documentation; a value of several kinds is told apart by
// its kind (if/then), so that an editor's message is about the one that was meant. An error is a
// schema that can't be said so.
func JSON(root *Shape, title, doc string) ([]byte, error) {
	w := jsonWriter{definitions: object{}, names: map[*Shape]string{}}
	out := object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       title,
		"description": doc,
		"definitions": w.definitions,
	}
	top, err := w.shape(root)
	if err != nil {
		return nil, err
	}
	for k, v := range top {
		out[k] = v
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(out)
	return []byte(b.String()), err
}

type object = map[string]any

type jsonWriter struct {
	definitions object
	names       map[*Shape]string
}

// shape writes s, itself or as a reference to its definition.
func (w *jsonWriter) shape(s *Shape) (object, error) {
	switch s.form {
	case reference:
		return w.reference(s.to)
	case basic:
		return object{"type": basicType(s.kind)}, nil
	case constant:
		return object{"const": literalJSON(s)}, nil
	case pattern:
		return object{"type": "string", "pattern": s.re.String()}, nil
	case bounded:
		if s.op == token.GEQ {
			return object{"type": "number", "minimum": s.bound}, nil
		}
		return object{"type": "number", "maximum": s.bound}, nil
	case conjunction:
		return w.conjunction(s)
	case disjunction:
		return w.disjunction(s)
	case structure:
		return w.structure(s)
	case sequence:
		return w.sequence(s)
	}
	return nil, fmt.Errorf("%s takes anything", s.describe())
}

func (w *jsonWriter) reference(to *Shape) (object, error) {
	name := strings.TrimPrefix(to.name, "#")
	if _, done := w.definitions[name]; !done {
		w.definitions[name] = object{} // before its own parts refer to it
		def, err := w.shape(to)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", to.name, err)
		}
		w.definitions[name] = withDoc(def, described(to))
	}
	return object{"$ref": "#/definitions/" + name}, nil
}

// withDoc adds a description. Beside $ref nothing would count.
func withDoc(part object, doc string) object {
	if doc == "" {
		return part
	}
	if ref, is := part["$ref"]; is {
		part = object{"allOf": []any{object{"$ref": ref}}}
	}
	part["description"] = doc
	return part
}

func described(s *Shape) string {
	doc := strings.TrimPrefix(oneLine(s.doc), "#")
	if doc == "" && s.what != "" {
		doc = strings.TrimSuffix(s.what+": "+s.like, ": ")
	}
	return doc
}

// oneLine joins the lines of a comment.
func oneLine(doc string) string { return strings.Join(strings.Fields(doc), " ") }

func basicType(k source.ValueKind) string {
	switch k {
	case source.String:
		return "string"
	case source.Int:
		return "integer"
	case source.Bool:
		return "boolean"
	}
	return "number"
}

func literalJSON(s *Shape) any {
	switch s.lit.Kind {
	case source.Int:
		return s.lit.N
	case source.Bool:
		return s.lit.B
	}
	return s.lit.S
}

// conjunction joins the constraints of one scalar.
func (w *jsonWriter) conjunction(s *Shape) (object, error) {
	out := object{}
	for _, sub := range s.subs {
		part, err := w.shape(sub)
		if err != nil {
			return nil, err
		}
		for k, v := range part {
			if k == "type" && out[k] != nil && out[k] != "number" {
				continue // int & >=1: the integer stays
			}
			out[k] = v
		}
	}
	return out, nil
}

// disjunction tells alternatives apart by the kind of a value.
func (w *jsonWriter) disjunction(s *Shape) (object, error) {
	if words := enumeration(s.subs); words != nil {
		return object{"enum": words}, nil
	}
	kinds := []struct {
		name string
		bits int
	}{
		{"string", 1 << source.String}, {"integer", 1 << source.Int},
		{"boolean", 1 << source.Bool}, {"array", 1 << source.List}, {"object", 1 << source.Map},
		{"number", 1 << source.Number},
	}
	var types []string
	var arms []any
	for _, k := range kinds {
		var fit []*Shape
		for _, sub := range s.subs {
			if sub.kinds()&k.bits != 0 && !(k.name == "number" && sub.kinds()&(1<<source.Int) == 0) {
				fit = append(fit, sub)
			}
		}
		if len(fit) == 0 {
			continue
		}
		then, err := w.alternatives(fit)
		if err != nil {
			return nil, err
		}
		types = append(types, k.name)
		arms = append(arms, object{"if": object{"type": k.name}, "then": then})
	}
	return object{"type": types, "allOf": arms}, nil
}

// alternatives are shapes that take the same kind of value.
func (w *jsonWriter) alternatives(fit []*Shape) (object, error) {
	if len(fit) == 1 {
		return w.shape(fit[0])
	}
	if words := enumeration(fit); words != nil {
		return object{"enum": words}, nil
	}
	var any []any
	for _, sub := range fit {
		part, err := w.shape(sub)
		if err != nil {
			return nil, err
		}
		any = append(any, part)
	}
	return object{"anyOf": any}, nil
}

// enumeration are the literals of alternatives that are nothing else.
func enumeration(subs []*Shape) []any {
	var words []any
	for _, sub := range subs {
		if sub.form != constant {
			return nil
		}
		words = append(words, literalJSON(sub))
	}
	return words
}

func (w *jsonWriter) structure(s *Shape) (object, error) {
	out := object{"type": "object", "additionalProperties": false}
	properties := object{}
	var required []string
	for i := range s.fields {
		f := &s.fields[i]
		part, err := w.shape(f.shape)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		doc := oneLine(f.doc)
		part = withDoc(part, doc)
		if f.some {
			part["minItems"] = 1
		}
		properties[f.name] = part
		if f.required {
			required = append(required, f.name)
		}
	}
	if len(properties) > 0 {
		out["properties"] = properties
	}
	if required != nil {
		out["required"] = required
	}
	if s.keys != nil {
		names, err := w.shape(s.keys)
		if err != nil {
			return nil, err
		}
		if out["additionalProperties"], err = w.shape(s.value); err != nil {
			return nil, err
		}
		if s.keys.kinds() == 1<<source.String && s.keys.form != basic {
			out["propertyNames"] = names
		}
	}
	if s.one && len(s.beside) == 0 {
		out["minProperties"], out["maxProperties"] = 1, 1
	} else if s.one {
		var ways []any
		for _, name := range s.keyNames() {
			if !slices.Contains(s.beside, name) {
				ways = append(ways, object{"required": []string{name}})
			}
		}
		out["oneOf"] = ways
	}
	return out, nil
}

func (w *jsonWriter) sequence(s *Shape) (object, error) {
	out := object{"type": "array"}
	rest := s.rest
	if rest == nil && len(s.first) > 0 {
		rest = s.first[0]
		out["maxItems"] = len(s.first)
	}
	items, err := w.shape(rest)
	if err != nil {
		return nil, err
	}
	out["items"] = items
	if n := len(s.first); n > 0 {
		out["minItems"] = n
	}
	return out, nil
}
