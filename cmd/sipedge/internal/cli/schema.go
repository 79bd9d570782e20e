package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/schema"
)

func newSchema(s System) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Write the schema of policies, for editors and CUE",
		Long: `Writes the schema of the policy language to standard output: as CUE, or with --json
as JSON Schema (draft 7), which editors of YAML complete and check by.

In a YAML editor with yaml-language-server, the first line of a policy names it:

    # yaml-language-server: $schema=policy.schema.json

` + exit.Codes,
		Example: `  sipedge schema
  sipedge schema --json > policy.schema.json
  sipedge schema export policies/edge`,
		Args: usage.AtMost(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				return say(s.Stdout, s.vocabulary().CUE())
			}
			text, err := s.vocabulary().JSONSchema()
			if err != nil {
				return err
			}
			return say(s.Stdout, string(text))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "JSON Schema instead of CUE")
	cmd.AddCommand(newSchemaExport(s))
	return cmd
}

func newSchemaExport(s System) *cobra.Command {
	return &cobra.Command{
		Use:   "export [DIR]",
		Short: "Write the CUE packages where cue and editors find them",
		Long: `Writes the CUE packages of sipedge into DIR, the current folder unless given, which
becomes a CUE module if it is none: sipedge.local/schema, the policy language, and
sipedge.local/policies/…, packages to import. Policies below DIR can then be checked
and completed by cue and its editor plugins. sipedge itself needs none of this: it has
the packages with it.

With it, a policy in YAML is checked by

    cue vet -c -d '#Policy' sipedge.local/schema policy.yaml

and ` + "`cue vet -c .`" + ` one in CUE that says what it is:

    package edge

    import "sipedge.local/schema"

    schema.#Policy & {
        version: 1
        …
    }

Run it again after an update of sipedge: the packages are written anew.

` + exit.Codes,
		Example: `  sipedge schema export policies/edge
  cd policies/edge && cue vet -c .`,
		Args: usage.AtMost(1, "one DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return exportSchema(s, dir)
		},
	}
}

func exportSchema(s System, dir string) error {
	files, err := s.vocabulary().Packages()
	if err != nil {
		return err
	}
	module := filepath.Join(dir, filepath.FromSlash(schema.ModuleFile))
	if _, err := os.Stat(module); errors.Is(err, fs.ErrNotExist) {
		if err := writeFile(module, []byte(schema.NewModule)); err != nil {
			return unreachable(err)
		}
	} else if err != nil {
		return unreachable(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeFile(filepath.Join(dir, schema.PackageFile(name)), files[name]); err != nil {
			return unreachable(err)
		}
	}
	return say(s.Stdout, fmt.Sprintf("%s: %d files of %s\n",
		filepath.Join(dir, schema.PackageFile("")), len(files), schema.Module))
}

// writeFile writes a file and the folders it needs.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
