package nexthop

import (
	"math"
	"slices"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// MostByUDP is how many bytes of a request go to u by UDP where TCP could be tried, RFC 3261
// §18.1.1: most, unless UDP is what the URI asks for, or what the binding was registered over
// that the target t is of. Nothing else leads through a NAT.
func MostByUDP(u *sip.URI, t *job.Target, most int) int {
	if u.Transport() == sip.UDP || t.Said && t.NextHop != nil && t.Route == nil {
		return math.MaxInt
	}
	return most
}

// ByTCP is the hop to try before the last of those tried, one by UDP which a request is too large
// for: whoever is there by TCP, at the port that the DNS told, else at that of UDP. in and forced
// are as in Egress. ok false: that was tried, or no listener of TCP has the address that the
// request would leave from.
func (f *Finder) ByTCP(
	hops []resolve.Hop, tried int, in, forced uint16,
) (hop resolve.Hop, ok bool) {
	udp := hops[tried-1]
	hop = resolve.Hop{Transport: sip.TCP, Addr: udp.Addr}
	told := slices.IndexFunc(hops, func(h resolve.Hop) bool {
		return h.Transport == sip.TCP && h.Addr.Addr() == udp.Addr.Addr()
	})
	if told >= 0 {
		hop = hops[told]
	}
	if told >= 0 && told < tried {
		return hop, false
	}
	ls := f.Sender.Listeners()
	from, to := f.Egress(in, forced, udp), f.Egress(in, forced, hop)
	return hop, from != transport.AnyListener && to != transport.AnyListener &&
		ls[from].Addr.Addr() == ls[to].Addr.Addr()
}

// Others is how many of hops have been tried or lead to where the last tried one led, by another
// transport: who has had a request and was silent, or busy, is not asked once more.
func Others(hops []resolve.Hop, tried int) int {
	at := tried
	for at > 0 && at < len(hops) && hops[at].Addr == hops[tried-1].Addr {
		at++
	}
	return at
}
