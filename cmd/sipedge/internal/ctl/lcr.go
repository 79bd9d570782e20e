package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newLCR() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "lcr",
		Short:   "Tell how a number is reached at least cost",
		Long:    "Tells what tables of rates have for a number.",
		Example: "  sipedge ctl lcr show 4930123",
		Args:    usage.NoCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var table, group string
	show := &cobra.Command{
		Use:   "show NUMBER",
		Short: "List the rows that a number meets, and their gateways",
		Long: `Lists the rows of every prefix that NUMBER begins with, the longest first, in the order
in which they count; rows of one cost take turns by their weight.

  LINE      of the row in its file or policy; of a database, which one it was, or its
            ruleid in tables of drouting
  SKIPPED   why it does not count: group, it is for others; hours, not now; shorter,
            a longer prefix has rows that do (then it counts if the policy says so)
  GATEWAYS  of its sets: up; full, with all the calls it may have; or why it can't be
            used, as ` + "`sipedge ctl gateways list`" + ` has it`,
		Example: `  sipedge ctl lcr show 4930123
  sipedge ctl lcr show --table rates --group gold +4930123`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which number? digits, +, * and #")
			}
			return usage.AtMost(1, "one NUMBER")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				var v control.Rates
				q := query("number", args[0], "table", table, "group", group)
				if err := server.Do(ctx, "rates", q, nil, &v); err != nil {
					return err
				}
				return c.say(&v, func(w io.Writer) { ratesText(&v, w) })
			})
		},
	}
	show.Flags().StringVar(&table, "table", "", "the table, if there are several")
	show.Flags().StringVar(&group, "group", "", "whose rows count besides those for all")
	cmd.AddCommand(show)
	return cmd
}

func ratesText(v *control.Rates, w io.Writer) {
	fmt.Fprintln(w, "LINE\tPREFIX\tPRIORITY\tCOST\tWEIGHT\tSKIPPED\tGATEWAYS")
	for _, r := range v.Rows {
		prefix, skipped := r.Prefix, r.Skipped
		if prefix == "" {
			prefix = "-"
		}
		if skipped == "" {
			skipped = "-"
		}
		var gateways []string
		for _, g := range r.Gateways {
			gateways = append(gateways, fmt.Sprintf("%s %s %s", g.Set, g.URI, g.State))
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%d\t%s\t%s\n", r.Line, prefix, r.Priority, r.Cost, r.Weight,
			skipped, strings.Join(gateways, ", "))
	}
}
