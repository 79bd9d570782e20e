package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// TestPackagesOnDisk: written into a folder, the packages are a module that CUE alone checks
// policies by, as `cue vet -c` does.
func TestPackagesOnDisk(t *testing.T) {
	v := &Vocabulary{
		Actions: []Kind{{Name: "drop", Doc: "Ends in silence.", Schema: "{}", Where: InRequest}},
		Fields:  []Field{{Name: "method", Doc: "The method.", Schema: "#Method", Where: InRequest}},
	}
	files, err := v.Packages()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ModuleFile, NewModule)
	for name, content := range files {
		write(PackageFile(name), string(content))
	}
	for policy, want := range map[string]string{
		`{match: method: "BYE", do: [{drop: {}}]}`: "",
		`{match: method: "BYE", do: [{dorp: {}}]}`: "do.0.dorp: field not allowed",
		`{match: metod: "BYE", do: [{drop: {}}]}`:  "match.metod: field not allowed",
		`{match: method: "BYE"}`:                   "do: field is required but not present",
		`{match: {}, do: []}`:                      "do: incompatible list lengths (0 and 1)",
	} {
		write("policy.cue", `package edge

import "sipedge.local/schema"

schema.#Policy & {
	version: 1
	listen: [{udp: "127.0.0.1:5060"}]
	routes: request: [`+policy+`]
}
`)
		list := load.Instances([]string{"."}, &load.Config{Dir: dir, Env: []string{"CUE_REGISTRY=none"}})
		got := list[0].Err
		if got == nil {
			value := cuecontext.New().BuildInstance(list[0])
			if err := value.Validate(cue.Concrete(true)); err != nil {
				if !strings.HasSuffix(err.Error(), want) || want == "" {
					t.Errorf("%s: want %q, got %v", policy, want, err)
				}
				continue
			}
		}
		if got != nil || want != "" {
			t.Errorf("%s: want %q, got %v", policy, want, got)
		}
	}
}
