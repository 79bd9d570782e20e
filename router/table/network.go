package table

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"sipedge/router/data"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

var networkMatchers = []matcher{
	{
		Field: schema.Field{
			Name: "source", Where: inReceived, Schema: `#Sources`,
			Doc: "The address the message came from: an address, a network, a list of them, or a " +
				"table: {in: name}; of an address table also the port and transport, and the group: " +
				"{in: name, group: 1}. Patterns of its rows are not looked at.",
		},
		compile: compileSource,
	},
	{
		Field: schema.Field{
			Name: "source_port", Where: inReceived, Schema: `#Int`,
			Doc: "The port the message came from.",
		},
		compile: numberOf("source.port"),
	},
	{
		Field: schema.Field{
			Name: "transport", Where: inReceived, Schema: `#Transport | [#Transport, ...#Transport]`,
			Doc: "The transport the message came by.",
		},
		compile: compileTransport,
	},
	{
		Field: schema.Field{
			Name: "family", Where: inReceived, Schema: `#Family | [#Family, ...#Family]`,
			Doc: "The address family the message came by.",
		},
		compile: compileFamily,
	},
	{
		Field: schema.Field{
			Name: "listener", Where: inReceived, Schema: `string | [string, ...string]`,
			Doc: `The listener the message came to, as under listen: "udp:192.0.2.1:5060".`,
		},
		compile: compileListener,
	},
}

// manyNetworks is from when on a tree of networks beats a loop.
const manyNetworks = 8

func compileSource(c *compiler, v *schema.Value) []condition {
	if v.Kind == schema.Map {
		t := c.table(v.Get("in"))
		t.Sought(true)
		if t != nil && t.Kind() == data.Address {
			var groups []uint32
			v.Get("group").Each(func(v *schema.Value) { groups = append(groups, uint32(v.N)) })
			return one(cheap, func(f *facts) bool { return t.InSource(f.Flow, groups) })
		}
		return one(cheap, func(f *facts) bool { return t.InAddr(f.Flow.Remote.Addr(), f.Now) })
	}
	var nets []netip.Prefix
	v.Each(func(v *schema.Value) {
		if p, ok := c.network(v); ok {
			nets = append(nets, p)
		}
	})
	cond := condition{cost: cheap, anchor: &anchor{axis: bySource, nets: nets, whole: true}}
	cond.holds = func(f *facts) bool {
		a := f.Flow.Remote.Addr().Unmap()
		for _, p := range nets {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	if len(nets) > manyNetworks {
		var set bart.Lite
		for _, p := range nets {
			set.Insert(p)
		}
		cond.holds = func(f *facts) bool { return set.Contains(f.Flow.Remote.Addr().Unmap()) }
	}
	return []condition{cond}
}

// network reads an address or a network.
func (c *compiler) network(v *schema.Value) (netip.Prefix, bool) {
	p, err := data.ParseNetwork(v.S)
	if err != nil {
		c.refuse(v, schema.BadNetwork, "%v", err)
	}
	return p, err == nil
}

func compileTransport(_ *compiler, v *schema.Value) []condition {
	var set uint32 // of sip.Transport
	for _, name := range texts(v) {
		set |= 1 << sip.LookupTransport([]byte(name))
	}
	return one(cheap, func(f *facts) bool { return set&(1<<f.Flow.Transport) != 0 })
}

func compileFamily(_ *compiler, v *schema.Value) []condition {
	names := texts(v)
	return one(cheap, func(f *facts) bool { return slices.Contains(names, vars.Family(f.Job)) })
}

// compileListener compares what the listener is bound to, so that a table does
// not depend on the order of listeners. A text that names none never holds, see
// Listeners.
func compileListener(_ *compiler, v *schema.Value) []condition {
	var want []transport.Listener
	for _, s := range texts(v) {
		name, addr, _ := strings.Cut(s, ":")
		if a, err := netip.ParseAddrPort(addr); err == nil {
			want = append(want, transport.Listener{
				Transport: sip.LookupTransport([]byte(name)),
				Addr:      netip.AddrPortFrom(a.Addr().Unmap(), a.Port()),
			})
		}
	}
	return one(cheap, func(f *facts) bool {
		if f.Self == nil {
			return false
		}
		l, ok := f.Self.Bound(f.Flow.Listener)
		return ok && slices.ContainsFunc(want, func(w transport.Listener) bool {
			return w.Transport == l.Transport && w.Addr == l.Addr
		})
	})
}
