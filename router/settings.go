package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/router/proxy"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
)

// self compiles what holds for every route: who we are, and the proxy's settings.
func (c *compiler) self() {
	c.listeners = c.env.Listeners
	if c.listeners == nil {
		c.listeners = Listeners(c.doc)
	}
	limits, timers := &c.doc.Limits, &c.doc.Timers
	c.policy.settings = &proxy.Settings{
		Self:        job.NewSelf(c.listeners, texts(c.doc.Domains), texts(c.doc.Aliases)),
		MaxForwards: limits.MaxForwards,
		Branches:    limits.Branches,
		Attempts:    limits.Attempts,
		FinalWait:   timers.FinalWait,
		InviteWait:  timers.InviteWait,
		UDPRequest:  limits.UDPRequest,
		Spare:       c.doc.Spare,
		Failover:    proxy.FailoverOf(c.doc.DNS.Failover),
		Guard:       nexthop.Guard{Deny: c.networks(c.doc.Deny), Allow: c.networks(c.doc.Allow)},
		RetryAfter: fmt.Appendf(nil, "Retry-After: %d\r\n",
			(c.doc.Overload.RetryAfter+time.Second-1)/time.Second),
	}
	c.policy.endAll = c.doc.EndAll
	c.policy.backlog = uint8(c.doc.Overload.Backlog)
	c.policy.own = &uac.Settings{
		Self: c.policy.settings.Self, Max: limits.Requests,
		Name: job.NameOf(inOrder(c.listeners, c.doc), texts(c.doc.Domains)),
	}
}

// inOrder is listeners in the order of a document.
func inOrder(listeners []transport.Listener, doc *schema.Document) []transport.Listener {
	all := Listeners(doc)
	place := func(l transport.Listener) int {
		return slices.IndexFunc(all, func(d transport.Listener) bool {
			return d.Transport == l.Transport && d.Addr.Addr() == l.Addr.Addr()
		})
	}
	return slices.SortedStableFunc(slices.Values(listeners),
		func(a, b transport.Listener) int { return place(a) - place(b) })
}

// Listeners is what a document listens on, in its order.
func Listeners(doc *schema.Document) []transport.Listener {
	out := make([]transport.Listener, 0, len(doc.Listen))
	for _, l := range doc.Listen {
		addr, _ := netip.ParseAddrPort(l.Addr)
		mark, _ := dscp.Parse(l.DSCP) // 0 when it is unset
		to := transport.Listener{
			Transport: sip.LookupTransport([]byte(l.Transport)), Addr: addr, Advertised: l.Advertise,
			DSCP: mark,
		}
		for _, p := range l.Proxies {
			if network, err := schema.ParseNetwork(p); err == nil {
				to.Proxies = append(to.Proxies, network)
			}
		}
		if to.Transport == sip.WS || to.Transport == sip.WSS {
			to.WebSocket = &transport.WebSocket{
				Path: l.Path, Origins: l.Origins, Ping: l.Ping, Lost: l.Lost,
			}
		}
		out = append(out, to)
	}
	return out
}

// listener finds a listener by the name a policy gives it: "udp:192.0.2.10:5060".
func (c *compiler) listener(name schema.Text) (uint16, bool) {
	kind, rest, _ := strings.Cut(name.S, ":")
	addr, err := netip.ParseAddrPort(rest)
	if err != nil {
		return transport.AnyListener, false
	}
	t := sip.LookupTransport([]byte(kind))
	for i, l := range c.listeners {
		if l.Transport == t && l.Addr == addr {
			return uint16(i), true
		}
	}
	return transport.AnyListener, false
}

// networks reads CIDRs; a bare address is a network of one.
func (c *compiler) networks(list []schema.Text) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		p, err := schema.ParseNetwork(text.S)
		if err != nil {
			c.diags = append(c.diags, schema.Diagnostic{
				Pos: text.Pos, End: text.Pos.Col + len(text.S), Code: schema.BadNetwork,
				Message: fmt.Sprintf("%q is not an IP address or network", text.S),
			})
			continue
		}
		out = append(out, p)
	}
	return out
}

func texts(list []schema.Text) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].S
	}
	return out
}
