package ctl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/exit"
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
in which they count; rows of one cost take turns by their weight. A number that no row
has a prefix of is an error: exit code 1.

  LINE      of the row in its file or policy; of a database, which one it was, or its
            ruleid in tables of drouting
  PRIORITY  of the row, as its table has it: the lowest number comes first
  COST      of the row, in the unit of its table: of one priority the lowest is first
  WEIGHT    how often it is the first of the rows of one cost
  STRIP     how many characters are taken off the number
  ADD       what is put before it then
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
				if len(v.Rows) == 0 {
					return c.noRows(&v, args[0])
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

// noRows tells that a number meets no row: as a document too, where one is wanted.
func (c *command) noRows(v *control.Rates, number string) error {
	if c.output == "json" {
		if err := c.say(v, nil); err != nil {
			return err
		}
	}
	return exit.With(exit.Problems, fmt.Errorf("no row has a prefix of %s", number))
}

func ratesText(v *control.Rates, w io.Writer) {
	fmt.Fprintln(w, "LINE\tPREFIX\tPRIORITY\tCOST\tWEIGHT\tSTRIP\tADD\tSKIPPED\tGATEWAYS")
	for _, r := range v.Rows {
		var gateways []string
		for _, g := range r.Gateways {
			gateways = append(gateways, fmt.Sprintf("%s %s %s", g.Set, g.URI, g.State))
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\n", r.Line, cmp.Or(r.Prefix, "-"),
			r.Priority, r.Cost, r.Weight, r.Strip, cmp.Or(r.Add, "-"), cmp.Or(r.Skipped, "-"),
			strings.Join(gateways, ", "))
	}
}
