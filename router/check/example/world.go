package example

import (
	"net/netip"
	"slices"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// world is what messages of a policy can be like.
type World struct {
	Self      *job.Self
	listeners []transport.Listener
	methods   []string
	hosts     []string // of ours
	ports     []uint16
	Place     schema.Place
}

// newWorld finds out who we are.
func NewWorld(doc *schema.Document) World {
	w := World{}
	var domains, aliases []string
	for _, t := range doc.Domains {
		domains = append(domains, t.S)
		w.hosts = append(w.hosts, canonicalHost(t.S))
	}
	host := func(s string) {
		h, port, found := strings.Cut(s, ":")
		if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
			h, port, found = strings.Cut(strings.TrimPrefix(s, "["), "]:")
			h = strings.TrimSuffix(h, "]")
		}
		w.hosts = append(w.hosts, canonicalHost(h))
		if a, err := netip.ParseAddrPort("0.0.0.0:" + port); found && err == nil {
			w.ports = append(w.ports, a.Port())
		}
	}
	for _, t := range doc.Aliases {
		aliases = append(aliases, t.S)
		host(t.S)
	}
	for _, l := range doc.Listen {
		addr, _ := netip.ParseAddrPort(l.Addr)
		w.listeners = append(w.listeners, transport.Listener{
			Transport: sip.LookupTransport([]byte(l.Transport)), Addr: addr, Advertised: l.Advertise,
		})
		w.hosts = append(w.hosts, addr.Addr().Unmap().String())
		w.ports = append(w.ports, addr.Port())
		if l.Advertise != "" {
			host(l.Advertise)
		}
	}
	w.Self = job.NewSelf(w.listeners, domains, aliases)
	w.methods = []string{"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REGISTER"}
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		if !slices.Contains(w.methods, m.String()) {
			w.methods = append(w.methods, m.String())
		}
	}
	for _, t := range doc.Methods {
		w.methods = append(w.methods, t.S)
	}
	w.methods = append(w.methods, "UNHEARDOF") // anybody can make one up
	return w
}
