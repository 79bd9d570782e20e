package registrar

import (
	"bytes"
	"net/netip"

	"sipedge/router/nexthop"
	"sipedge/sip"
)

// guard refuses a request by which others would be led where g lets no message lead them: by a
// Path, or by a Contact that is to be called itself. What a name stands for, unless it is a
// gateway's, is looked at when it is called. A gateway may register itself: its requests come from
// there, which is kept.
func (r *Request) guard(g *nexthop.Guard, from netip.Addr) {
	if len(r.common.Path) > 0 {
		hop, _ := firstHop(r.common.Path)
		itself := r.leads(g, hop, from, "Path Not Allowed")
		for i := range r.contacts {
			r.contacts[i].received = itself
		}
		return
	}
	for i := range r.contacts {
		if c := &r.contacts[i]; c.expires > 0 && !c.received {
			c.received = r.leads(g, c.uri.Raw, from, "Contact Not Allowed")
		}
	}
}

// leads refuses the request if uri leads where it may not, and reports whether it leads to a
// gateway.
func (r *Request) leads(g *nexthop.Guard, uri []byte, from netip.Addr, reason string) bool {
	u, err := sip.ParseURI(bytes.TrimSpace(uri))
	if err != nil {
		return false
	}
	at, literal := nexthop.Literal(&u)
	if literal && !g.Allows(at, from, nexthop.Told) || !g.AllowsName(&u, from, nexthop.Told) {
		r.refuse(403, reason)
	}
	return literal && g.IsGateway(at) || g.NamesGateway(&u)
}
