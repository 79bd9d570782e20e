package myself

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Ours is who a policy makes us.
type Ours struct {
	Self      *job.Self
	Name      string // what the router calls itself
	Listeners []transport.Listener
	Hosts     []string // as hosts are compared
	Ports     []uint16
	// Open: hosts that are none of Hosts may be ours too, by tables that nobody knows here. Self
	// takes such a table for empty.
	Open bool
}

// Of finds out who we are by a document that compiles.
func Of(doc *schema.Document) (o Ours) {
	var domains, aliases []string
	for _, t := range doc.Domains {
		domains = append(domains, t.S)
		o.Hosts = append(o.Hosts, formula.CanonicalHost(t.S))
	}
	for _, t := range doc.Aliases {
		aliases = append(aliases, t.S)
		o.add(t.S)
	}
	for _, l := range doc.Listen {
		addr, _ := netip.ParseAddrPort(l.Addr)
		o.Listeners = append(o.Listeners, transport.Listener{
			Transport: sip.LookupTransport([]byte(l.Transport)), Addr: addr, Advertised: l.Advertise,
		})
		o.Hosts = append(o.Hosts, addr.Addr().Unmap().String())
		o.Ports = append(o.Ports, addr.Port())
		if l.Advertise != "" {
			o.add(l.Advertise)
		}
	}
	o.Self = job.NewSelf(o.Listeners, domains, aliases)
	for _, name := range doc.DomainsIn {
		o.serve(doc, name.S)
	}
	o.Name = job.NameOf(o.Listeners, domains)
	return o
}

// serve adds the domains of a table, as far as they stand in the policy.
func (o *Ours) serve(doc *schema.Document, name string) {
	i := slices.IndexFunc(doc.Tables, func(t schema.Table) bool { return t.Name == name })
	table := doc.Tables[i : i+1]
	if table[0].SQL != nil || table[0].File.S != "" {
		o.Open = true
		return
	}
	rows, _ := data.Load(table, nil, nil) // it compiles
	o.Self.Serve(rows.Get(name).Serves)
	for _, r := range table[0].Rows {
		o.Hosts = append(o.Hosts, formula.CanonicalHost(r.Key.S))
		o.Open = o.Open || r.Value.S != "" // subdomains
	}
}

// add adds a host, which may have a port.
func (o *Ours) add(s string) {
	h, port, found := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") > 1 {
		h, port, found = strings.Cut(strings.TrimPrefix(s, "["), "]:")
		h = strings.TrimSuffix(h, "]")
	}
	o.Hosts = append(o.Hosts, formula.CanonicalHost(h))
	if a, err := netip.ParseAddrPort("0.0.0.0:" + port); found && err == nil {
		o.Ports = append(o.Ports, a.Port())
	}
}

// IsMyself reports whether a URI is one of ours, as the matcher myself does.
func (o *Ours) IsMyself(u *sip.URI) bool {
	t := u.Transport()
	if u.Scheme == sip.SIPS {
		t = vars.Transport(u)
	}
	return o.Self.Is(u.Host, u.Port, t)
}

// OursAt are the hosts that are ours at a port; ok false: it takes more to know.
func (o *Ours) OursAt(port uint16) (hosts []string, ok bool) {
	if o.Open {
		return nil, false
	}
	for _, l := range o.Listeners {
		if l.Addr.Addr().IsUnspecified() {
			return nil, false // and all addresses of the machine
		}
	}
	for _, host := range o.Hosts {
		is, ok := o.isAt(host, port)
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
func (o *Ours) PortsOf(host string) (none bool, ports []formula.Bounds, ok bool) {
	if o.Open && !slices.Contains(o.Hosts, host) {
		return false, nil, false
	}
	for _, port := range append([]uint16{0, Strange}, o.Ports...) {
		is, ok := o.isAt(host, port)
		switch {
		case !ok || is && port == Strange: // which is none of those we have
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
func (o *Ours) isAt(host string, port uint16) (is, ok bool) {
	for i, u := range o.Variants() {
		u.Host, u.Port = []byte(host), port
		if now := o.IsMyself(u); i > 0 && now != is {
			return false, false
		} else {
			is = now
		}
	}
	return is, true
}

// Strange is a port nobody listens on.
const Strange = 9

// Variants are URIs that differ in what, besides the host, decides whether they are ours.
func (o *Ours) Variants() (list []*sip.URI) {
	for _, port := range append([]uint16{0, Strange}, o.Ports...) {
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
