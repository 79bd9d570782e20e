package vars

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sipedge/router/vars/pseudovar"
	"sipedge/schema"
)

var update = flag.Bool("update", false, "write VARIABLES.md anew")

// Whatever a pseudo-variable is said to be compiles somewhere; the rest says
// why it is nothing.
func TestMappings(t *testing.T) {
	scope := scopeOf("var.NAME string", "avp.NAME string")
	seen := map[string]bool{}
	for _, m := range pseudovar.Mappings() {
		for _, name := range []string{"OpenSIPS " + m.OpenSIPS, "Kamailio " + m.Kamailio} {
			if strings.HasSuffix(name, " ") {
				continue
			}
			if seen[name] {
				t.Errorf("%s: twice", name)
			}
			seen[name] = true
		}
		if m.OpenSIPS == "" && m.Kamailio == "" || m.Field == "" && m.Why == "" {
			t.Errorf("%+v says nothing", m)
		}
		if m.Field == "" {
			continue
		}
		compiles := false
		for place := schema.InRequest; place < schema.InSub; place <<= 1 {
			_, found := scope.Compile(at("{"+m.Field+"}"), place)
			compiles = compiles || found == nil
		}
		if !compiles {
			_, found := scope.Compile(at("{"+m.Field+"}"), schema.InRequest)
			t.Errorf("%s: %v", m.Field, found)
		}
	}
}

// TestVariablesPage holds VARIABLES.md against the registries it is made of.
func TestVariablesPage(t *testing.T) {
	var b bytes.Buffer
	writePage(&b)
	const name = "VARIABLES.md"
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(old), b.String()); d != "" {
		t.Errorf("go test ./router/vars -update writes it anew; -is +should be:\n%s", d)
	}
}

func writePage(b *bytes.Buffer) {
	cell := func(s string) string {
		if s == "" {
			return ""
		}
		return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
	}
	b.WriteString("# Fields, pipes and where OpenSIPS and Kamailio have them\n\n" +
		"Made from the registries of this package; a test holds it against them.\n\n" +
		"## Fields\n\n`*` is a name of the author's. A field of several values takes a number: " +
		"`headers.X[1]`.\n\n| field | is | where | |\n|---|---|---|---|\n")
	for _, f := range Fields() {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(f.Name), f.Type, f.Where, f.Doc)
	}
	b.WriteString("\n## Pipes\n\n`{field | pipe | pipe(argument)}`. A text with spaces, commas, " +
		"bars or braces stands in quotes, single or double, in which a backslash is one. Of nothing " +
		"a pipe makes nothing, but for `default` and `len`.\n\n" +
		"| pipe | takes | gives | |\n|---|---|---|---|\n")
	for _, p := range Pipes() {
		out := p.out.String()
		if p.Name == "default" {
			out = "what it takes, or text"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(p.Name+p.Args), p.takes, out, p.Doc)
	}
	b.WriteString("\n## Pseudo-variables\n\n| OpenSIPS | Kamailio | here | |\n|---|---|---|---|\n")
	for _, m := range pseudovar.Mappings() {
		here, why := cell(m.Field), m.Why
		if m.Field == "" {
			here, why = "no equivalent", "because "+m.Why
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(m.OpenSIPS), cell(m.Kamailio), here,
			strings.ReplaceAll(why, "|", `\|`))
	}
}
