package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/router/policytest"
)

type testFlags struct {
	output, run   string
	cover, update bool
	generate      bool
}

func newTest(s System) *cobra.Command {
	var flags testFlags
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Run the tests of policies",
		Long: `Runs the tests of policies. PATH is a test file, or a folder in which (and below
which) every *.test.yaml is one; the folder one is in, unless given.

A test is about one request (given), a conversation (flow), or what the router does by
itself (run); branches says what is answered to what it sends. Expected are the rules
that matched, the reply, where requests went and what was in them, variables, log
lines. The real router runs, in virtual time; nothing is resolved or contacted.

  policy: policy.yaml          # unless set: the file of that name, or the folder
  tests:
    - name: a busy subscriber goes to voicemail
      given: {uri: "sip:bob@example.net", source: 203.0.113.9}
      branches: [{reply: 486}]
      expect:
        path: [to subscribers, busy]
        relayed_to: sip:voicemail.example.net
        reply: 200

Every type of route can be shown:

  - name: malformed
    given: {headers: {CSeq: x}}
    expect: {path: [no sequence], reply: 400}
  - {name: start, run: startup, expect: {path: [startup], log: {prefix: ready}}}
  - name: a minute later
    run: {timer: probe}        # for: 5m, to see all its runs of five minutes
    expect:
      path: [probe, every request of ours]      # the second in the local route
      sent: {method: OPTIONS, to: gw1.example.net, headers: {User-Agent: edge}}
  - name: what the timer route put into a table is seen
    given: {uri: "sip:bob@example.net", after: 61s}
    expect: {path: [closed], reply: 480}

"sipedge doc tests" tells all that a test file may have. A case that fails is told with
what was wanted, what came, and the decision step by step. --cover lists the rules and
failure arms no test reached.

` + exit.Codes,
		Example: `  sipedge test
  sipedge test --cover policies/edge
  sipedge test --run voicemail -o tap policy.test.yaml
  sipedge test --generate policy.yaml > policy.test.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(testOutputs, flags.output) {
				return fmt.Errorf("--output is text, tap, junit or json, not %q", flags.output)
			}
			only, err := regexp.Compile(flags.run)
			if err != nil {
				return fmt.Errorf("--run: %w", err)
			}
			if flags.generate {
				if len(args) != 1 {
					return fmt.Errorf("--generate wants one policy, not %d", len(args))
				}
				return generate(s, args[0])
			}
			if len(args) == 0 {
				args = []string{"."}
			}
			return test(s, args, only, flags)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.output, "output", "o", "text",
		"how results are written: text, tap, junit, json")
	f.StringVar(&flags.run, "run", "", "run only the tests whose name matches this regular expression")
	f.BoolVar(&flags.cover, "cover", false, "tell which rules and arms no test reached")
	f.BoolVar(&flags.update, "update", false, "write the path and reply that came into the test files")
	f.BoolVar(&flags.generate, "generate", false,
		"write a test file to begin with: cases that reach the rules of the policy PATH")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(testOutputs, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var testOutputs = []string{"text", "tap", "junit", "json"}

func test(s System, paths []string, only *regexp.Regexp, flags testFlags) error {
	files, err := policytest.Files(paths)
	if err != nil {
		return unreachable(err)
	}
	if len(files) == 0 {
		return unreachable(fmt.Errorf("no *.test.yaml in %s", strings.Join(paths, ", ")))
	}
	code := exit.Fine
	var results []policytest.Result
	for _, path := range files {
		f, src, diags, err := policytest.Load(path, s.vocabulary())
		if err != nil {
			fmt.Fprintln(s.Stderr, "sipedge test:", err)
			code = exit.Unreachable
			continue
		}
		if f == nil {
			report(s, diags, src)
			code = max(code, exit.Problems)
			continue
		}
		ran := f.Run(only)
		if flags.update {
			if err := policytest.Update(path, ran); err != nil {
				return unreachable(err)
			}
			if f, _, _, err = policytest.Load(path, s.vocabulary()); err != nil || f == nil {
				return fmt.Errorf("%s: cannot be read after the update", path)
			}
			ran = f.Run(only)
		}
		results = append(results, ran...)
	}
	if len(results) == 0 && code == exit.Fine && flags.run != "" {
		return fmt.Errorf("--run %q: no test has such a name", flags.run)
	}
	if _, failed := policytest.Tally(results); failed > 0 {
		code = max(code, exit.Problems)
	}
	if err := writeResults(s, results, flags); err != nil {
		return unreachable(err)
	}
	if code != exit.Fine {
		return exit.With(code, nil)
	}
	return nil
}

func writeResults(s System, results []policytest.Result, flags testFlags) error {
	var cover []policytest.Coverage
	if flags.cover {
		cover = policytest.Cover(results)
	}
	switch flags.output {
	case "tap":
		return policytest.WriteTAP(s.Stdout, results)
	case "junit":
		return policytest.WriteJUnit(s.Stdout, results)
	case "json":
		return policytest.WriteJSON(s.Stdout, results, cover)
	}
	if err := policytest.WriteText(s.Stdout, results); err != nil {
		return err
	}
	return policytest.WriteCover(s.Stdout, cover)
}
