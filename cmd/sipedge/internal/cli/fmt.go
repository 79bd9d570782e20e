package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/textdiff"
	"sipedge/schema"
)

func newFmt(s System) *cobra.Command {
	f := formatter{System: s}
	cmd := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Lay out policies",
		Long: `Lays policies out: keys in the order of the documentation, an indentation of two,
one blank line in a row at most. Comments and quotes are kept; what stands in brackets
on one line stays there, unless it is longer than 100 columns. What a policy means is
never changed, and a policy laid out already is left alone.

PATH is a YAML or CUE file, or a folder, of which every *.yaml, *.yml and *.cue is laid
out (tests included); the current folder unless given. Files are written anew and named
on standard output. With - a YAML policy is read from standard input and written to
standard output.

` + exit.Codes,
		Example: `  sipedge fmt policy.yaml
  sipedge fmt --check policies/edge     in CI
  sipedge fmt --diff .
  sipedge fmt - < policy.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			if slices.Equal(args, []string{"-"}) {
				return f.stdin(cmd.InOrStdin())
			}
			return f.paths(args)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false,
		"write nothing; name the files that are not laid out, exit 1 when there are any")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "write nothing; show what would change")
	return cmd
}

type formatter struct {
	System
	check, diff bool
}

// stdin lays out what is read; --check and --diff do what they do for files.
func (f *formatter) stdin(in io.Reader) error {
	src, err := io.ReadAll(in)
	if err != nil {
		return unreachable(err)
	}
	out, err := f.format("-", src)
	if err != nil {
		return err
	}
	if f.check || f.diff {
		return f.show("-", src, out)
	}
	return say(f.Stdout, string(out))
}

// paths lays out files; one that fails does not keep the others from it.
func (f *formatter) paths(paths []string) error {
	code := exit.Fine
	for _, path := range paths {
		files, err := schema.Files(path)
		if err != nil {
			fmt.Fprintln(f.Stderr, "sipedge fmt:", err)
			code = exit.Unreachable
			continue
		}
		for _, file := range files {
			err := f.file(file)
			var fail *exit.Error
			switch {
			case errors.As(err, &fail):
				if fail.Err != nil {
					fmt.Fprintln(f.Stderr, "sipedge fmt:", fail.Err)
				}
				code = max(code, fail.Code)
			case err != nil:
				return err
			}
		}
	}
	if code != exit.Fine {
		return exit.With(code, nil)
	}
	return nil
}

func (f *formatter) file(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return unreachable(err)
	}
	out, err := f.format(path, src)
	if err != nil || bytes.Equal(src, out) {
		return err
	}
	if f.check || f.diff {
		return f.show(path, src, out)
	}
	if err := replaceFile(path, out); err != nil {
		return unreachable(err)
	}
	return say(f.Stdout, path+"\n")
}

// format tells what keeps a file from being laid out.
func (f *formatter) format(name string, src []byte) ([]byte, error) {
	out, diags, err := schema.Format(name, src)
	if len(diags) > 0 {
		report(f.System, diags, schema.Source{name: src})
		return nil, exit.With(exit.Problems, nil)
	}
	if err != nil {
		return nil, exit.With(exit.Problems, fmt.Errorf("%s: left as it is: %w", name, err))
	}
	return out, nil
}

// show tells of a file that would change.
func (f *formatter) show(name string, src, out []byte) error {
	if bytes.Equal(src, out) {
		return nil
	}
	text := name + "\n"
	if f.diff {
		text = textdiff.Unified(name, "laid out", string(src), string(out))
	}
	if err := say(f.Stdout, text); err != nil {
		return err
	}
	if f.check {
		return exit.With(exit.Problems, nil)
	}
	return nil
}

// replaceFile writes a file anew in one go, with its permissions.
func replaceFile(path string, content []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
