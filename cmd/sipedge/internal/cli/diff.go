package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/machine"
	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

type diffFlags struct {
	output string
	replay []string
	all    bool
}

func newDiff(s System) *cobra.Command {
	var flags diffFlags
	cmd := &cobra.Command{
		Use:   "diff [--replay FILE…] OLD NEW",
		Short: "Compare what two policies decide",
		Long: `Compares two policies: rules added, removed, changed and moved, and for each changed
decision a request as an example, with what either policy does with it. Tables, clocks
and variables are taken to be the same in both.

--replay runs recorded requests through both instead and tells those whose fate differs:
the answer, where the request goes, the bytes that leave. FILE is a capture (pcap or
pcapng: UDP and TCP), a message log of SIPp (-trace_msg), or a file of messages one
behind the other; of a folder, every file in it. The last two arguments are the policies.

A request comes from where the recording says, else from where its Via says, by the
listener it came to, at the time it was recorded. Of a recording in which requests come
to a listener of the policies (or are sent by SIPp) only those are replayed, else all.
Each is decided by itself: what a policy remembers of earlier ones (rate_limit, ban, put)
is empty, tables are those of its files, databases are empty, and what happens at once
counts; no branch answers. Retransmissions, and an ACK or CANCEL that belongs to an
INVITE before, meet no rule and are not replayed. A request within a dialog whose Route
another instance signed is refused by both policies.

Requests that the same rules decide the same way are told once, with how many there are;
--all tells each. What could not be read is told on standard error.

` + exit.Codes,
		Example: `  sipedge diff policy.yaml new/policy.yaml
  sipedge diff -o json policy.yaml new/policy.yaml | jq .decisions
  sipedge diff --replay monday.pcap policy.yaml new/policy.yaml
  sipedge diff --all --replay captures/*.pcap policy.yaml new/policy.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 2 && flags.replay == nil {
				return fmt.Errorf("two policies are compared, not %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(textOrJSON, flags.output) {
				return fmt.Errorf("--output is text or json, not %q", flags.output)
			}
			if flags.all && flags.replay == nil {
				return errors.New("--all is about what --replay tells")
			}
			policies := len(args) - 2
			docs, err := bothPolicies(s, args[policies:])
			if err != nil {
				return err
			}
			if flags.replay != nil {
				return replayAll(s, append(flags.replay, args[:policies]...), docs, &flags)
			}
			return diff(s, docs, flags.output == "json")
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "text", "how it is written: text or json")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(textOrJSON, cobra.ShellCompDirectiveNoFileComp))
	f.StringArrayVar(&flags.replay, "replay", nil,
		"run the requests of this recording, or of the recordings in this folder, through both")
	f.BoolVar(&flags.all, "all", false, "with --replay: tell every request, not one of each kind")
	return cmd
}

// bothPolicies loads two policies that compile.
func bothPolicies(s System, paths []string) (docs [2]*schema.Document, err error) {
	for i, path := range paths {
		doc, src, diags, err := schema.Load(path, s.vocabulary())
		if err != nil {
			return docs, unreachable(err)
		}
		if doc != nil {
			_, more := router.Compile(doc, router.Env{})
			diags = append(diags, more...)
		}
		if docs[i] = doc; doc == nil || diags.HasErrors() {
			report(s, diags, src)
			return docs, exit.With(exit.Problems, nil)
		}
	}
	return docs, nil
}

func diff(s System, docs [2]*schema.Document, asJSON bool) error {
	d := check.Diff(docs[0], docs[1])
	text, err := diffText(d, asJSON)
	if err != nil {
		return err
	}
	if err := say(s.Stdout, text); err != nil {
		return err
	}
	if len(d.Rules)+len(d.Decisions) > 0 {
		return exit.With(exit.Problems, nil)
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
	return machine.Indented(map[string]any{"rules": rules, "decisions": decisions})
}
