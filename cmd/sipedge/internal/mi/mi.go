// Package mi is the Management Interface of OpenSIPS over the operations of package control: its
// method names, parameters and answers. Its one law: it does nothing that they do not do.
package mi

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// Method is one of the interface.
type Method struct {
	Name   string
	Help   string
	Params []string // by position
	Need   int      // so many of them must be given
	List   string   // the one that may be an array of texts

	do func(ctx context.Context, to *control.Client, p params) (any, error)
}

// methods are those that sipedge has, in the order of the table of DESIGN.md; by init, since which
// and help tell of them.
var methods []Method

func init() {
	methods = slices.Concat(ofProcess, ofLocation, ofGateways, ofMedia, ofCaches)
}

// Methods are those that sipedge has.
func Methods() []Method { return slices.Clone(methods) }

// Over carries methods out by asking a server for its operations. What one of them refuses has the
// status of HTTP as its code, as OpenSIPS has it.
func Over(to *control.Client) jsonrpc.Caller {
	return func(ctx context.Context, name string, given jsonrpc.Params) (any, error) {
		m := find(name)
		if m == nil {
			return nil, unknown(name)
		}
		p, err := m.bind(given)
		if err != nil {
			return nil, err
		}
		result, err := m.do(ctx, to, p)
		if refusal, ok := errors.AsType[*control.Error](err); ok {
			e := jsonrpc.Refuse(refusal.Status, "%s", refusal.Detail)
			if len(refusal.Problems) > 0 {
				e.Data = refusal.Problems
			}
			return nil, e
		}
		return result, err
	}
}

func find(name string) *Method {
	i := slices.IndexFunc(methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &methods[i]
}

// unknown refuses a name; of what OpenSIPS has it says what there is instead.
func unknown(name string) error {
	e := jsonrpc.Refuse(jsonrpc.MethodNotFound, "there is no method %q; which lists them", name)
	if hint := instead[name]; hint != "" {
		e.Message = "sipedge has no " + name + ": " + hint
	}
	return e
}

// instead is what there is for methods of OpenSIPS that sipedge does not have.
var instead = map[string]string{
	"address_dump":     "`sipedge ctl tables show` tells of the rows of a table",
	"blacklists:list":  "`sipedge ctl targets list` tells what failed lately",
	"domain_dump":      "the domains are those of the policy and its tables",
	"dr_gw_status":     "ds_list and ds_set_state have the gateways of the policy",
	"event_subscribe":  "GET /v1/events, or `sipedge ctl events`",
	"lb_list":          "ds_list has the gateways of the policy",
	"lb_reload":        "reload_routes reads all of the policy again",
	"lb_status":        "ds_set_state",
	"list_blacklists":  "`sipedge ctl targets list` tells what failed lately",
	"list_tcp_conns":   "ps has the connections of each listener",
	"raise_event":      "events are the server's own",
	"reset_statistics": "counters only grow, so that several may watch them",
	"subscribers_list": "the metric sipedge_event_subscribers counts them",
	"tcp:list":         "ps has the connections of each listener",
	"ul_cluster_sync":  "bindings are those of the database",
	"ul_flush": "write_back writes by itself, and sipedge_backlog_waiting tells what waits; " +
		"`sipedge ctl location flush` removes all bindings, which is another thing",
	"ul_sync": "write_through and write_back keep the database as the memory is",
}

// params are those of a call by name, as text.
type params map[string]string

// bind reads what is given to a method: texts, numbers and booleans.
func (m *Method) bind(given jsonrpc.Params) (params, error) {
	bound, err := given.Bind(m.Params)
	if err != nil {
		return nil, err
	}
	p := make(params, len(bound))
	for name, v := range bound {
		text := string(v)
		switch c := text[0]; {
		case c == '"':
			err = json.Unmarshal(v, &text)
		case c == '[' && name == m.List:
			var list []string
			err = json.Unmarshal(v, &list)
			text = strings.Join(list, " ")
		case c == '[', c == '{', c == 'n':
			return nil, bad("param %q is a text or a number", name)
		}
		if err != nil {
			return nil, bad("param %q: %v", name, err)
		}
		p[name] = text
	}
	for _, name := range m.Params[:m.Need] {
		if p[name] == "" {
			return nil, bad("param %q is missing", name)
		}
	}
	return p, nil
}

// bad refuses params.
func bad(format string, args ...any) error {
	return jsonrpc.Refuse(jsonrpc.InvalidParams, format, args...)
}

// done is the result of what has none.
const done = "OK"
