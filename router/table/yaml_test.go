package table

import (
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sipedge/schema"
)

// parse reads a list of rules, each the YAML of its match, which may go
// without its braces.
func parse(t testing.TB, matches ...string) []schema.Rule {
	t.Helper()
	rules := make([]schema.Rule, len(matches))
	for i, text := range matches {
		if !strings.HasPrefix(text, "{") {
			text = "{" + text + "}"
		}
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		v := value(t, doc.Content[0])
		rules[i].Match = &v
	}
	return rules
}

func value(t testing.TB, n *yaml.Node) schema.Value {
	v := schema.Value{Pos: schema.Pos{File: "p.yaml", Line: n.Line, Col: n.Column}}
	switch n.Kind {
	case yaml.MappingNode:
		v.Kind = schema.Map
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			pos := schema.Pos{File: "p.yaml", Line: k.Line, Col: k.Column}
			v.Keys = append(v.Keys, schema.Key{
				Name: k.Value, Pos: pos, Value: value(t, n.Content[i+1]),
			})
		}
	case yaml.SequenceNode:
		v.Kind = schema.List
		for _, item := range n.Content {
			v.Items = append(v.Items, value(t, item))
		}
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!bool":
			v.Kind, v.B = schema.Bool, n.Value == "true"
		case "!!int":
			v.Kind = schema.Int
			v.N, _ = strconv.ParseInt(n.Value, 10, 64)
		default:
			v.Kind, v.S = schema.String, n.Value
			if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
				v.Pos.Col++
			}
		}
	default:
		t.Fatalf("line %d: a node of kind %v", n.Line, n.Kind)
	}
	return v
}

func compile(t testing.TB, where schema.Place, matches ...string) *Table {
	t.Helper()
	table, found := Compile(parse(t, matches...), where, testEnv(t))
	if found != nil {
		t.Fatalf("%+v", found)
	}
	return table
}
