package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/jsonrpc"
	"sipedge/cmd/sipedge/internal/mi"
)

func (c *command) newRPC() *cobra.Command {
	return &cobra.Command{
		Use:   "rpc METHOD [NAME=VALUE… | VALUE… | JSON]",
		Short: "Call a method by its name in OpenSIPS",
		Long: `Calls a method of OpenSIPS's Management Interface, with its names, parameters and
answers, as scripts and operators of it know them. Parameters go by name, by position, or
as a JSON object or array. The answer is JSON; with -o text a mere text is not quoted.

` + methodsText() + `
table_name is the location store by its name in the policy; ` + "`location`" + ` stands for the
only one. What OpenSIPS has and sipedge does not is refused, with what there is instead.

A call is a request of JSON-RPC 2.0, which programs send by HTTP, at the path that
mi_http of OpenSIPS has; several may go in a batch:

  curl --unix-socket ` + defaultState + `/ctl.sock http://sipedge/mi \
    -d '{"jsonrpc": "2.0", "id": 1, "method": "uptime"}'`,
		Example: `  sipedge ctl rpc which
  sipedge ctl rpc ul_show_contact location alice@example.net
  sipedge ctl rpc ds_set_state state=i group=pstn address=sip:gw1.example.net
  sipedge ctl rpc get_statistics '{"statistics": ["sipedge_requests", "go_"]}'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("one METHOD is needed; `sipedge ctl rpc which` lists them")
			}
			_, err := callParams(args[1:])
			return err
		},
		ValidArgsFunction: completeMethods,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := callParams(args[1:])
			if err != nil {
				return err
			}
			q := jsonrpc.Request{Version: jsonrpc.Version, Method: args[0], Params: p, ID: 1}
			return c.with(func(ctx context.Context, server *control.Client) error {
				var r jsonrpc.Response
				if err := server.Do(ctx, "rpc", nil, q, &r); err != nil {
					return err
				}
				if r.Error != nil {
					return &control.Error{Status: statusOf(r.Error.Code), Detail: r.Error.Message}
				}
				return c.sayResult(r.Result)
			})
		},
	}
}

// methodsText lists the methods.
func methodsText() string {
	var b strings.Builder
	for _, m := range mi.Methods() {
		fmt.Fprintf(&b, "  %s\n", strings.Join(append([]string{m.Name}, m.Params...), " "))
	}
	return b.String()
}

var named = regexp.MustCompile(`^([a-z_]+)=(.*)$`)

// callParams reads those of a call; nil: there are none.
func callParams(args []string) (any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	if c := strings.TrimSpace(args[0]); strings.HasPrefix(c, "{") || strings.HasPrefix(c, "[") {
		if len(args) > 1 || !json.Valid([]byte(c)) {
			return nil, errors.New("params begin as JSON, and are not one value of it")
		}
		return json.RawMessage(c), nil
	}
	byName := map[string]string{}
	for _, a := range args {
		if m := named.FindStringSubmatch(a); m != nil {
			byName[m[1]] = m[2]
		}
	}
	switch len(byName) {
	case 0:
		return args, nil
	case len(args):
		return byName, nil
	}
	return nil, errors.New("params go by name, each once, or by position, not both")
}

// statusOf is the status of HTTP that a code of an error is like.
func statusOf(code int) int {
	switch code {
	case jsonrpc.MethodNotFound:
		return http.StatusNotFound
	case jsonrpc.InvalidParams:
		return http.StatusBadRequest
	case jsonrpc.InternalError:
		return http.StatusInternalServerError
	}
	return code
}

// sayResult writes the result of a call.
func (c *command) sayResult(result json.RawMessage) error {
	var word string
	if c.output == "text" && json.Unmarshal(result, &word) == nil {
		return c.say(nil, func(w io.Writer) { fmt.Fprintln(w, word) })
	}
	var b bytes.Buffer
	if err := json.Indent(&b, result, "", "  "); err != nil {
		return err
	}
	return write(c.Stdout, b.String()+"\n")
}

func completeMethods(
	_ *cobra.Command, args []string, _ string,
) (words []string, _ cobra.ShellCompDirective) {
	for _, m := range mi.Methods() {
		if len(args) == 0 {
			words = append(words, m.Name+"\t"+m.Help)
		} else if args[0] == m.Name {
			for _, p := range m.Params {
				words = append(words, p+"=")
			}
		}
	}
	if len(args) > 0 {
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
