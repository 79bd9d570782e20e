package schema_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestJSONSchema: no place of the JSON Schema takes just anything, every key is documented, and
// every reference leads somewhere.
func TestJSONSchema(t *testing.T) {
	text, err := testVocabulary().JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	definitions := root["definitions"].(map[string]any)
	for _, name := range []string{"Step", "Match", "Rule", "Duration"} {
		if definitions[name] == nil {
			t.Errorf("no definition of %s", name)
		}
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case bool:
			if v && !strings.HasSuffix(path, "/const") && !strings.Contains(path, "/enum/") {
				t.Errorf("%s takes anything", path)
			}
		case []any:
			for _, item := range v {
				walk(path+"/", item)
			}
		case map[string]any:
			if len(v) == 0 && !strings.HasSuffix(path, "/properties") {
				t.Errorf("%s takes anything", path)
			}
			if ref, ok := v["$ref"].(string); ok {
				if definitions[strings.TrimPrefix(ref, "#/definitions/")] == nil {
					t.Errorf("%s: %s leads nowhere", path, ref)
				}
				if len(v) != 1 {
					t.Errorf("%s: what stands beside $ref does not count", path)
				}
			}
			for k, part := range v {
				walk(path+"/"+k, part)
			}
		}
	}
	walk("", root)
	for name, key := range root["properties"].(map[string]any) {
		if doc, _ := key.(map[string]any)["description"].(string); doc == "" {
			t.Errorf("%s has no description", name)
		}
	}
}
