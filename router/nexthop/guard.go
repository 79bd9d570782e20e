package nexthop

import (
	"net/netip"
	"slices"

	"sipedge/sip"
	"sipedge/sip/resolve"
)

// A Trust is who says where a request goes.
type Trust uint8

const (
	// Told: a message alone that no rule looked at, by a Route, a binding it made, a redirection.
	Told Trust = iota
	// Ruled: a rule that sends on by what the message says, or a dialog that a rule let begin.
	Ruled
	// Own: the policy in so many words. It is not guarded.
	Own
)

// Guard is the destination guard of a policy: where no message may lead a request to. That is
// always loopback, link-local, multicast and the like.
type Guard struct {
	Deny  []netip.Prefix // besides
	Allow []netip.Prefix // exempt from that: gateways there are guarded by their ports
	// Gateways are next hops of the policy's own. They trust our address, so only its rules lead
	// there: who could register as one would have others' requests relayed to it.
	Gateways []netip.AddrPort
	// Names are the hosts, in lower case, of those and of gateways of sets that are to be looked up.
	Names map[string]bool
	// Known reports whether one of its sets of gateways has one at an address, whose name may be
	// looked up while the policy runs: at that port, where others stand beside it, else at any; nil:
	// there are none.
	Known func(to netip.AddrPort, beside bool) bool
}

// Add makes where u leads, by its address or its name, a next hop of the policy's own.
// Names must not be nil.
func (g *Guard) Add(u *sip.URI) {
	if at, ok := Literal(u); ok {
		g.Gateways = append(g.Gateways, at)
	} else if q, _, err := resolve.QueryOf(u); err == nil {
		g.Names[q.Host] = true
	}
}

// Allows reports whether a request may be led to an address. from is where the message came from
// that leads it: what came from this machine may go to it, and from a gateway to that gateway.
func (g *Guard) Allows(to, from netip.AddrPort, by Trust) bool {
	return g.forbids(to, from, by) == ""
}

// What an address is to which no message may lead.
const (
	noDestination = "is no destination"
	linkLocal     = "is link-local"
	loopback      = "is loopback"
	denied        = "is in deny_targets"
	gateway       = "is a next hop of the policy's own"
)

// forbids is what an address is to which a request may not be led; "": it may.
func (g *Guard) forbids(to, from netip.AddrPort, by Trust) string {
	if by == Own {
		return ""
	}
	why := g.bars(plain(to).Addr(), from.Addr().Unmap())
	if why == "" && by != Ruled && !g.Stands(from, to) && g.IsGateway(to) {
		return gateway
	}
	return why
}

// bars is what an address is to which no message from another may lead, whoever stands there.
func (g *Guard) bars(to, from netip.Addr) string {
	switch {
	case g.allowed(to):
		return ""
	case !to.IsValid(), to.IsUnspecified(), to.IsMulticast(), to == broadcast:
		return noDestination
	case to.IsLinkLocalUnicast():
		return linkLocal
	case to.IsLoopback() && !from.IsLoopback():
		return loopback
	case contain(g.Deny, to):
		return denied
	}
	return ""
}

// Stands reports whether what came from an address came from who stands at another: from that
// host, and in a network that is allowed, where others are beside him, from that port.
func (g *Guard) Stands(from, at netip.AddrPort) bool {
	from, at = plain(from), plain(at)
	return from.Addr() == at.Addr() && (from == at || !g.allowed(at.Addr()))
}

// allowed reports whether an address without a zone is exempt.
func (g *Guard) allowed(a netip.Addr) bool { return contain(g.Allow, a) }

// Why says for a trace why a request may not be led to any of hops: of the first.
func (g *Guard) Why(hops []resolve.Hop, from netip.AddrPort, by Trust) string {
	return why + plain(hops[0].Addr).Addr().String() + " " + g.forbids(hops[0].Addr, from, by)
}

// WhyName is Why where AllowsName does not.
func (g *Guard) WhyName(u *sip.URI) string { return why + string(u.Host) + " " + gateway }

const why = "the destination guard: "

// StrangersRoute is why a Route is not followed.
const StrangersRoute = "a Route of no dialog of ours, and the Request-URI is ours or was changed"

// AllowsName reports whether a request may be led to where u names, as far as that can be told
// before it is looked up: to the name of a gateway by who stands at one. What it is looked up to is
// for Hops.
func (g *Guard) AllowsName(u *sip.URI, from netip.AddrPort, by Trust) bool {
	return by != Told || !g.NamesGateway(u) || g.IsGateway(from)
}

// NamesGateway reports whether u has the name of a gateway.
func (g *Guard) NamesGateway(u *sip.URI) bool {
	if len(g.Names) == 0 {
		return false
	}
	q, addr, err := resolve.QueryOf(u)
	return err == nil && !addr.IsValid() && g.Names[q.Host]
}

// IsGateway reports whether a gateway stands at an address: at any of its ports, but on this
// machine and in networks that are allowed, where others stand beside it.
func (g *Guard) IsGateway(to netip.AddrPort) bool {
	a := plain(to).Addr()
	return g.has(to, a.IsLoopback() || g.allowed(a))
}

// Hosts reports whether a gateway stands at an address, whoever else does.
func (g *Guard) Hosts(a netip.Addr) bool { return g.has(netip.AddrPortFrom(a, 0), false) }

// has is IsGateway; beside: others stand beside it, and the port tells.
func (g *Guard) has(to netip.AddrPort, beside bool) bool {
	to = plain(to)
	if g.Known != nil && g.Known(to, beside) {
		return true
	}
	return slices.ContainsFunc(g.Gateways, func(gw netip.AddrPort) bool {
		return gw == to || !beside && gw.Addr() == to.Addr()
	})
}

// Hops keeps of hops those a message from an address may lead to, in their order and place.
func (g *Guard) Hops(hops []resolve.Hop, from netip.AddrPort, by Trust) []resolve.Hop {
	kept := hops[:0]
	for _, h := range hops {
		if g.Allows(h.Addr, from, by) {
			kept = append(kept, h)
		}
	}
	return kept
}

// plain is an address as those of networks and gateways are written.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func contain(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
