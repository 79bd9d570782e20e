package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newCompletion() *cobra.Command {
	scripts := map[string]func(root *cobra.Command, w io.Writer) error{
		"bash":       func(r *cobra.Command, w io.Writer) error { return r.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(r *cobra.Command, w io.Writer) error { return r.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for a shell",
		Long: `Prints a script that completes commands, flags and the words of ` + "`sipedge doc`" + `.
SHELL is bash, zsh, fish or powershell. That for bash stands on the package
bash-completion, which has to be loaded before it.`,
		Example: `  source <(sipedge completion bash)
  sipedge completion zsh > "${fpath[1]}/_sipedge"
  sipedge completion fish > ~/.config/fish/completions/sipedge.fish`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || scripts[args[0]] == nil {
				return fmt.Errorf("which shell? bash, zsh, fish or powershell")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var text strings.Builder
			if err := scripts[args[0]](cmd.Root(), &text); err != nil {
				return unreachable(err)
			}
			return say(cmd.OutOrStdout(), text.String())
		},
	}
}
