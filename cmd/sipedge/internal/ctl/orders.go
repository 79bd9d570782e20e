package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newReload() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the server read its policy again",
		Long: `Has the server read its policy again and swap it whole, as SIGHUP does, and tells
the problems of it as ` + "`sipedge validate`" + ` does. A policy with mistakes, or with a change
that needs a restart, changes nothing: exit code 1. One that can't be read: 3. While the
server drains: 4.`,
		Example: "  sipedge ctl reload\n  sipedge ctl reload -o json | jq .problems",
		Args:    usage.AtMost(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				var done control.Reload
				err := server.Do(ctx, "reload", nil, nil, &done)
				if err != nil {
					return c.refused(err)
				}
				if c.output == "text" {
					c.Report(done.Text)
				}
				done.Text = ""
				return c.say(&done, func(w io.Writer) {
					fmt.Fprintf(w, "reloaded, generation %d\n", done.Generation)
				})
			})
		},
	}
}

// refused tells the problems of a policy that was not taken.
func (c *command) refused(err error) error {
	e, ok := errors.AsType[*control.Error](err)
	if !ok || len(e.Problems) == 0 {
		return err
	}
	if c.output == "text" {
		c.Report(e.Text)
		return exit.With(exit.Problems, fmt.Errorf("%w: the one that runs goes on", err))
	}
	told := struct {
		Problems []control.Problem `json:"problems"`
	}{e.Problems}
	if err := c.say(told, nil); err != nil {
		return err
	}
	return exit.With(exit.Problems, nil)
}

func (c *command) newDrain() *cobra.Command {
	return c.ending("drain", "Have the server end when nothing is under way",
		`Has the server end, as SIGTERM does: it is not ready any more and refuses new dialogs
with 503. What is under way – calls being set up, whatever has no final response yet –
goes on, for as long as `+"`sipedge serve --drain`"+` allows. Calls that are set up go on
without it, by the next server that has its key. A reload that waits is given up. The
command does not wait for the end.`)
}

func (c *command) newStop() *cobra.Command {
	return c.ending("stop", "End the server at once",
		`Ends the server at once, whatever is under way. Messages that wait to be sent get a
second to leave.`)
}

func (c *command) ending(use, short, long string) *cobra.Command {
	return question(c, use, use, short, long, func(v *control.Drain, w io.Writer) {
		fmt.Fprintf(w, "%s, %d transactions under way", v.State, v.Live)
		if v.Bound > 0 {
			fmt.Fprintf(w, " get %s at most", age(v.Bound))
		}
		fmt.Fprintln(w)
	})
}

var levels = []string{"debug", "info", "warn", "error"}

func (c *command) newLogLevel() *cobra.Command {
	return &cobra.Command{
		Use:   "log-level [LEVEL]",
		Short: "Tell or set the level of the log",
		Long: `Tells the level of the server's log, or sets it to LEVEL: debug, info, warn or error.
It is that until the policy is loaded again, whose ` + "`log:`" + ` comes first then.

At debug the log tells of every message that meets the policy, by its Call-ID: what came
(received), which rules matched and how their route ended (decided), what the router
refused by itself and why (refused: no credentials, the destination guard, a response of
no transaction), what left (sent). That costs; ` + "`sipedge trace`" + ` tells more, of the
calls it is asked for alone.`,
		Example:   "  sipedge ctl log-level\n  sipedge ctl log-level debug",
		ValidArgs: levels,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !slices.Contains(levels, args[0]) {
				return fmt.Errorf("LEVEL is %s, not %q", strings.Join(levels, ", "), args[0])
			}
			return usage.AtMost(1, "one LEVEL")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				id, level := "log_level", control.LogLevel{}
				var in any
				if len(args) == 1 {
					id, in = "set_log_level", &control.LogLevel{Level: args[0]}
				}
				if err := server.Do(ctx, id, nil, in, &level); err != nil {
					return err
				}
				return c.say(&level, func(w io.Writer) { fmt.Fprintln(w, level.Level) })
			})
		},
	}
}
