package ctl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newAddress() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "address",
		Short:   "Tell whom tables of addresses take a source for",
		Long:    "Tells what tables of addresses have of a source.",
		Example: "  sipedge ctl address test 192.0.2.7:5060 --transport udp",
		Args:    usage.NoCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.newAddressTest())
	return cmd
}

func (c *command) newAddressTest() *cobra.Command {
	var by, table, text string
	var groups []string
	test := &cobra.Command{
		Use:   "test IP[:PORT]",
		Short: "List the rows that have a source",
		Long: `Lists the rows of a table of addresses that have a source, the one that counts first: of
the smallest network, and of rows of one network the first. If none has it: exit code 1.
Without a port or a transport the rows of any are listed, and without a text patterns do
not count, as for the matcher ` + "`source`" + `.

  GROUP    0 is in every group
  CONTEXT  context_info, which check_source_address gives the policy`,
		Example: `  sipedge ctl address test 192.0.2.7
  sipedge ctl address test --transport tls --group 2 --text sip:bob@example.net 192.0.2.7:5061`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which source? IP or IP:PORT")
			}
			return usage.AtMost(1, "one IP[:PORT]")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				var v control.Addresses
				q := query("address", args[0], "transport", by, "table", table)
				for _, g := range groups {
					q.Add("group", g)
				}
				if cmd.Flags().Changed("text") {
					q.Set("text", text)
				}
				if err := server.Do(ctx, "address", q, nil, &v); err != nil {
					return err
				}
				return c.say(&v, func(w io.Writer) { addressesText(&v, w) })
			})
		},
	}
	f := test.Flags()
	f.StringVar(&by, "transport", "", "by which it comes: udp, tcp, tls, sctp, ws or wss")
	f.StringVar(&table, "table", "", "the table, if there are several")
	f.StringSliceVar(&groups, "group", nil, "whose rows count; all unless given")
	f.StringVar(&text, "text", "", "what patterns are compared with, such as the URI of From")
	return test
}

func addressesText(v *control.Addresses, w io.Writer) {
	fmt.Fprintln(w, "GROUP\tNETWORK\tPORT\tTRANSPORT\tPATTERN\tCONTEXT")
	for _, r := range v.Rows {
		port := "any"
		if r.Port > 0 {
			port = fmt.Sprint(r.Port)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Group, r.Network, port, r.Transport,
			cmp.Or(r.Pattern, "-"), cmp.Or(r.Context, "-"))
	}
}
