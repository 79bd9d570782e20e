package example

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// World is what messages of a policy can be like.
type World struct {
	Self      *job.Self
	listeners []transport.Listener
	methods   []string
	hosts     []string // of ours
	ports     []uint16
	Place     schema.Place

	effort *effort
}

// Renew allows for the work of so many searches for texts that are hard to find.
func (w *World) Renew() {
	w.effort = new(effort)
	w.effort.left.Store(maxEffort)
}

// Spend takes the work of n literals from what is allowed; false: it is used up.
func (w *World) Spend(n int) bool { return w.effort.spend(int64(n)) }

// effort is the work allowed, in states of automata and the like: about a second and a half.
type effort struct{ left atomic.Int64 }

const maxEffort = 1_000_000

func (e *effort) spend(n int64) bool { return e.left.Add(-n) > 0 }

// NewWorld finds out who we are.
func NewWorld(doc *schema.Document) World {
	w := World{}
	w.Renew()
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
