package shape_test

import (
	"slices"
	"strings"
	"testing"

	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// TestRead: what a shape can't hold is refused when the program starts, never
// taken for something else.
func TestRead(t *testing.T) {
	for src, want := range map[string]string{
		"#A: [":                        "expected",
		"#A: #B":                       "#B is not defined",
		"#A: float":                    "float is not defined",
		"#A: null":                     "no part of a schema",
		"#A: 1.5":                      "no part of a schema",
		"#A: >0":                       "no part of a schema",
		`#A: !="x"`:                    "no part of a schema",
		"#A: >=#B\n#B: 1":              "wants a literal",
		`#A: =~"("`:                    "missing closing",
		"#A: strings.MinRunes(1)":      "no part of a schema",
		"#A: {a: int}":                 "neither ? nor !",
		"#A: {a?: int, ...}":           "no part of a schema",
		"#A: {a?: 1 + 1}":              "no part of a schema",
		"#A: {a?: [1 - 1, ...string]}": "no part of a schema",
		"#A: {[1 * 1]: string}":        "no part of a schema",
		"#A: string @says()":           "wants arguments",
		"#A: string @says(5)":          "wants texts",
		"#A: string @says(a.b)":        "wants texts",
		`#A: string @says("a", b)`:     "wants texts",
		`#A: string @tells("x")`:       "@tells is not known",
	} {
		_, err := shape.Read(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", src, want, err)
		}
	}
}

// TestCheck: what the schema of policies does not happen to use.
func TestCheck(t *testing.T) {
	defs, err := shape.Read(`
#Any: _
#Sign: -1 | 1 @says("a sign")
#Between: >=1 & <=2
#Pair: [int, int]
#Flag: true | "auto"
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ shape, src, want string }{
		{"#Any", "{a: [1]}", ""},
		{"#Sign", "-1", ""},
		{"#Sign", "2", "2 is not a sign (-1, 1)"},
		{"#Between", "2", ""},
		{"#Between", "1.5", ""},
		{"#Between", "3", "3 is out of range (1 to 2)"},
		{"#Between", "x", `expected a number, got the text "x"`},
		{"#Pair", "[1, 2]", ""},
		{"#Pair", "[1]", "this needs at least 2 items"},
		{"#Pair", "[1, 2, 3]", "this takes no more items"},
		{"#Pair", "{}", "expected a list, got a map"},
		{"#Flag", "true", ""},
		{"#Flag", "false", "false is not one of true, auto"},
		{"#Flag", "~", `expected true or "auto", got nothing`},
	} {
		v, diags := source.ReadYAML("a.yaml", []byte(c.src))
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		got := ""
		if d := shape.Check(&v, defs[c.shape], shape.Options{}); len(d) > 0 {
			got = d[0].Message
		}
		if got != c.want {
			t.Errorf("%s of %s: want %q, got %q", c.src, c.shape, c.want, got)
		}
	}
}

// Unknown keys of a map are told all at once: each that is like a known one, then the others.
func TestUnknownKeys(t *testing.T) {
	defs, err := shape.Read("#Map: {first?: int, second?: int}\n#None: {}")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		shape, src string
		want       []string
	}{
		{"#Map", "{frist: 1, x: 1, y: 1, secnd: 2, first: 1}", []string{
			`"frist" is not a key of this; did you mean first?`,
			`"secnd" is not a key of this; did you mean second?`,
			`"x", "y" are not keys of this`,
		}},
		{"#Map", "{x: 1, first: a}", []string{
			`"first": expected a number, got the text "a"`, `"x" is not a key of this`,
		}},
		{"#None", "{x: 1, y: 1}", []string{"this takes no arguments"}},
	} {
		v, diags := source.ReadYAML("a.yaml", []byte(c.src))
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		var got []string
		for _, d := range shape.Check(&v, defs[c.shape], shape.Options{}) {
			got = append(got, d.Message)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s of %s: want %q, got %q", c.src, c.shape, c.want, got)
		}
	}
}
