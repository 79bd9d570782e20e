package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/events"
	"sipedge/cmd/sipedge/internal/exit"
)

func (c *command) newEvents() *cobra.Command {
	count := 0
	cmd := &cobra.Command{
		Use:   "events [NAME…]",
		Short: "Tell what changes, as it does",
		Long: `Tells what changes in the server from now on, all or what has one of NAME, a line
each, until it is interrupted, --timeout is over if it is given, or --count have come;
exit code 3 when the server ends before. Names are those of OpenSIPS where it has such
an event.

  E_UL_CONTACT_INSERT   a binding is added: domain (the location store), aor, uri,
  E_UL_CONTACT_UPDATE   received, path, qval, user_agent, socket, expires, callid, cseq,
  E_UL_CONTACT_DELETE   attr; of one that is gone the reason: removed or expired
  E_DISPATCHER_STATUS   a gateway: group (its set), address, status (active, inactive)
                        and state, as ` + "`sipedge ctl gateways list`" + ` has it
  E_RTPENGINE_STATUS    a node that relays media: set (the backend), socket, status,
                        enabled, up
  E_BACKEND_STATUS      the breaker of a backend: backend, breaker (open, half-open,
                        closed), error
  E_TARGET_STATUS       a target of requests: address, transport, status (failed;
                        cleared: it was heard again, or an operator says so), reason
  E_CERTIFICATE_STATUS  a certificate was read again, or could not be: certificate,
                        status (reloaded, failed), error
  E_RELOAD              the policy was read again: status (done, failed), generation,
                        error
  E_DRAIN               the server takes no new dialogs: live, bound_seconds

The first line is E_SUBSCRIBED. Who does not keep up loses events, and never costs the
server time: E_LOST says where, and how many. -o json prints the lines of
GET /v1/events as they come.`,
		Example: `  sipedge ctl events
  sipedge ctl events E_DISPATCHER_STATUS E_BACKEND_STATUS
  sipedge ctl -o json events --count 1 E_RELOAD`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return events.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(events.Names(), name) {
					return fmt.Errorf("there is no event %q; `sipedge ctl events --help` lists them", name)
				}
			}
			if count < 0 {
				return fmt.Errorf("--count %d are none", count)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.follow(names, count, cmd.Flags().Changed("timeout"))
		},
	}
	cmd.Flags().IntVar(&count, "count", 0, "how many, beside E_SUBSCRIBED; 0: no end")
	return cmd
}

// follow tells events; bounded: for as long as --timeout says, which else bounds only how long the
// first line may take.
func (c *command) follow(names []string, count int, bounded bool) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begun := false
	over := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	defer over.Stop()
	q := url.Values{"name": names}
	if count > 0 {
		q.Set("limit", fmt.Sprint(count+1))
	}
	lines := 0
	err = server.Stream(ctx, "events", q, func(line []byte) error {
		if lines++; !begun {
			begun = true
			if !bounded {
				over.Stop()
			}
		}
		return c.sayEvent(line)
	})
	switch {
	case begun && ctx.Err() != nil, count > 0 && lines > count:
		return nil
	case context.Cause(ctx) == context.DeadlineExceeded:
		return exit.With(exit.Unreachable, errors.New("the server does not begin to tell"))
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return exit.With(exit.Unreachable, errors.New("the server has ended"))
	}
	return failed(err)
}

// sayEvent writes a line of the stream.
func (c *command) sayEvent(line []byte) error {
	if c.output == "json" {
		return write(c.Stdout, string(line))
	}
	var e struct {
		Event  string
		Time   time.Time
		Params map[string]any
		Lost   uint64
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", moment(e.Time), e.Event)
	for _, name := range slices.Sorted(maps.Keys(e.Params)) {
		fmt.Fprintf(&b, " %s=%v", name, e.Params[name])
	}
	if e.Lost > 0 {
		fmt.Fprintf(&b, " lost=%d", e.Lost)
	}
	return write(c.Stdout, b.String()+"\n")
}
