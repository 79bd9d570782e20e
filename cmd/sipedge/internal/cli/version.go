package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/usage"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Prints the version of sipedge, the revision it was built from, the Go version
and the platform, on one line.`,
		Example: "  sipedge version",
		Args:    usage.AtMost(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return say(cmd.OutOrStdout(), fmt.Sprintf("sipedge %s %s %s/%s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
		},
	}
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
