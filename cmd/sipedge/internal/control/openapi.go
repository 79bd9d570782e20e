package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"sipedge/cmd/sipedge/internal/jsonrpc"
)

type object = map[string]any

// OpenAPI is the API as an OpenAPI 3.1 document, in JSON.
func OpenAPI() []byte {
	paths, schemas := object{}, object{}
	for i := range Operations {
		o := &Operations[i]
		path, ok := paths[o.Path].(object)
		if !ok {
			path = object{}
			paths[o.Path] = path
		}
		path[strings.ToLower(o.Method)] = o.describe(schemas)
	}
	b, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "sipedge", "version": "1",
			"description": "What a running sipedge is told by its operator, over HTTP on a unix socket.",
		},
		"servers":    []object{{"url": "http://sipedge", "description": "The unix socket."}},
		"paths":      paths,
		"components": object{"schemas": schemas},
	}, "", "  ")
	if err != nil {
		panic(err) // it is made of maps, texts and numbers
	}
	return append(b, '\n')
}

func (o *Operation) describe(schemas object) object {
	kind := "application/json"
	if o.Stream {
		kind = "application/x-ndjson"
	}
	answers := object{"200": object{
		"description": "Done.", "content": o.content(kind, o.Answer, schemas),
	}}
	if o.Batch {
		answers["204"] = object{"description": "Done; there is nothing to answer."}
	}
	errors := append([]int{http.StatusBadRequest}, o.Errors...)
	if o.Body != nil {
		errors = append(errors, http.StatusRequestEntityTooLarge)
	}
	for _, status := range errors {
		answers[strconv.Itoa(status)] = object{
			"description": http.StatusText(status) + ".",
			"content":     content("application/problem+json", Error{}, schemas),
		}
	}
	d := object{"operationId": o.ID, "summary": o.Doc, "responses": answers}
	if o.Body != nil {
		d["requestBody"] = object{
			"required": true, "content": o.content("application/json", o.Body, schemas),
		}
	}
	var params []object
	for _, p := range o.Params {
		value := object{"type": "string"}
		if p.Many {
			value = object{"type": "array", "items": value}
		}
		params = append(params, object{
			"name": p.Name, "in": "query", "description": p.Doc, "required": p.Need, "schema": value,
		})
	}
	if params != nil {
		d["parameters"] = params
	}
	return d
}

// content is a body of an operation.
func (o *Operation) content(kind string, of any, schemas object) object {
	c := content(kind, of, schemas)
	if o.Batch {
		one := schemaOf(reflect.TypeOf(of), schemas)
		c[kind] = object{"schema": object{"oneOf": []object{one, {"type": "array", "items": one}}}}
	}
	return c
}

func content(kind string, of any, schemas object) object {
	return object{kind: object{"schema": schemaOf(reflect.TypeOf(of), schemas)}}
}

// schemaOf is the JSON Schema of a type; structs are named among schemas.
func schemaOf(t reflect.Type, schemas object) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage](), t.Kind() == reflect.Interface:
		return object{} // anything
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), schemas)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem(), schemas)}
	case t.Kind() == reflect.Map:
		d := object{"type": "object"}
		if t.Elem().Kind() != reflect.Interface {
			d["additionalProperties"] = schemaOf(t.Elem(), schemas)
		}
		return d
	case t.Kind() == reflect.Struct:
		name := t.Name()
		if t.PkgPath() == reflect.TypeFor[jsonrpc.Request]().PkgPath() {
			name = "RPC" + name // its Error is another one
		}
		if schemas[name] == nil {
			schemas[name] = structSchema(t, schemas)
		}
		return object{"$ref": "#/components/schemas/" + name}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	case t.ConvertibleTo(reflect.TypeFor[uint64]()):
		return object{"type": "integer"}
	}
	panic(fmt.Sprintf("no schema of %v", t))
}

func structSchema(t reflect.Type, schemas object) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		s := schemaOf(f.Type, schemas)
		s["description"] = f.Tag.Get("doc")
		properties[name] = s
		if option != "omitempty" {
			required = append(required, name)
		}
	}
	return object{
		"type": "object", "properties": properties, "required": required,
		"additionalProperties": false,
	}
}
