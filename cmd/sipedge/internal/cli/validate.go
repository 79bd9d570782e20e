package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/router"
)

func newValidate(s System) *cobra.Command {
	var output string
	var strict bool
	cmd := &cobra.Command{
		Use:   "validate PATH…",
		Short: "Check policies",
		Long: `Checks policies and tells every mistake once: the file, line and column in the
author's text, a code that ` + "`sipedge doc`" + ` explains, and what was meant, where
that can be guessed.

PATH is a policy: a YAML or CUE file, or a folder whose *.yaml, *.yml and *.cue
files are one policy (*.test.yaml excepted). Several are checked one by one.
Nothing is opened or contacted.

Problems go to standard error as text, or to standard output for machines:

  -o json    {"problems": [{"file", "line", "column", "end_column", "severity",
             "code", "message", "hint"}]}
  -o sarif   SARIF 2.1.0, for code scanning
  -o junit   JUnit XML, a test case a PATH
  -o github  annotations of a GitHub pull request

` + exitCodes,
		Example: `  sipedge validate policy.yaml
  sipedge validate examples/01-hello examples/02-failover
  sipedge validate -o json policies/edge | jq .problems`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no PATH: which policy?")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(outputs, output) {
				return fmt.Errorf("--output is %s, not %q", strings.Join(outputs, ", "), output)
			}
			return validate(s, args, output, strict)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text",
		"how problems are written: text, json, sarif, junit or github")
	cmd.Flags().BoolVar(&strict, "strict", false, "count warnings as problems found")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(outputs, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// validate checks all paths. One that can't be read does not keep the others from it.
func validate(s System, paths []string, output string, strict bool) error {
	code := exitFine
	var all []checked
	for _, path := range paths {
		_, src, diags, err := router.Check(path)
		all = append(all, checked{path, diags, src, err})
		if err != nil {
			fmt.Fprintln(s.Stderr, "sipedge validate:", err)
			code = exitUnreachable
			continue
		}
		if diags.HasErrors() || strict && len(diags) > 0 {
			code = max(code, exitProblems)
		}
		switch {
		case output != "text":
		case len(diags) == 0:
			if err := say(s.Stdout, path+": fine\n"); err != nil {
				return err
			}
		default:
			report(s, diags, src)
		}
	}
	if write := writers[output]; write != nil {
		text, err := write(all)
		if err != nil {
			return err
		}
		if err := say(s.Stdout, text); err != nil {
			return err
		}
	}
	if code != exitFine {
		return &failure{code: code}
	}
	return nil
}
