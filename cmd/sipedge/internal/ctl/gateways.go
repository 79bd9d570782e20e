package ctl

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newGateways() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gateways",
		Short: "List gateways, and say which may be used",
		Long:  "Lists the gateways of the policy, and says which of them may be used.",
		Example: `  sipedge ctl gateways list
  sipedge ctl gateways drain pstn sip:gw1.example.net`,
		Args: usage.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := question(c, "list", "gateways", "List gateways and their states",
		`Lists the gateways of the policy, in the order in which they are chosen.

  STATE     up: it can be chosen; down: it does not answer probes, or calls told against
            it; unresolved: its name has no address; drained, disabled: by an operator
  SINCE     since it went down or came back; -: it never did
  CALLS     now, and how many it may have
  CHOSEN    requests since the start, of which FAILED told against it
  PROBES    since the start, of which SILENT had no good answer
  ANSWER    how long the first response to a request or probe takes, smoothed; what fails
            counts as 5s; -: nothing was sent, or has come`, gatewaysText)
	list.Example = "  sipedge ctl gateways list"
	cmd.AddCommand(list,
		c.setting("enable", "enabled", "Have gateways chosen again",
			"Has a gateway of a set chosen again, or all of it. It counts as up."),
		c.setting("drain", "drained", "Have gateways get no new calls",
			`Has a gateway of a set, or all of it, get no new calls: requests within dialogs are
still sent there. It is probed.`),
		c.setting("disable", "disabled", "Have gateways get nothing",
			`Has a gateway of a set, or all of it, get nothing that is still to be sent somewhere,
and no probes. Requests of its calls, which follow their Route, still get there.`),
	)
	return cmd
}

func (c *command) setting(use, mode, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use + " SET [URI]", Short: short,
		Long:    long + "\n\nIt stays so until the server ends, whatever policies come.",
		Example: "  sipedge ctl gateways " + use + " pstn sip:gw1.example.net",
		Args: usage.Between(1, "which gateways? SET, and perhaps the URI of one",
			2, "SET and perhaps one URI"),
		ValidArgsFunction: c.completeGateways,
		RunE: func(_ *cobra.Command, args []string) error {
			q := query("set", args[0])
			if len(args) == 2 {
				q.Set("uri", args[1])
			}
			return c.with(func(ctx context.Context, server *control.Client) error {
				var v control.Gateways
				err := server.Do(ctx, "set_gateway", q, &control.GatewayMode{Mode: mode}, &v)
				if err != nil {
					return err
				}
				return c.say(&v, func(w io.Writer) { gatewaysText(&v, w) })
			})
		},
	}
}

// completeGateways offers sets, and to those behind one its gateways.
func (c *command) completeGateways(
	_ *cobra.Command, args []string, _ string,
) ([]string, cobra.ShellCompDirective) {
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		var all control.Gateways
		err := server.Do(ctx, "gateways", nil, nil, &all)
		for _, g := range all.Gateways {
			switch {
			case len(args) == 0:
				offer(g.Set)
			case len(args) == 1 && g.Set == args[0]:
				offer(g.URI)
			}
		}
		return err
	})
}

func gatewaysText(v *control.Gateways, w io.Writer) {
	fmt.Fprintln(w, "SET\tGATEWAY\tSTATE\tSINCE\tPRIORITY\tWEIGHT\t"+
		"CALLS\tCHOSEN\tFAILED\tPROBES\tSILENT\tANSWER")
	for _, g := range v.Gateways {
		since, calls, answer := "-", fmt.Sprint(g.Calls), "-"
		if g.Since > 0 {
			since = age(g.Since)
		}
		if g.MaxCalls > 0 {
			calls += fmt.Sprintf("/%d", g.MaxCalls)
		}
		if g.Answer > 0 {
			answer = age(max(g.Answer, 0.001))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n", g.Set, g.URI, g.State,
			since, g.Priority, g.Weight, calls, g.Chosen, g.Failed, g.Probes, g.Silent, answer)
	}
}
