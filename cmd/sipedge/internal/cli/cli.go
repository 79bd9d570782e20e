// Package cli is the commands of sipedge, a file each.
// Its one law: the exit code says what happened, and every error names the command it befell.
package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/ctl"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/provision"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/router"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// shortGC is by how much the heap of a command that ends soon grows before garbage
// is collected, in percent: most end before.
const shortGC = 400

// System is what a command may use of the process.
type System struct {
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(name string) (value string, set bool)
	Drivers        transport.Drivers
	Backends       []backends.Driver

	vocabulary func() *schema.Vocabulary // of all policies
}

func unreachable(err error) error { return exit.With(exit.Unreachable, err) }

// say writes what a command was asked for.
func say(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return unreachable(err)
	}
	return nil
}

// Main runs the command the arguments name and returns the exit code.
func Main(s System) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(s.Stderr, "sipedge: a bug: %v\n%s", r, debug.Stack())
			code = exit.Bug
		}
	}()
	root := newRoot(s)
	root.SetArgs(s.Args)
	root.SetOut(s.Stdout)
	root.SetErr(s.Stderr)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exit.Fine
	}
	// What is no failure of ours was found by cobra in the arguments.
	var f *exit.Error
	if !errors.As(err, &f) {
		fmt.Fprintf(s.Stderr, "%s: %v\nSee '%s --help'.\n", cmd.CommandPath(), err, cmd.CommandPath())
		return exit.Usage
	}
	if f.Err != nil {
		fmt.Fprintf(s.Stderr, "%s: %v\n", cmd.CommandPath(), f.Err)
	}
	return f.Code
}

func newRoot(s System) *cobra.Command {
	s.vocabulary = sync.OnceValue(func() *schema.Vocabulary {
		return router.VocabularyWith(s.Backends)
	})
	root := &cobra.Command{
		Use:   "sipedge",
		Short: "A SIP edge router whose routing policy is data",
		Long: `sipedge routes SIP (RFC 3261) by a policy: a document of rules that is checked
as a whole before it runs, compiled to a decision table, and swapped in one go.

` + exit.Codes,
		Example: `  sipedge validate policy.yaml   check a policy
  sipedge test                   run its tests
  sipedge serve policy.yaml      route by it
  sipedge trace policy.yaml      see what it does to the next call
  sipedge doc relay              what an action does`,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if _, set := s.Env("GOGC"); !set && cmd.Name() != "serve" {
				debug.SetGCPercent(shortGC)
			}
		},
		Args:          usage.NoCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,
	}
	root.Version = version()
	root.SetVersionTemplate(versionLine())
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newInit(s), newValidate(s), newServe(s), newTest(s), newExplain(s), newTrace(s),
		newDiff(s), newFmt(s), newSchema(s), newVersion(), newDoc(s.Backends), newCompletion())
	root.AddCommand(provision.Commands(provision.System{
		Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr, Drivers: s.Backends,
		Vocabulary: s.vocabulary, Env: s.Env,
	})...)
	root.AddCommand(ctl.Command(ctl.System{
		Stdout: s.Stdout, Stderr: s.Stderr, Env: s.Env,
		Report: func(problems string) { reportText(s, problems) },
		Load: func(path string) (*schema.Document, error) {
			doc, _, _, err := load(s, path)()
			return doc, err
		},
	}))
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Long = "Prints the help of a command, as its --help does."
		help.Example, help.Args = "  sipedge help ctl reload", usage.Help
	}
	return root
}
