package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/router"
	"sipedge/schema"
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

Problems go to standard error as text; with ` + "`-o json`" + ` to standard output as one
document: {"problems": [{"file", "line", "column", "end_column", "severity",
"code", "message", "hint"}]}.

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
				return fmt.Errorf("--output is text or json, not %q", output)
			}
			return validate(s, args, output == "json", strict)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "how problems are written: text or json")
	cmd.Flags().BoolVar(&strict, "strict", false, "count warnings as problems found")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(outputs, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var outputs = []string{"text", "json"}

// validate checks all paths. One that can't be read does not keep the others from it.
func validate(s System, paths []string, asJSON, strict bool) error {
	code := exitFine
	all := schema.Diagnostics{}
	for _, path := range paths {
		_, src, diags, err := router.Check(path)
		if err != nil {
			fmt.Fprintln(s.Stderr, "sipedge validate:", err)
			code = exitUnreachable
			continue
		}
		if diags.HasErrors() || strict && len(diags) > 0 {
			code = max(code, exitProblems)
		}
		all = append(all, diags...)
		switch {
		case asJSON:
		case len(diags) == 0:
			if err := say(s.Stdout, path+": fine\n"); err != nil {
				return err
			}
		default:
			report(s, diags, src)
		}
	}
	if asJSON {
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]schema.Diagnostics{"problems": all}); err != nil {
			return err
		}
		if err := say(s.Stdout, text.String()); err != nil {
			return err
		}
	}
	if code != exitFine {
		return &failure{code: code}
	}
	return nil
}
