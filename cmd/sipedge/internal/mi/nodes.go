package mi

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"sipedge/cmd/sipedge/internal/control"
)

// ofGateways are the methods of dispatcher. A group is a set of the policy, by its name.
var ofGateways = []Method{
	{Name: "ds_list", Help: "The gateways by set; full 1: with weight and priority.",
		Params: []string{"full"}, do: listGateways},
	{Name: "ds_set_state", Help: "Has a gateway be used, state a, or not, i.",
		Params: []string{"state", "group", "address"}, Need: 3, do: setGateway},
}

type partition struct {
	Name string `json:"name"`
	Sets []set  `json:"SETS"`
}

type set struct {
	ID           string        `json:"id"`
	Destinations []destination `json:"Destinations"`
}

type destination struct {
	URI      string `json:"URI"`
	State    string `json:"state"`
	Hits     uint64 `json:"first_hit_counter"`
	Weight   *int   `json:"weight,omitempty"`
	Priority *int   `json:"priority,omitempty"`
}

// states are what OpenSIPS calls those of gateways; of the others it is Inactive.
var states = map[string]string{"up": "Active", "down": "Probing", "unresolved": "Probing"}

func listGateways(ctx context.Context, to *control.Client, p params) (any, error) {
	var all control.Gateways
	if err := to.Do(ctx, "gateways", nil, nil, &all); err != nil {
		return nil, err
	}
	sets := []set{}
	for _, g := range all.Gateways {
		d := destination{URI: g.URI, State: states[g.State], Hits: g.Chosen}
		if d.State == "" {
			d.State = "Inactive"
		}
		if p["full"] == "1" {
			d.Weight, d.Priority = &g.Weight, &g.Priority
		}
		i := slices.IndexFunc(sets, func(s set) bool { return s.ID == g.Set })
		if i < 0 {
			i, sets = len(sets), append(sets, set{ID: g.Set})
		}
		sets[i].Destinations = append(sets[i].Destinations, d)
	}
	return struct {
		Partitions []partition `json:"PARTITIONS"`
	}{[]partition{{"default", sets}}}, nil
}

func setGateway(ctx context.Context, to *control.Client, p params) (any, error) {
	mode := map[string]string{"a": "enabled", "i": "disabled"}[strings.ToLower(p["state"])]
	if mode == "" {
		return nil, bad("state is a or i, not %q: probes say what else a gateway is", p["state"])
	}
	q := url.Values{"set": {strings.TrimPrefix(p["group"], "default:")}, "uri": {p["address"]}}
	return done, to.Do(ctx, "set_gateway", q, control.GatewayMode{Mode: mode}, new(control.Gateways))
}

// ofMedia are the methods of rtpengine. A set is a backend of the policy, by its name.
var ofMedia = []Method{
	{Name: "rtpengine_show", Help: "The nodes that relay media.", do: showMedia},
	{Name: "rtpengine_enable", Help: "Has new calls go to a node, enable 1, or no longer, 0.",
		Params: []string{"url", "enable"}, Need: 2, do: enableMedia},
}

type mediaSet struct {
	Set   string      `json:"Set"`
	Nodes []mediaNode `json:"Nodes"`
}

type mediaNode struct {
	URL      string `json:"url"`
	Index    int    `json:"index"`
	Disabled bool   `json:"disabled"`
	Weight   int    `json:"weight"`
}

func showMedia(ctx context.Context, to *control.Client, _ params) (any, error) {
	var all control.MediaNodes
	if err := to.Do(ctx, "media", nil, nil, &all); err != nil {
		return nil, err
	}
	sets := []mediaSet{}
	for _, n := range all.Nodes {
		i := slices.IndexFunc(sets, func(s mediaSet) bool { return s.Set == n.Backend })
		if i < 0 {
			i, sets = len(sets), append(sets, mediaSet{Set: n.Backend})
		}
		sets[i].Nodes = append(sets[i].Nodes, mediaNode{
			URL: mediaScheme + n.Address, Index: len(sets[i].Nodes), Disabled: !n.Enabled || !n.Up,
			Weight: n.Weight,
		})
	}
	return sets, nil
}

// mediaScheme is how OpenSIPS writes where a node takes commands.
const mediaScheme = "udp:"

func enableMedia(ctx context.Context, to *control.Client, p params) (any, error) {
	enable, ok := map[string]bool{"1": true, "0": false}[p["enable"]]
	if !ok {
		return nil, bad("enable is 0 or 1, not %q", p["enable"])
	}
	q := url.Values{"node": {strings.TrimPrefix(p["url"], mediaScheme)}}
	return done, to.Do(ctx, "enable_media", q, control.Enabled{Enabled: enable},
		new(control.MediaNodes))
}
