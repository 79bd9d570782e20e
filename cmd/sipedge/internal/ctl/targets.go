package ctl

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newTargets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "targets",
		Short: "List and clear targets that failed lately",
		Long: `Lists and clears targets that failed lately: as long as ` + "`failed_targets`" + ` of
the policy says, other addresses of the same name are preferred to one that could not be
reached, and one that answered 503 with Retry-After is left alone.`,
		Example: "  sipedge ctl targets list\n  sipedge ctl targets clear 192.0.2.1:5060/udp",
		Args:    usage.NoCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	list := question(c, "list", "targets", "List targets that failed lately",
		`Lists targets that failed lately, by address.

  REASON  refused: it could not be sent to; silent: no response came in time;
          busy: it answered 503 with Retry-After
  LEFT    until it counts as any other again`, targetsText)
	list.Example = "  sipedge ctl targets list"
	cmd.AddCommand(list, c.newClear())
	return cmd
}

func targetsText(v *control.Targets, w io.Writer) {
	fmt.Fprintln(w, "TARGET\tREASON\tSINCE\tLEFT")
	for _, t := range v.Targets {
		fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\n", t.Address, t.Transport, t.Reason, moment(t.Since),
			age(t.Left))
	}
}

func (c *command) newClear() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clear [TARGET]",
		Short: "Forget that targets failed",
		Long: `Forgets that TARGET failed, an address with or without port and transport, or that
any did: they are used again at once. If none had: exit code 1.`,
		Example: "  sipedge ctl targets clear\n  sipedge ctl targets clear 192.0.2.1",
	}
	answers(c, cmd, "clear_targets", "target", func(v *control.Cleared, w io.Writer) {
		fmt.Fprintf(w, "cleared %d\n", v.Cleared)
	})
	return cmd
}
