package ctl

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newTables() *cobra.Command {
	cmd := question(c, "tables", "tables", "List tables and their rows; see and lift bans",
		`Lists the tables of the policy, in its order. Its commands show the rows of one, and
change those of caches, which rules fill.

  ROWS     rows, or keys of a cache
  OUT      rows that are left out: they can't be meant here, and the log names the first
  AGE      since the rows were read
  VERSION  grows from 1 with every change of the rows
  FAILED   how often that failed: the last good copy stays, and its age grows
  SOURCE   policy, memory (a cache), the file or backend/table the rows are from
  ERROR    why the rows could not be read the last time, or why changes of them are not
           told: then they are read every ten seconds`, tablesText)
	refresh := &cobra.Command{
		Use:   "refresh [TABLE]",
		Short: "Have tables in databases read now",
		Long: `Has TABLE, or every table that is in a database, read within seconds, whenever it is due.
Files are looked at all the time, and read again when they have changed. What can't be
read leaves the last good copy.`,
		Example: "  sipedge ctl tables refresh\n  sipedge ctl tables refresh rates",
	}
	answers(c, refresh, "refresh_tables", "table", func(v *control.Refreshed, w io.Writer) {
		fmt.Fprintf(w, "tables to be read: %d\n", v.Tables)
	})
	cmd.AddCommand(c.newRows(), c.newPut(), c.newRowRemove(), c.newRowsFlush(), refresh)
	cmd.Example = `  sipedge ctl tables
  sipedge ctl tables show banned
  sipedge ctl tables rm banned 203.0.113.9`
	cmd.Args, cmd.SuggestionsMinimumDistance = usage.NoCommand, 2
	return cmd
}

func tablesText(v *control.Tables, w io.Writer) {
	fmt.Fprintln(w, "TABLE\tKIND\tROWS\tOUT\tAGE\tVERSION\tFAILED\tSOURCE\tERROR")
	for _, t := range v.Tables {
		old := "-"
		if t.Version > 0 {
			old = age(t.Age)
		}
		wrong := strings.Join(strings.Fields(t.Error), " ") // on one line
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%s\t%s\n", t.Name, t.Kind, t.Rows, t.LeftOut,
			old, t.Version, t.Failed, t.Source, cmp.Or(wrong, "-"))
	}
}
