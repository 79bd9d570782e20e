package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/router/trace"
	"sipedge/sip"
)

type traceFlags struct {
	admin, output string
	timeout       time.Duration
	order         trace.Order
}

func newTrace(s System) *cobra.Command {
	var flags traceFlags
	cmd := &cobra.Command{
		Use:   "trace [POLICY]",
		Short: "Record what a running server does to the next call",
		Long: `Has a server of this host record the next calls, and shows how each request of
them was decided, as ` + "`sipedge explain`" + ` does: the rules tried, each step with what it
changed, what came back and what left.

The server is found by the admin listener of POLICY, or by --admin; without both it
is one of ` + "`sipedge serve`" + ` without a policy. It records one thing at a time, and
nothing unless asked.

A call is what has the same Call-ID. It is recorded from the first request that
matches all of --method, --call-id, --source, --user and --host on, and is over when
its BYE, or a request that makes no call, is answered, when its INVITE fails, or when
its request is dropped; 401 and 407 don't end it. When --count calls are over, or
--timeout is, or a recording holds 8 MiB, it ends and is shown. So does an interrupt.

Credentials are not shown: the values of Authorization, Proxy-Authorization and
Authentication-Info, and what of them turns up elsewhere. The rest of a message is,
its body included. What the policy logs is in the server's log.

Nothing matched: exit code 1. Another recording runs: 4.

` + exit.Codes,
		Example: `  sipedge trace policy.yaml
  sipedge trace --method INVITE --user 100 --timeout 5m policy.yaml
  sipedge trace --admin 127.0.0.1:8061 --source 198.51.100.0/24 --count 3
  sipedge trace -o json policy.yaml | jq .path`,
		Args: usage.AtMost(1, "one POLICY"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(textOrJSON, flags.output) {
				return fmt.Errorf("--output is text or json, not %q", flags.output)
			}
			flags.order.Time = flags.timeout.String()
			if err := flags.order.Check(); err != nil {
				return err
			}
			if len(args) == 1 && flags.admin != "" {
				return errors.New("POLICY and --admin both say where the server is: give one")
			}
			if flags.admin == "" {
				if err := flags.find(s, strings.Join(args, "")); err != nil {
					return err
				}
			}
			return flags.record(s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.admin, "admin", "", "the server's admin listener, like 127.0.0.1:8060")
	f.StringVar(&flags.order.Method, "method", "", "only a call that such a request begins")
	f.StringVar(&flags.order.CallID, "call-id", "", "only the call of this Call-ID")
	f.StringVar(&flags.order.Source, "source", "", "only from this IP address or network")
	f.StringVar(&flags.order.User, "user", "", "only with this user in the Request-URI")
	f.StringVar(&flags.order.Host, "host", "", "only with this host in the Request-URI")
	f.IntVar(&flags.order.Count, "count", 1, fmt.Sprintf("how many calls, %d at most", trace.MaxCalls))
	f.DurationVar(&flags.timeout, "timeout", time.Minute, "how long, an hour at most")
	f.StringVarP(&flags.output, "output", "o", "text", "how it is written: text or json")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(textOrJSON, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("method",
		cobra.FixedCompletions(methods(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var textOrJSON = []string{"text", "json"}

func methods() (names []string) {
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		names = append(names, m.String())
	}
	return names
}

// find takes from a policy, "" the one built in, where its server listens for commands.
func (f *traceFlags) find(s System, path string) error {
	doc, src, diags, err := load(s, path)()
	if err != nil {
		return unreachable(err)
	}
	if doc == nil {
		report(s, diags, src)
		return exit.With(exit.Problems, nil)
	}
	f.admin = doc.Admin.Addr
	if f.admin == "" {
		return exit.With(exit.Problems, fmt.Errorf(
			"%s has no admin listener, by which a server is told to record: `admin: {listen: none}`", path))
	}
	return nil
}

// address is where to connect to: a wildcard listens on loopback, too.
func (f *traceFlags) address() (string, error) {
	a, err := netip.ParseAddrPort(strings.Replace(f.admin, "localhost", "127.0.0.1", 1))
	if err != nil {
		return "", fmt.Errorf("%q is not an address with a port, like 127.0.0.1:8060", f.admin)
	}
	if a.Port() == 0 {
		return "", errors.New("the admin listener has any free port; --admin says which")
	}
	host := a.Addr().String()
	if a.Addr().IsUnspecified() {
		host = "127.0.0.1"
		if a.Addr().Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, fmt.Sprint(a.Port())), nil
}

// progressEvery is how often the server is asked how far it is.
const progressEvery = 200 * time.Millisecond

// record arms, waits and shows.
func (f *traceFlags) record(s System) error {
	addr, err := f.address()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := client{addr: addr}
	status, err := c.arm(&f.order)
	if err != nil {
		return err
	}
	note := func(format string, args ...any) { fmt.Fprintf(s.Stderr, format+"\n", args...) }
	note("recording %s, %v at most", plural(f.order.Count, "call"), f.timeout)
	wait := time.NewTicker(progressEvery)
	defer wait.Stop()
	for seen := 0; status.Ended == ""; {
		select {
		case <-wait.C:
			err = c.do("GET", "/trace/"+status.ID, &status)
		case <-ctx.Done():
			err = c.do("DELETE", "/trace/"+status.ID, &status)
		}
		if err != nil {
			return err
		}
		if status.Requests > seen {
			seen = status.Requests
			note("%s, %s, %d over", plural(status.Calls, "call"), plural(seen, "request"), status.Over)
		}
	}
	if status.Ended == trace.ByRoom {
		note("the recording is full: what came later is missing")
	}
	if status.Calls == 0 {
		return exit.With(exit.Problems, errors.New("no call matched"))
	}
	text, err := c.get("/trace/" + status.ID + "/" + f.output)
	if err != nil {
		return err
	}
	return say(s.Stdout, text)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
