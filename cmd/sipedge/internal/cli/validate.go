package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/daemon"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/machine"
	"sipedge/router"
	"sipedge/schema"
)

func newValidate(s System) *cobra.Command {
	var c checking
	cmd := &cobra.Command{
		Use:   "validate PATH…",
		Short: "Check policies",
		Long: `Checks policies and tells every mistake once: the file, line and column in the
author's text, a code that ` + "`sipedge doc`" + ` explains, and what was meant, where
that can be guessed.

PATH is a policy: a YAML or CUE file, or a folder whose *.yaml, *.yml and *.cue
files are one policy. Several PATHs are checked one by one; of *.test.yaml, which are
tests of policies, it is said that they are left to "sipedge test".
Nothing is opened or contacted, unless --online is given.

With --online a policy without errors is then held against this host and its
network, --timeout at most: each listener is opened as serve would, and closed
again (one in use is a warning: the server that runs may have it); the DNS servers
are asked whether they are there, and for the hosts that gateways, relay, forward and
other actions name. No SIP message is sent.

Problems go to standard error as text, or to standard output for machines:

  -o json    {"problems": [{"file", "line", "column", "end_column", "severity",
             "code", "message", "hint"}], "unread": [{"path", "message"}]}
  -o sarif   SARIF 2.1.0, for code scanning
  -o junit   JUnit XML, a test case a PATH
  -o github  annotations of a GitHub pull request

` + exit.Codes,
		Example: `  sipedge validate policy.yaml
  sipedge validate examples/01-hello examples/02-failover
  sipedge validate -o json policies/edge | jq .problems
  sipedge validate --online /etc/sipedge/policy.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no PATH: which policy?")
			}
			if !slices.ContainsFunc(args, func(path string) bool { return !schema.IsTest(path) }) {
				return fmt.Errorf("no PATH is a policy: `sipedge test %s` runs tests", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !slices.Contains(outputs, c.output):
				return fmt.Errorf("--output is %s, not %q", strings.Join(outputs, ", "), c.output)
			case !c.online && cmd.Flags().Changed("timeout"):
				return errors.New("--timeout is for --online")
			case c.timeout <= 0:
				return fmt.Errorf("--timeout %v is no time to wait", c.timeout)
			}
			return c.validate(s, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.output, "output", "o", "text",
		"how problems are written: text, json, sarif, junit or github")
	f.BoolVar(&c.strict, "strict", false, "count warnings as problems found")
	f.BoolVar(&c.online, "online", false,
		"check listeners, hosts and backends on this host and network")
	f.DurationVar(&c.timeout, "timeout", 5*time.Second, "of --online, for each PATH")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(outputs, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// outputs are the formats of what is found.
var outputs = []string{"text", "json", "sarif", "junit", "github"}

// checking is what is asked of validate.
type checking struct {
	output         string
	strict, online bool
	timeout        time.Duration
}

// validate checks all paths. One that can't be read does not keep the others from it.
func (c *checking) validate(s System, paths []string) error {
	code := exit.Fine
	var all []machine.Checked
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && !info.IsDir() && schema.IsTest(path) {
			if c.output == "text" {
				if err := say(s.Stdout, path+": tests, left to `sipedge test`\n"); err != nil {
					return err
				}
			}
			continue
		}
		src, diags, err := c.check(s, path)
		all = append(all, machine.Checked{Path: path, Found: diags, Src: src, Err: err})
		if err != nil {
			fmt.Fprintln(s.Stderr, "sipedge validate:", err)
			code = exit.Unreachable
			continue
		}
		if diags.HasErrors() || c.strict && len(diags) > 0 {
			code = max(code, exit.Problems)
		}
		switch {
		case c.output != "text":
		case len(diags) == 0:
			if err := say(s.Stdout, path+": fine\n"); err != nil {
				return err
			}
		default:
			report(s, diags, src)
		}
	}
	if write := machine.Writers[c.output]; write != nil {
		text, err := write(all)
		if err != nil {
			return err
		}
		if err := say(s.Stdout, text); err != nil {
			return err
		}
	}
	if code != exit.Fine {
		return exit.With(code, nil)
	}
	return nil
}

// check proves the policy at path and, when asked to, holds it against the world.
func (c *checking) check(s System, path string) (schema.Source, schema.Diagnostics, error) {
	doc, src, diags, err := schema.Load(path, s.vocabulary())
	if err != nil || doc == nil {
		return src, diags, err
	}
	policy, more := router.Prove(doc, router.Env{})
	diags = append(diags, more...)
	if policy == nil || !c.online {
		return src, diags, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	diags = append(diags, daemon.Online(ctx, &daemon.Subject{
		Doc: doc, Policy: policy, Drivers: s.Drivers, Env: s.Env,
	})...)
	diags.Sort()
	return src, diags, nil
}
