package ctl

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newMedia() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "media",
		Short: "List media nodes, and take them out of service",
		Long:  "Lists the nodes that relay media, and says which of them get new calls.",
		Example: `  sipedge ctl media list
  sipedge ctl media disable 192.0.2.5:2223`,
		Args: usage.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := question(c, "list", "media", "List the nodes that relay media",
		`Lists the nodes of the backends of driver rtpengine, in the order of the policy.

  STATE     up, or down: it does not answer, and gets no calls until it answers a ping;
            disabled: new calls go elsewhere
  OFFERS    that it took; of commands REFUSED it refused, and TIMEOUTS it did not answer
  LOST      pings that it did not answer`, mediaText)
	list.Example = "  sipedge ctl media list"
	cmd.AddCommand(list,
		c.newEnable("enable", true, "Have new calls go to a node again"),
		c.newEnable("disable", false, "Have new calls go to other nodes"))
	return cmd
}

func (c *command) newEnable(verb string, enabled bool, short string) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ADDRESS",
		Short: short,
		Long: short + `, until the server ends.
The calls that it has stay with it.

Exit code 1: there is no such node.`,
		Example: "  sipedge ctl media " + verb + " 192.0.2.5:2223",
		Args: usage.Between(1, "which node? its ADDRESS, as `sipedge ctl media list` has it",
			1, "one ADDRESS"),
		ValidArgsFunction: c.completeNodes,
		RunE: func(_ *cobra.Command, args []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				var all control.MediaNodes
				err := server.Do(ctx, "enable_media", query("node", args[0]),
					&control.Enabled{Enabled: enabled}, &all)
				if err != nil {
					return err
				}
				return c.say(&all, func(w io.Writer) { mediaText(&all, w) })
			})
		},
	}
}

// completeNodes offers media nodes.
func (c *command) completeNodes(
	_ *cobra.Command, args []string, _ string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		var all control.MediaNodes
		err := server.Do(ctx, "media", nil, nil, &all)
		for _, n := range all.Nodes {
			offer(n.Address)
		}
		return err
	})
}

func mediaText(v *control.MediaNodes, w io.Writer) {
	fmt.Fprintln(w, "NODE\tBACKEND\tWEIGHT\tSTATE\tOFFERS\tREFUSED\tTIMEOUTS\tLOST")
	for _, n := range v.Nodes {
		state := "up"
		if !n.Up {
			state = "down"
		}
		if !n.Enabled {
			state += ", disabled"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%d\t%d\n", n.Address, n.Backend, n.Weight, state,
			n.Offers, n.Refused, n.Timeouts, n.Lost)
	}
}
