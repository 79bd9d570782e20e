package example

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// World is what messages of a policy can be like.
type World struct {
	Self      *job.Self
	Name      string // what the router calls itself
	listeners []transport.Listener
	methods   []string
	hosts     []string // of ours
	ports     []uint16
	most      int // bytes of a message
	effort    *pattern.Effort
}

// Renew allows for the work of so many searches for texts that are hard to find.
func (w *World) Renew() { w.effort = pattern.NewEffort() }

// Spend takes the work of n literals from what is allowed; false: it is used up.
func (w *World) Spend(n int) bool { return w.effort.Spend(n) }

// NewWorld finds out who we are.
func NewWorld(doc *schema.Document) World {
	w := World{most: doc.Limits.Message}
	w.Renew()
	var domains, aliases []string
	for _, t := range doc.Domains {
		domains = append(domains, t.S)
		w.hosts = append(w.hosts, formula.CanonicalHost(t.S))
	}
	host := func(s string) {
		h, port, found := strings.Cut(s, ":")
		if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
			h, port, found = strings.Cut(strings.TrimPrefix(s, "["), "]:")
			h = strings.TrimSuffix(h, "]")
		}
		w.hosts = append(w.hosts, formula.CanonicalHost(h))
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
	w.Name = job.NameOf(w.listeners, domains)
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

// IsMyself reports whether a URI is one of ours, as the matcher myself does.
func (w *World) IsMyself(u *sip.URI) bool {
	t := u.Transport()
	if u.Scheme == sip.SIPS {
		t = vars.Transport(u)
	}
	return w.Self.Is(u.Host, u.Port, t)
}

// OursAt are the hosts that are ours at a port; ok false: it takes more to know.
func (w *World) OursAt(port uint16) (hosts []string, ok bool) {
	for _, l := range w.listeners {
		if l.Addr.Addr().IsUnspecified() {
			return nil, false // and all addresses of the machine
		}
	}
	for _, host := range w.hosts {
		is, ok := w.isAt(host, port)
		if !ok {
			return nil, false
		}
		if is {
			hosts = append(hosts, host)
		}
	}
	return hosts, true
}

// PortsOf are the ports at which a host is ours, none: without one; ok false: it takes more
// to know.
func (w *World) PortsOf(host string) (none bool, ports []formula.Bounds, ok bool) {
	for _, port := range append([]uint16{0, strange}, w.ports...) {
		is, ok := w.isAt(host, port)
		switch {
		case !ok || is && port == strange: // which is none of those we have
			return false, nil, false
		case port == 0:
			none = is
		case is:
			ports = append(ports, formula.Bounds{Min: int64(port), Max: int64(port)})
		}
	}
	return none, ports, true
}

// isAt reports whether host and port alone make a URI ours, or none of ours.
func (w *World) isAt(host string, port uint16) (is, ok bool) {
	for i, u := range w.Variants() {
		u.Host, u.Port = []byte(host), port
		if now := w.IsMyself(u); i > 0 && now != is {
			return false, false
		} else {
			is = now
		}
	}
	return is, true
}

// strange is a port nobody listens on.
const strange = 9

// Variants are URIs that differ in what, besides the host, decides whether they are ours.
func (w *World) Variants() (list []*sip.URI) {
	for _, port := range append([]uint16{0, strange}, w.ports...) {
		for _, more := range []string{"", ";transport=tcp", ";transport=udp", ";transport=tls"} {
			for _, scheme := range []string{"sip", "sips"} {
				u, err := sip.ParseURI(fmt.Appendf(nil, "%s:x@example.org:%d%s", scheme, max(port, 1), more))
				if u.Port = port; err == nil {
					list = append(list, &u)
				}
			}
		}
	}
	return list
}
