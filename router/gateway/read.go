package gateway

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"sipedge/router/data"
	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Defaults of a set, and bounds of the time between two probes: more often is a burden, more
// seldom tells nothing.
const (
	defaultEvery     = 10 * time.Second
	defaultTimeout   = 2 * time.Second
	defaultFailures  = 3
	defaultSuccesses = 2
	defaultRetry     = 30 * time.Second

	leastEvery = time.Second
	mostEvery  = time.Hour
)

// Sets are the sets of a policy by name. They are immutable.
type Sets struct {
	list []*Set
	*plans
}

// Get finds a set; nil: there is none.
func (s *Sets) Get(name string) *Set {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.list, func(set *Set) bool { return set.Name == name })
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// Names are the hosts, in lower case, of gateways that have a name.
func (s *Sets) Names() map[string]bool {
	names := map[string]bool{}
	for _, set := range s.list {
		for _, g := range set.gateways {
			if !g.addr.IsValid() {
				names[g.query.Host] = true
			}
		}
	}
	return names
}

// Read makes the sets that a checked policy has under `gateways`. What is known of gateways is
// the Registry's.
func (r *Registry) Read(v *schema.Value) (*Sets, schema.Diagnostics) {
	sets := &Sets{plans: &plans{ids: map[string]uint32{}}}
	var diags schema.Diagnostics
	for i := range v.Keys {
		set, wrong := r.readSet(v.Keys[i].Name, &v.Keys[i].Value)
		sets.list, diags = append(sets.list, set), append(diags, wrong...)
	}
	return sets, diags
}

func (r *Registry) readSet(name string, v *schema.Value) (*Set, schema.Diagnostics) {
	slow := v.Get("slow_start")
	set := &Set{Name: name, Algorithm: algorithms[v.Get("algorithm").S], slow: slow.Duration()}
	set.turn = r.turnOf(name)
	var diags schema.Diagnostics
	if p := v.Get("probe"); p.Kind != schema.None {
		set.probe, diags = readProbe(p)
	}
	p := v.Get("passive")
	set.passive = passive{
		failures: intOr(p.Get("failures"), defaultFailures), bad: readCodes(p.Get("codes"), nil),
		retry: durationOr(p.Get("retry"), defaultRetry),
	}
	v.Get("destinations").Each(func(v *schema.Value) {
		g, wrong := readGateway(v)
		if diags = append(diags, wrong...); wrong != nil {
			return
		}
		twice := slices.ContainsFunc(set.gateways, func(o *Gateway) bool {
			return string(o.URI) == string(g.URI)
		})
		if twice {
			uri := v.Get("uri")
			diags = append(diags, uri.Problem(schema.BadGateway, "%s is in the set twice", uri.S))
			return
		}
		g.set, g.State = set, r.state(name, string(g.URI))
		if at, ok := nexthop.Literal(&g.uri); ok {
			g.addrs.Store(&[]netip.AddrPort{netip.AddrPortFrom(at.Addr().Unmap(), at.Port())})
		}
		set.gateways = append(set.gateways, g)
	})
	slices.SortStableFunc(set.gateways, func(a, b *Gateway) int {
		return cmp.Compare(a.Priority, b.Priority)
	})
	if set.Algorithm == RoundRobin {
		set.rings = ringsOf(set.gateways)
	}
	return set, diags
}

// ringsOf are the rings of gateways, of each priority one.
func ringsOf(list []*Gateway) (rings []ring) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Priority == list[0].Priority {
			n++
		}
		rings, list = append(rings, newRing(list[:n])), list[n:]
	}
	return rings
}

func readProbe(v *schema.Value) (*probe, schema.Diagnostics) {
	p := &probe{
		every:    durationOr(v.Get("every"), defaultEvery),
		timeout:  durationOr(v.Get("timeout"), defaultTimeout),
		failures: intOr(v.Get("failures"), defaultFailures),
		good:     readCodes(v.Get("codes"), goodAnswers),
	}
	p.successes = intOr(v.Get("successes"), defaultSuccesses)
	if from := v.Get("from"); from.Kind == schema.String {
		p.from = []byte(from.S)
	}
	every, timeout := v.Get("every"), v.Get("timeout")
	switch {
	case p.every < leastEvery || p.every > mostEvery:
		return p, schema.Diagnostics{
			every.Problem(schema.OutOfRange, "%q is out of range (1s to 1h)", every.S),
		}
	case p.timeout >= p.every && timeout.Kind == schema.None:
		p.timeout = p.every / 2
	case p.timeout >= p.every:
		return p, schema.Diagnostics{timeout.Problem(schema.OutOfRange,
			"a probe that waits %s is not over when the next is due, after %v", timeout.S, p.every)}
	}
	return p, nil
}

func readGateway(v *schema.Value) (*Gateway, schema.Diagnostics) {
	uri := v.Get("uri")
	g := &Gateway{
		URI: []byte(uri.S), Weight: int(intOr(v.Get("weight"), 1)),
		Priority: int(intOr(v.Get("priority"), 0)), MaxCalls: int(intOr(v.Get("max_calls"), 0)),
		Attributes: []byte(v.Get("attributes").S),
	}
	g.hash = sum(g.URI)
	var err error
	if g.uri, err = sip.ParseURI(g.URI); err != nil || len(g.uri.Host) == 0 {
		return nil, schema.Diagnostics{uri.Problem(schema.BadURI, "%q is not a next hop", uri.S)}
	}
	if g.query, g.addr, err = resolve.QueryOf(&g.uri); err != nil {
		return nil, schema.Diagnostics{uri.Problem(schema.BadGateway, "%s: %v", uri.S, err)}
	}
	if rate := v.Get("rate"); rate.Kind == schema.String {
		if g.Rate, err = data.ParseRate(rate.S); err != nil {
			return nil, schema.Diagnostics{rate.Problem(schema.OutOfRange, "%v", err)}
		}
	}
	return g, nil
}

// readCodes reads statuses and classes of them.
func readCodes(v *schema.Value, def codes) codes {
	if v.Kind == schema.None {
		return def
	}
	var list codes
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Int {
			list = append(list, [2]int{int(v.N), int(v.N)})
			return
		}
		class := int(v.S[0]-'0') * 100
		list = append(list, [2]int{class, class + 99})
	})
	return list
}

func intOr(v *schema.Value, def int32) int32 {
	if v.Kind == schema.Int {
		return int32(v.N)
	}
	return def
}

func durationOr(v *schema.Value, def time.Duration) time.Duration {
	if v.Kind == schema.None {
		return def
	}
	return v.Duration()
}
