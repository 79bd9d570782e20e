package ctl

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

// onTable makes a command about a table, which takes least to most arguments.
func (c *command) onTable(cmd *cobra.Command, least, most int,
	run func(ctx context.Context, server *control.Client, args []string) error) *cobra.Command {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	cmd.Args = usage.Between(least, "it needs more: "+takes, most, takes)
	cmd.ValidArgsFunction = c.completeRows
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return c.with(func(ctx context.Context, server *control.Client) error {
			return run(ctx, server, args)
		})
	}
	return cmd
}

// pageRows is how many rows are asked for at once.
const pageRows = 1000

func (c *command) newRows() *cobra.Command {
	var prefix, from string
	var limit uint
	cmd := &cobra.Command{
		Use:   "show TABLE [KEY]",
		Short: "Show rows of a table: who is banned, what is cached",
		Long: `Shows the rows of TABLE, at most --limit of them, or the row by which a look-up finds
KEY: of prefixes the longest that KEY begins with, of networks the smallest that has it.
Without one: exit code 1.

A cache keeps an IPv6 address as its network, as ` + "`ipv6_prefix`" + ` of it says, and a
key of more than 128 bytes as its SHA-256; both are shown, and taken, in that form. What
is not fit to be printed is shown in quotes. LEFT is the time until a key goes.

When there is more, the end says from where the next rows are shown: --from. A key that
a cache has all the while is shown once.`,
		Example: `  sipedge ctl tables show banned
  sipedge ctl tables show banned 203.0.113.9
  sipedge ctl tables show banned --limit 0 -o json | jq -r '.rows[].key'`,
	}
	f := cmd.Flags()
	f.StringVar(&prefix, "prefix", "", "only keys that begin so")
	f.StringVar(&from, "from", "", "where to go on, as the end of the rows before says")
	f.UintVar(&limit, "limit", 100, "how many rows at most; 0: all")
	return c.onTable(cmd, 1, 2,
		func(ctx context.Context, server *control.Client, args []string) error {
			if len(args) == 2 {
				return c.row(ctx, server, "row", query("table", args[0], "key", args[1]), nil)
			}
			all := control.Rows{Rows: []control.Row{}, Next: from}
			for more := true; more; {
				n := uint(pageRows)
				if limit > 0 {
					n = min(n, limit-uint(len(all.Rows)))
				}
				q := query("table", args[0], "prefix", prefix, "from", all.Next, "limit", fmt.Sprint(n))
				var page control.Rows
				if err := server.Do(ctx, "rows", q, nil, &page); err != nil {
					return err
				}
				page.Rows = append(all.Rows, page.Rows...)
				all = page
				more = all.Next != "" && (limit == 0 || uint(len(all.Rows)) < limit)
			}
			return c.say(&all, func(w io.Writer) { rowsText(&all, w) })
		})
}

// row tells what an operation about a key answers.
func (c *command) row(
	ctx context.Context, server *control.Client, id string, q map[string][]string, in any,
) error {
	var r control.Row
	if err := server.Do(ctx, id, q, in, &r); err != nil {
		return err
	}
	return c.say(&r, func(w io.Writer) { rowsText(&control.Rows{Rows: []control.Row{r}}, w) })
}

func rowsText(v *control.Rows, w io.Writer) {
	fmt.Fprintln(w, "KEY\tVALUE\tLEFT")
	for _, r := range v.Rows {
		left := "-"
		if r.Left > 0 {
			left = age(r.Left)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(r.Key), printable(r.Value), left)
	}
	if v.Next != "" {
		fmt.Fprintf(w, "there is more: --from %s\n", v.Next)
	}
}

// printable is text that a stranger chose as a terminal may have it.
func printable(text string) string {
	if q := strconv.Quote(text); q != `"`+text+`"` || text == "" {
		return q
	}
	return text
}

func (c *command) newPut() *cobra.Command {
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "put TABLE KEY [VALUE]",
		Short: "Put a key into a cache: ban somebody",
		Long: `Puts KEY with VALUE, 1 unless given, into the cache TABLE, or renews it. It stays for
--ttl, or as long as the cache says. Other tables have their rows from where
` + "`sipedge ctl tables`" + ` says, and refuse. So does a cache in which the policy looks up
addresses alone, if KEY is none.`,
		Example: `  sipedge ctl tables put banned 203.0.113.9
  sipedge ctl tables put banned 203.0.113.9 --ttl 24h`,
	}
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "how long it stays; 0: as the cache says")
	return c.onTable(cmd, 2, 3,
		func(ctx context.Context, server *control.Client, args []string) error {
			e := control.Entry{Value: strings.Join(args[2:], ""), TTL: ttl.Seconds()}
			if len(args) == 2 {
				e.Value = "1"
			}
			return c.row(ctx, server, "put_row", query("table", args[0], "key", args[1]), &e)
		})
}

func (c *command) newRowRemove() *cobra.Command {
	return c.onTable(&cobra.Command{
		Use:   "rm TABLE KEY",
		Short: "Remove a key of a cache: lift a ban",
		Long: `Removes KEY of the cache TABLE; from then on no look-up finds it, until a rule puts it
there again. Without such a key: exit code 1.`,
		Example: "  sipedge ctl tables rm banned 203.0.113.9",
	}, 2, 2, func(ctx context.Context, server *control.Client, args []string) error {
		return c.rowsRemoved(ctx, server, "remove_row", "table", args[0], "key", args[1])
	})
}

func (c *command) newRowsFlush() *cobra.Command {
	return c.onTable(&cobra.Command{
		Use:     "flush TABLE",
		Short:   "Remove every key of a cache",
		Long:    `Removes every key of the cache TABLE: lifts all bans.`,
		Example: "  sipedge ctl tables flush banned",
	}, 1, 1, func(ctx context.Context, server *control.Client, args []string) error {
		return c.rowsRemoved(ctx, server, "flush_rows", "table", args[0])
	})
}

func (c *command) rowsRemoved(
	ctx context.Context, server *control.Client, id string, params ...string,
) error {
	var r control.RowsRemoved
	if err := server.Do(ctx, id, query(params...), nil, &r); err != nil {
		return err
	}
	return c.say(&r, func(w io.Writer) { fmt.Fprintf(w, "%d removed\n", r.Removed) })
}

// completeRows offers tables, and to those behind one its keys.
func (c *command) completeRows(
	_ *cobra.Command, args []string, begun string,
) ([]string, cobra.ShellCompDirective) {
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		if len(args) > 0 {
			var page control.Rows
			q := query("table", args[0], "prefix", begun, "limit", fmt.Sprint(completeMost))
			err := server.Do(ctx, "rows", q, nil, &page)
			for _, r := range page.Rows {
				offer(r.Key)
			}
			return err
		}
		var all control.Tables
		err := server.Do(ctx, "tables", nil, nil, &all)
		for _, t := range all.Tables {
			offer(t.Name)
		}
		return err
	})
}
