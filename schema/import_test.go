package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"sipedge/schema"
)

// importing is a vocabulary with the package policies/out.
func importing() *schema.Vocabulary {
	v := testVocabulary()
	v.Policies = fstest.MapFS{"out/out.cue": {Data: []byte(`
package out

#To: {
	host!: string
	wait: *"5s" | string
	rule: do: [{relay: {to: "sip:\(host)", fr_timer: wait}}]
}
broken: do: [{relai: {}}]
`)}}
	return v
}

// TestImport: a policy that imports means what it means written out, in a folder that is a module
// and in one that is none, and below one.
func TestImport(t *testing.T) {
	const policy = `package edge
import "sipedge.local/policies/out"
import "sipedge.local/schema"
schema.#Policy
version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes: request: [(out.#To & {host: "192.0.2.1"}).rule]
`
	const written = `
version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes: {request: [{do: [{relay: {to: "sip:192.0.2.1", fr_timer: 5s}}]}]}
`
	v := importing()
	want, _, diags := schema.LoadBytes("policy.yaml", []byte(written), v)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	root := t.TempDir()
	module := "module: \"example.com/edge@v0\"\nlanguage: version: \"v0.9.0\"\n"
	for name, content := range map[string]string{
		"plain/policy.cue":           policy,
		"module/policy.cue":          policy,
		"module/below/policy.cue":    policy,
		"module/cue.mod/module.cue":  module,
		"module/own/policy.cue":      strings.Replace(policy, "(out.", "(local.#Out & out.", 1),
		"module/local/local.cue":     "package local\n#Out: wait: \"5s\"\n",
		"module/own/imports.cue":     "package edge\n",
		"module/below/unrelated.txt": "",
	} {
		if strings.HasPrefix(name, "module/own/policy") {
			content = strings.Replace(content, "import", "import \"example.com/edge/local\"\nimport", 1)
		}
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"plain", "module", "module/below", "module/own"} {
		got, src, diags, err := schema.Load(filepath.Join(root, dir), v)
		if err != nil || len(diags) > 0 {
			t.Errorf("%s: %v\n%s", dir, err, diags.Text(src))
			continue
		}
		if d := cmp.Diff(want, got, meaning...); d != "" {
			t.Errorf("%s:\n%s", dir, d)
		}
	}
}

// TestImportPlace: what is wrong with an imported rule is told where the author uses it.
func TestImportPlace(t *testing.T) {
	for rule, want := range map[string]string{
		"out.broken":                     `7:19: error SE1012: "relai" is not a known action`,
		"(out.#To & {host: 5}).rule":     `7:37: error SE1002: host: invalid interpolation: `,
		"(out.#To & {hots: \"a\"}).rule": `7:19: error SE1002: routes.request[0].do[0].relay.to: `,
		"out.nothing":                    `7:19: error SE1002: routes.request[0]: undefined field`,
	} {
		file := filepath.Join(t.TempDir(), "policy.cue")
		policy := `package edge

import "sipedge.local/policies/out"

version: 1
listen: [{udp: "127.0.0.1:5060"}]
routes: request: [` + rule + `]
`
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		_, src, diags, err := schema.Load(file, importing())
		if err != nil || len(diags) != 1 || !strings.Contains(diags[0].String(), "policy.cue:"+want) {
			t.Errorf("%s: want one diagnostic %s, got %v\n%s", rule, want, err,
				diags.Text(src))
		}
	}
}
