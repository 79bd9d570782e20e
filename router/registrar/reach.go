package registrar

import (
	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Reach is how a client is reached without a Path, and without asking for a name. Its texts are
// those of the binding.
type Reach struct {
	URI      []byte // of the request
	Hops     []resolve.Hop
	Listener uint16 // the binding came by; transport.AnyListener: it is none of ours
	Said     bool   // a message named the hop: it is for the destination guard to look at
}

// ReachOf is how the client of a binding is reached, with hops as memory. ok false: by its Path, or
// by the address of a name alone.
func ReachOf(
	self *job.Self, b *backends.Binding, hops []resolve.Hop, g *nexthop.Guard,
) (r Reach, ok bool) {
	contact, err := sip.ParseURI(b.Contact)
	if err != nil || contact.Scheme == sip.SchemeOther || len(b.Path) > 0 {
		return r, false
	}
	as := Lookup{Gateways: true} // which of them register is for save and lookup to say
	r.URI, r.Said = requestURI(b, &contact), len(b.Received) == 0 || !as.proved(b.Received, g)
	r.Listener = listenerOf(self, b.Listener) - 1 // transport.AnyListener is 0 less one
	to, conn := contact, uint64(0)
	if len(b.Received) > 0 {
		var uri []byte
		uri, conn = overOf(b.Received)
		if to, err = sip.ParseURI(uri); err != nil {
			return r, false
		}
	}
	if to.Scheme != sip.SIP && to.Scheme != sip.SIPS {
		return r, false
	}
	_, addr, err := resolve.QueryOf(&to)
	if err != nil || !addr.IsValid() {
		return r, false
	}
	hop, ok := nexthop.HopTo(&to, addr)
	if !ok {
		return r, false
	}
	hop.Conn = conn
	if r.Hops = append(hops[:0], hop); conn != 0 {
		r.Hops = nexthop.Besides(r.Hops, &contact, g)
	}
	return r, true
}
