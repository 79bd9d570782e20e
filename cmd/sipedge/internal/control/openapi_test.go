package control

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every operation has a handler, and every handler an operation.
func TestHandlers(t *testing.T) {
	var ids []string
	for _, o := range Operations {
		ids = append(ids, o.ID)
	}
	slices.Sort(ids)
	if got := slices.Sorted(maps.Keys(handlers)); !slices.Equal(got, ids) {
		t.Errorf("handlers %v of operations %v", got, ids)
	}
}

// The document has every operation, and no other; each is explained.
func TestOpenAPI(t *testing.T) {
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary string
			Responses            map[string]any
			Parameters           []struct{ Name, Description string }
		}
	}
	if err := json.Unmarshal(OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	told := 0
	for path, methods := range doc.Paths {
		if !strings.HasPrefix(path, "/v1/") && path != "/mi" { // as OpenSIPS has it
			t.Errorf("%s has no version", path)
		}
		told += len(methods)
	}
	ids := map[string]bool{}
	for _, o := range Operations {
		d, ok := doc.Paths[o.Path][strings.ToLower(o.Method)]
		if !ok || d.OperationID != o.ID || len(d.Parameters) != len(o.Params) ||
			len(d.Responses) < 2 || !strings.HasSuffix(d.Summary, ".") {
			t.Errorf("%s is told as %+v", o.Pattern(), d)
		}
		for _, p := range d.Parameters {
			if p.Description == "" {
				t.Errorf("%s: parameter %s is not explained", o.ID, p.Name)
			}
		}
		ids[o.ID] = true
	}
	if told != len(Operations) || len(ids) != len(Operations) {
		t.Errorf("%d operations of %d ids, %d are told", len(Operations), len(ids), told)
	}
}

// Every field of a document has its name in JSON and an explanation.
func TestDocuments(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z_]+(,omitempty)?$`)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(d reflect.Type) {
		switch d.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(d.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[d] || d == reflect.TypeFor[time.Time]() {
			return
		}
		seen[d] = true
		for i := range d.NumField() {
			f := d.Field(i)
			if !snake.MatchString(f.Tag.Get("json")) || !strings.HasSuffix(f.Tag.Get("doc"), ".") {
				t.Errorf("%v.%s: %s", d, f.Name, f.Tag)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Error]())
	for _, o := range Operations {
		walk(reflect.TypeOf(o.Answer))
		if o.Body != nil {
			walk(reflect.TypeOf(o.Body))
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d documents", len(seen))
	}
}

func TestSeries(t *testing.T) {
	for want, s := range map[string]Statistic{
		"a":                 {Name: "a", Value: 1},
		`a{b="c",d="e\"f"}`: {Name: "a", Labels: map[string]string{"d": `e"f`, "b": "c"}, Value: 0.5},
	} {
		if got := s.Series(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
