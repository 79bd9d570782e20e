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
// stands for, unless it is a gateway's, is looked at when it is called. A gateway may register
// itself over a stream: its requests come from there. The source of a datagram is its sender's
// word, and counts for a gateway's only where the policy says that they register.
func (r *Request) guard(g *nexthop.Guard, j *job.Job) {
	f := &j.Flow
	from, unproved := f.Remote.Addr(), false
	if f.Transport == sip.UDP && !r.rules.Gateways && g.IsGateway(f.Remote) {
		from, unproved = netip.Addr{}, true
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
		case unproved:
			j.Trace.Refused(r.now, "it comes from where a gateway is, by UDP: save says no `gateways: true`")
			r.refuse(403, "Contact Not Allowed")
		}
	}
}

// leads refuses the request if uri leads where it may not, and reports whether it leads to a
// gateway.
func (r *Request) leads(
	g *nexthop.Guard, j *job.Job, uri []byte, from netip.Addr, reason string,
) bool {
	u, err := sip.ParseURI(bytes.TrimSpace(uri))
	if err != nil {
		return false
	}
	at, literal := nexthop.Literal(&u)
	byAddr := literal && !g.Allows(at, from, nexthop.Told)
	if byAddr || !g.AllowsName(&u, from, nexthop.Told) {
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
