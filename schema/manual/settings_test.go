package manual

import (
	"strings"
	"testing"

	"sipedge/schema"
)

// Every key of a policy is known with what it is and what it takes, down to the last map.
func TestSettings(t *testing.T) {
	known := map[string]Setting{}
	for _, s := range Settings((&schema.Vocabulary{}).CUE()) {
		if s.Schema == "" || !strings.HasSuffix(s.Doc, ".") || strings.Contains(s.Schema, "@says") {
			t.Errorf("%s: %q takes\n%s", s.Name, s.Doc, s.Schema)
		}
		known[s.Name] = s
	}
	for name, want := range map[string]string{
		"version": "1", "workers": "int & >=1 & <=1024", "nat": "\tlocation!: #BackendName\n",
		"listen": "#Listen: {\n", "tables": "#Cache: {\n", "routes": "#Waiver: {\n",
	} {
		if !strings.Contains(known[name].Schema, want) {
			t.Errorf("%s: want %q in\n%s", name, want, known[name].Schema)
		}
	}
}
