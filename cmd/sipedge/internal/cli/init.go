package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
)

//go:embed first
var first embed.FS

// firstFiles are what init writes: the name in the folder, the name in first, who may run it.
var firstFiles = []struct {
	name, from string
	mode       fs.FileMode
}{
	{"policy.yaml", "policy.yaml", 0o644},
	{"policy.test.yaml", "policy.test.yaml", 0o644},
	{".pre-commit-config.yaml", "pre-commit.yaml", 0o644},
	{"ci.sh", "ci.sh", 0o755},
}

func newInit(s System) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first policy with its tests",
		Long: `Writes into DIR, the current folder unless given: policy.yaml, a small policy to
change; policy.test.yaml, its tests; ci.sh, what CI runs; and .pre-commit-config.yaml,
which runs the same before each commit. Nothing is overwritten: when one of the files
is there already, none is written.

` + exit.Codes,
		Example: `  sipedge init edge
  cd edge && sipedge validate . && sipedge test .`,
		Args: usage.AtMost(1, "one DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return initialise(s, dir)
		},
	}
}

func initialise(s System, dir string) error {
	for _, f := range firstFiles {
		path := filepath.Join(dir, f.name)
		switch _, err := os.Lstat(path); {
		case err == nil:
			return exit.With(exit.Problems, fmt.Errorf("%s is there already; nothing is written", path))
		case !errors.Is(err, fs.ErrNotExist):
			return unreachable(err)
		}
	}
	for _, f := range firstFiles {
		content, err := first.ReadFile("first/" + f.from)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, f.name)
		if err := writeNew(path, content, f.mode); err != nil {
			return unreachable(err)
		}
		if err := say(s.Stdout, path+"\n"); err != nil {
			return err
		}
	}
	return say(s.Stdout, fmt.Sprintf(`
Next: put your addresses into %s, then
  sipedge validate %[2]s
  sipedge test %[2]s
`, filepath.Join(dir, "policy.yaml"), dir))
}

// writeNew writes a file that is not there yet.
func writeNew(path string, content []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
