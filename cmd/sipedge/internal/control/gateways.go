package control

import (
	"net/http"
	"time"

	"sipedge/router/gateway"
)

func (s *Server) tellGateways(http.ResponseWriter, *http.Request) (any, error) {
	return &Gateways{Gateways: s.gateways("", "")}, nil
}

// gateways are those of a set, or one of it; of empty names all.
func (s *Server) gateways(set, uri string) []Gateway {
	now, list := time.Now(), []Gateway{}
	for _, g := range s.Router.Gateways().List() {
		if set != "" && g.Set != set || uri != "" && g.URI != uri {
			continue
		}
		one := Gateway{
			Set: g.Set, URI: g.URI, State: g.State(), Weight: g.Weight, Priority: g.Priority,
			Calls: g.Calls, MaxCalls: g.MaxCalls, Chosen: g.Chosen, Failed: g.Failed,
			Probes: g.Probes, Silent: g.Unanswered, Answer: g.Pace.Seconds(),
		}
		if !g.Since.IsZero() {
			one.Since = now.Sub(g.Since).Seconds()
		}
		list = append(list, one)
	}
	return list
}

func (s *Server) setGateway(_ http.ResponseWriter, r *http.Request) (any, error) {
	var to GatewayMode
	if err := readBody(r, &to); err != nil {
		return nil, err
	}
	mode, ok := gateway.ParseMode(to.Mode)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "mode is enabled, drained or disabled, not %q", to.Mode)
	}
	set, uri := r.Form.Get("set"), r.Form.Get("uri")
	if s.Router.Gateways().SetMode(set, uri, mode) == 0 {
		if uri != "" {
			set += " with a gateway " + uri
		}
		return nil, refuse(http.StatusNotFound, "the policy has no set of gateways %s", set)
	}
	return &Gateways{Gateways: s.gateways(set, uri)}, nil
}
