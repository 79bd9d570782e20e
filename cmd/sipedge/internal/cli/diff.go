package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

func newDiff(s System) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare what two policies decide",
		Long: `Compares two policies: rules added, removed, changed and moved, and for each changed
decision a request as an example, with what either policy does with it. Tables, clocks
and variables are taken to be the same in both.

` + exitCodes,
		Example: `  sipedge diff policy.yaml new/policy.yaml
  sipedge diff -o json policy.yaml new/policy.yaml | jq .decisions`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("two policies are compared, not %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains([]string{"text", "json"}, output) {
				return fmt.Errorf("--output is text or json, not %q", output)
			}
			return diff(s, args[0], args[1], output == "json")
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "how it is written: text or json")
	return cmd
}

func diff(s System, before, after string, asJSON bool) error {
	var docs [2]*schema.Document
	for i, path := range []string{before, after} {
		doc, src, diags, err := schema.Load(path, router.Vocabulary())
		if err != nil {
			return unreachable(err)
		}
		if doc != nil {
			_, more := router.Compile(doc, router.Env{})
			diags = append(diags, more...)
		}
		if docs[i] = doc; doc == nil || diags.HasErrors() {
			report(s, diags, src)
			return &failure{code: exitProblems}
		}
	}
	d := check.Diff(docs[0], docs[1])
	text, err := diffText(d, asJSON)
	if err != nil {
		return err
	}
	if err := say(s.Stdout, text); err != nil {
		return err
	}
	if len(d.Rules)+len(d.Decisions) > 0 {
		return &failure{code: exitProblems}
	}
	return nil
}

func diffText(d *check.Difference, asJSON bool) (string, error) {
	var b strings.Builder
	if !asJSON {
		for _, r := range d.Rules {
			fmt.Fprintf(&b, "%s: %s %q (line %d)\n", r.How, r.Route, r.Rule, r.Line)
		}
		for _, c := range d.Decisions {
			fmt.Fprintf(&b, "%s\n   old  %s\n   new  %s\n", c.Example, c.Old, c.New)
		}
		return b.String(), nil
	}
	type rule struct {
		How   string `json:"how"`
		Route string `json:"route"`
		Rule  string `json:"rule"`
		Line  int    `json:"line"`
	}
	type decision struct {
		Example string `json:"example"`
		Message string `json:"message"`
		Old     string `json:"old"`
		New     string `json:"new"`
	}
	rules, decisions := []rule{}, []decision{}
	for _, r := range d.Rules {
		rules = append(rules, rule{r.How, r.Route, r.Rule, r.Line})
	}
	for _, c := range d.Decisions {
		decisions = append(decisions,
			decision{c.Example.String(), string(c.Example.Text), c.Old, c.New})
	}
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{"rules": rules, "decisions": decisions})
	return b.String(), err
}
