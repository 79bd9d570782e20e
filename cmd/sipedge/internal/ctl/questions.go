package ctl

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
)

// questions are the commands that only ask.
func (c *command) questions() []*cobra.Command {
	return []*cobra.Command{
		question(c, "uptime", "uptime", "Tell since when the server runs",
			`Tells the server's time, since when it runs, and since when with this policy.`, uptimeText),
		question(c, "ps", "ps", "List what is under way",
			`Lists what is under way. The numbers are those of /metrics.

  LISTENER    what messages come by: received and sent since the start, errors of the
              socket, connections open now, messages refused since a peer does not read
  UNDER WAY   transactions, response contexts, requests of the server's own, and steps
              that wait for DNS or a backend, of which there are as many as limits.pool
              allows: more are refused
  BACKEND     see `+"`sipedge ctl backends`"+`; a call that is stuck shows by its age (OLDEST)
  GOROUTINES  how many, by the function they were started with`, workText),
		question(c, "backends", "backends", "List backends and the calls of them",
			`Lists the backends of the policy, in the order they were opened.

  BREAKER   closed: it is asked; open: it is spared, since it lately could not answer;
            half-open: it is tried
  RUNNING   calls under way, also those that nobody waits for any more
  WAITING   calls that wait for their turn
  OLDEST    age of the call that runs longest
  CALLS     since the start; of these FAILURES could not be answered, TIMEOUTS of them
            since it took too long, and REFUSED were not made: the breaker was open, or
            too many waited
  BINDINGS  kept in memory

What has no calls – all is in the process – shows -.`, backendsText),
		c.newCertificates(),
		c.newTables(),
		question(c, "version", "version", "Tell which program runs",
			"Tells the version of the program that runs. `sipedge version` tells its own.",
			func(v *control.Version, w io.Writer) {
				fmt.Fprintf(w, "sipedge %s %s %s\n", v.Version, v.Go, v.System)
			}),
	}
}

func uptimeText(u *control.Uptime, w io.Writer) {
	fmt.Fprintf(w, "now:\t%s\n", moment(u.Now))
	fmt.Fprintf(w, "up since:\t%s\n", moment(u.Since))
	fmt.Fprintf(w, "up time:\t%s\n", age(u.Seconds))
	fmt.Fprintf(w, "policy:\tgeneration %d, of %s\n", u.Generation, moment(u.Loaded))
	fmt.Fprintf(w, "state:\t%s\n", u.State)
}

func moment(t time.Time) string { return t.Local().Format(time.RFC3339) }

// age writes seconds: 3.2s, 1h2m3s.
func age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func workText(v *control.Work, w io.Writer) {
	fmt.Fprintln(w, "LISTENER\tRECEIVED\tSENT\tERRORS\tCONNECTIONS\tQUEUE FULL")
	for _, l := range v.Listeners {
		fmt.Fprintf(w, "%s:%s\t%d\t%d\t%d\t%d\t%d\n", l.Transport, l.Address, l.Received, l.Sent,
			l.Errors, l.Connections, l.QueueFull)
	}
	t := v.Transactions
	fmt.Fprintln(w, "\nUNDER WAY\tNOW\tMOST\tREFUSED")
	fmt.Fprintf(w, "server transactions\t%d\n", t.Server)
	fmt.Fprintf(w, "client transactions\t%d\n", t.Client)
	fmt.Fprintf(w, "response contexts\t%d\n", t.Contexts)
	fmt.Fprintf(w, "own requests\t%d\n", t.Own)
	fmt.Fprintf(w, "steps that wait\t%d\t%d\t%d\n", v.Pool.Jobs, v.Pool.Most, v.Pool.Refused)
	if len(v.Backends) > 0 {
		fmt.Fprintln(w)
		backendsText(&control.Backends{Backends: v.Backends}, w)
	}
	fmt.Fprintln(w, "\nGOROUTINES\tRUN")
	for _, g := range v.Goroutines {
		fmt.Fprintf(w, "%d\t%s\n", g.Count, g.Function)
	}
}

func backendsText(v *control.Backends, w io.Writer) {
	fmt.Fprintln(w, "BACKEND\tDRIVER\tBREAKER\tRUNNING\tWAITING\tOLDEST\tCALLS\tFAILURES\tTIMEOUTS\t"+
		"REFUSED\tBINDINGS")
	for _, b := range v.Backends {
		bindings := "-"
		if b.Bindings != nil {
			bindings = fmt.Sprint(*b.Bindings)
		}
		if g := b.Gate; g != nil {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%s\n", b.Name, b.Driver, g.Breaker,
				g.Running, g.Waiting, age(g.Oldest), g.Calls, g.Failures, g.Timeouts, g.Refused, bindings)
			continue
		}
		fmt.Fprintf(w, "%s\t%s%s\t%s\n", b.Name, b.Driver, strings.Repeat("\t-", 8), bindings)
	}
}

func (c *command) newStatistics() *cobra.Command {
	return &cobra.Command{
		Use:   "statistics [NAME…]",
		Short: "Print the server's counters",
		Long: `Prints counters and gauges by the names and labels that /metrics has: those whose
name begins with one of NAME, or all of sipedge's own. If none begins with one of them:
exit code 1.`,
		Example: `  sipedge ctl statistics
  sipedge ctl statistics sipedge_requests_total go_goroutines`,
		ValidArgsFunction: c.completeStatistics,
		RunE: func(_ *cobra.Command, names []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				var v control.Statistics
				err := server.Do(ctx, "statistics", url.Values{"name": names}, nil, &v)
				if err != nil {
					return err
				}
				return c.say(&v, func(w io.Writer) {
					for i := range v.Statistics {
						fmt.Fprintln(w, v.Statistics[i].Series(), v.Statistics[i].Value)
					}
				})
			})
		},
	}
}

func (c *command) completeStatistics(
	*cobra.Command, []string, string,
) ([]string, cobra.ShellCompDirective) {
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		var v control.Statistics
		err := server.Do(ctx, "statistics", nil, nil, &v)
		for i := range v.Statistics {
			offer(v.Statistics[i].Name)
		}
		return err
	})
}

// completeTime is how long a shell waits for words.
const completeTime = 500 * time.Millisecond

// complete has f ask the server for words to offer; without an answer there are none.
func (c *command) complete(
	f func(ctx context.Context, server *control.Client, offer func(word string)) error,
) (words []string, _ cobra.ShellCompDirective) {
	c.output, c.timeout = "text", completeTime
	_ = c.with(func(ctx context.Context, server *control.Client) error {
		return f(ctx, server, func(word string) {
			if plain(word) && !slices.Contains(words, word) {
				words = append(words, word)
			}
		})
	})
	return words, cobra.ShellCompDirectiveNoFileComp
}

// plain reports whether a word means itself to every shell and terminal. Strangers choose keys of
// caches, addresses of record and contacts, and shells put what several words begin with on the
// command line, and run it, as it is.
func plain(word string) bool {
	for i := range len(word) {
		switch c := word[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && c == '-', strings.IndexByte("@:._/+=,%", c) >= 0:
		default:
			return false
		}
	}
	return word != ""
}
