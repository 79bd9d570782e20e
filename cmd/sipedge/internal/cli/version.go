package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/machine"
	"sipedge/cmd/sipedge/internal/usage"
)

func newVersion() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Prints the version of sipedge, the revision it was built from, the Go version
and the platform, on one line, as --version does.

  -o json    {"version", "go", "platform"}`,
		Example: "  sipedge version",
		Args:    usage.AtMost(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch output {
			case "text":
				return say(cmd.OutOrStdout(), versionLine())
			case "json":
				text, err := machine.Indented(map[string]string{
					"version": version(), "go": runtime.Version(), "platform": platform,
				})
				if err != nil {
					return err
				}
				return say(cmd.OutOrStdout(), text)
			}
			return fmt.Errorf("--output is text or json, not %q", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "how it is written: text or json")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(textOrJSON, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

const platform = runtime.GOOS + "/" + runtime.GOARCH

func versionLine() string {
	return fmt.Sprintf("sipedge %s %s %s\n", version(), runtime.Version(), platform)
}

// version is the module's version and, of a build in a checkout, the revision.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v += " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "+changes"
		}
	}
	return v
}
