package proxy

import (
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip/resolve"
)

// guard keeps the hops a message from src may lead to, in their order and place.
func (s *Settings) guard(hops []resolve.Hop, src netip.Addr) []resolve.Hop {
	g, kept := job.Guard{Deny: s.Deny, Allow: s.Allow}, hops[:0]
	for _, h := range hops {
		if g.Allows(h.Addr.Addr(), src) {
			kept = append(kept, h)
		}
	}
	return kept
}
