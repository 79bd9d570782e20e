// Package ctl is `sipedge ctl`: what an operator tells a running server.
// Its one law: a command ends when its time is over, whatever the server does; the one that follows
// events has none unless it is given, and ends when it is interrupted.
package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/ctlsocket"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/machine"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/schema"
)

// System is what these commands may use of the process.
type System struct {
	Stdout, Stderr io.Writer
	Env            func(name string) (value string, set bool)
	Report         func(problems string)                       // writes diagnostics for a person
	Load           func(path string) (*schema.Document, error) // a policy; nil: it has mistakes
}

// command is what all of them take.
type command struct {
	System
	socket, config string
	output         string
	timeout        time.Duration
	location       string // of the commands about bindings
}

// defaultState is the state folder of a server that systemd runs.
const defaultState = "/var/lib/sipedge"

// Command is `ctl`.
func Command(s System) *cobra.Command {
	c := &command{System: s}
	cmd := &cobra.Command{
		Use:   "ctl",
		Short: "Tell a running server what to do",
		Long: `Asks a running server what it does, and tells it what to do: an operator's commands.

The server is found by its unix socket, which its owner alone may use. Where it is say,
the first that does:

  --socket FILE      the socket
  --config POLICY    the server's policy: its ` + "`admin: {socket: FILE}`" + `
  $STATE_DIRECTORY   the state folder of the server, in which it is ctl.sock

and else it is ` + defaultState + `/ctl.sock. A server whose policy names no socket, and
that has no state folder (` + "`sipedge serve --state`" + `), has none.

A command ends after --timeout, with exit code 3. What the server was told by then it
may do yet.

With -o json a command prints one document, with the fields of the HTTP API: times are
RFC 3339, durations seconds. A command is a request to that API, which any other HTTP
client can send as well; ` + "`sipedge ctl openapi`" + ` prints its description:

  curl --unix-socket ` + defaultState + `/ctl.sock http://sipedge/v1/uptime

Exit codes: 0 done · 1 there is no such thing, or a policy was refused for its problems ·
2 usage · 3 no server answers, or a backend does not · 4 refused by the server ·
70 a bug in sipedge.`,
		Example: `  sipedge ctl uptime
  sipedge ctl --config /etc/sipedge location show alice@example.net
  sipedge ctl --socket /run/sipedge/ctl.sock ps
  sipedge ctl reload && sipedge ctl -o json statistics sipedge_requests_total`,
		Args: usage.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	f := cmd.PersistentFlags()
	f.StringVar(&c.socket, "socket", "", "the server's socket")
	f.StringVar(&c.config, "config", "", "the server's policy, which says where its socket is")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long it may take")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	cmd.AddCommand(c.newLocation(), c.newReload(), c.newDrain(), c.newStop(), c.newLogLevel(),
		c.newMedia(), c.newGateways(), c.newLCR(), c.newAddress(), c.newTargets())
	cmd.AddCommand(c.questions()...)
	cmd.AddCommand(c.newStatistics(), c.newEvents(), c.newRPC(), newOpenAPI(s))
	return cmd
}

func newOpenAPI(s System) *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print the description of the API, OpenAPI 3.1",
		Long: `Prints the OpenAPI 3.1 document of the HTTP API behind the socket, of this program;
no server is asked. A server gives its own at /v1/openapi.json.`,
		Example: "  sipedge ctl openapi > sipedge.json",
		Args:    usage.AtMost(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return write(s.Stdout, string(control.OpenAPI()))
		},
	}
}

// with has f ask the server within the time.
func (c *command) with(f func(ctx context.Context, server *control.Client) error) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return failed(f(ctx, server))
}

// server is a client of the server that the flags name.
func (c *command) server() (*control.Client, error) {
	switch {
	case c.output != "text" && c.output != "json":
		return nil, fmt.Errorf("--output is text or json, not %q", c.output)
	case c.timeout <= 0:
		return nil, fmt.Errorf("--timeout %v is no time to wait", c.timeout)
	case c.socket != "" && c.config != "":
		return nil, errors.New("--socket and --config both say where the server is: give one")
	}
	socket, err := c.find()
	if err != nil {
		return nil, err
	}
	return control.NewClient(socket), nil
}

// find is where the socket is.
func (c *command) find() (string, error) {
	if c.socket != "" {
		return c.socket, nil
	}
	state, _ := c.Env("STATE_DIRECTORY")
	if c.config == "" {
		if state == "" {
			state = defaultState
		}
		return filepath.Join(state, ctlsocket.Name), nil
	}
	doc, err := c.Load(c.config)
	switch {
	case err != nil:
		return "", exit.With(exit.Unreachable, err)
	case doc == nil:
		return "", exit.With(exit.Problems, fmt.Errorf(
			"%s has mistakes (sipedge validate tells them); --socket says where the server is", c.config))
	}
	path := ctlsocket.Path(&doc.Admin, state)
	if path == "" && doc.Admin.Socket.S == "" {
		path = filepath.Join(defaultState, ctlsocket.Name)
	}
	if path == "" {
		return "", exit.With(exit.Problems, fmt.Errorf(
			"the server of %s has no socket: `admin: {socket: none}`", c.config))
	}
	return path, nil
}

// failed gives an error its exit code.
func failed(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*exit.Error](err); ok {
		return err
	}
	refused, ok := errors.AsType[*control.Error](err)
	if !ok {
		return exit.With(exit.Unreachable, err)
	}
	code := exit.Refused
	switch refused.Status {
	case http.StatusBadRequest:
		return err // of the arguments
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		code = exit.Problems
	case http.StatusServiceUnavailable, http.StatusBadGateway:
		code = exit.Unreachable
	}
	return exit.With(code, err)
}

// say writes an answer: v as JSON, or its text, whose tabs separate columns.
func (c *command) say(v any, text func(w io.Writer)) error {
	if c.output == "json" {
		b, err := machine.Indented(v)
		if err != nil {
			return err
		}
		return write(c.Stdout, b)
	}
	var b strings.Builder
	columns := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	text(columns)
	if err := columns.Flush(); err != nil {
		return err
	}
	return write(c.Stdout, b.String())
}

func write(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return exit.With(exit.Unreachable, err)
	}
	return nil
}

// question is a command that prints what an operation without parameters answers.
func question[T any](
	c *command, use, id, short, long string, text func(v *T, w io.Writer),
) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: "  sipedge ctl " + use}
	answers(c, cmd, id, "", text)
	cmd.Args = usage.AtMost(0, "no arguments")
	return cmd
}

// answers has a command print what an operation answers. Its argument is the parameter key, and may
// be left out.
func answers[T any](
	c *command, cmd *cobra.Command, id, key string, text func(v *T, w io.Writer),
) {
	cmd.Args = usage.AtMost(1, "one "+strings.ToUpper(key))
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return c.with(func(ctx context.Context, server *control.Client) error {
			var v T
			if err := server.Do(ctx, id, query(key, strings.Join(args, "")), nil, &v); err != nil {
				return err
			}
			return c.say(&v, func(w io.Writer) { text(&v, w) })
		})
	}
}

// query leaves out what is empty.
func query(namesAndValues ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != "" {
			q.Set(namesAndValues[i], namesAndValues[i+1])
		}
	}
	return q
}
