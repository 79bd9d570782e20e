package registrar

import (
	"bytes"
	"net/netip"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// guard refuses a request by which others would be led where g lets no message lead them: by a
// Path, by a Contact that is to be called itself, or back to a source that is kept. What a name
// stands for, unless it is a gateway's, is looked at when it is called. A stream comes from where
// it leads back to, a gateway's too. The source of a datagram is its sender's word, looked at as a
// Contact is, and counts for a gateway's only where the policy says that they register.
func (r *Request) guard(g *nexthop.Guard, j *job.Job) {
	f := &j.Flow
	from, back := f.Remote, true
	switch {
	case f.Transport != sip.UDP:
	case !g.IsGateway(f.Remote):
		back = g.Allows(f.Remote, f.Remote, nexthop.Told)
	case !r.rules.Gateways:
		from, back = netip.AddrPort{}, false
	}
	if len(r.common.Path) > 0 {
		hop, _ := firstHop(r.common.Path)
		itself := r.leads(g, j, hop, from, "Path Not Allowed")
		for i := range r.contacts {
			r.contacts[i].received = itself
		}
		return
	}
	for i := range r.contacts {
		switch c := &r.contacts[i]; {
		case c.expires == 0:
		case !c.received:
			c.received = r.leads(g, j, c.uri.Raw, from, "Contact Not Allowed")
		case !back:
			r.noWayBack(g, j)
			r.refuse(403, "Contact Not Allowed")
		}
	}
}

// noWayBack tells the trace why a binding may not lead back to where a datagram says it is from.
func (r *Request) noWayBack(g *nexthop.Guard, j *job.Job) {
	switch from := j.Flow.Remote; {
	case !j.Trace.Fits():
	case g.IsGateway(from):
		j.Trace.Refused(r.now, "it comes from where a gateway is, by UDP: save says no `gateways: true`")
	default:
		j.Trace.Refused(r.now, g.Why([]resolve.Hop{{Addr: from}}, from, nexthop.Told))
	}
}

// leads refuses the request if uri leads where it may not, and reports whether it leads to a
// gateway.
func (r *Request) leads(
	g *nexthop.Guard, j *job.Job, uri []byte, from netip.AddrPort, reason string,
) bool {
	u, err := sip.ParseURI(bytes.TrimSpace(uri))
	if err != nil {
		return false
	}
	at, literal := nexthop.Literal(&u)
	named := g.AllowsName(&u, from, nexthop.Told)
	if r.rules.Gateways { // it registers from any port
		named = named || g.Hosts(from.Addr())
		if from.Addr().Unmap() == at.Addr() {
			from = at
		}
	}
	byAddr := literal && !g.Allows(at, from, nexthop.Told)
	if byAddr || !named {
		r.refuse(403, reason)
		switch {
		case !j.Trace.Fits():
		case byAddr:
			hops := []resolve.Hop{{Addr: at}}
			j.Trace.Refused(r.now, g.Why(hops, from, nexthop.Told))
		default:
			j.Trace.Refused(r.now, g.WhyName(&u))
		}
	}
	return literal && g.IsGateway(at) || g.NamesGateway(&u)
}
