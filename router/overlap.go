package router

import (
	"fmt"
	"net/netip"

	"sipedge/schema"
)

// socket is what listeners share of which one may include the other.
type socket struct {
	protocol string
	ipv4     bool
	port     uint16
}

// overlaps finds listeners of which the system would open only one, because one has the wildcard
// address of their family, or because it is where admin listens. That two are the same has been
// told by schema.
func overlaps(doc *schema.Document) (diags schema.Diagnostics) {
	type taken struct {
		addr  netip.Addr
		where string
	}
	all := map[socket][]taken{}
	add := func(transport, text string, pos schema.Pos, where string) {
		a, err := netip.ParseAddrPort(text)
		if err != nil || a.Port() == 0 {
			return
		}
		addr := a.Addr().Unmap()
		s := socket{transport, addr.Is4(), a.Port()}
		if transport != "udp" && transport != "sctp" {
			s.protocol = "tcp" // below TLS and WebSockets
		}
		for _, t := range all[s] {
			if addr == t.addr || addr.IsUnspecified() || t.addr.IsUnspecified() {
				diags = append(diags, schema.Diagnostic{
					Pos: pos, End: pos.Col + len(text), Code: schema.DuplicateListener,
					Message: fmt.Sprintf("%s %s is in the way of %s %s", transport, text,
						netip.AddrPortFrom(t.addr, s.port), t.where),
				})
				return
			}
		}
		all[s] = append(all[s], taken{addr, where})
	}
	where := fmt.Sprintf("(admin, line %d)", doc.Admin.Pos.Line)
	if doc.Admin.Default {
		where = "(admin, unless set)"
	}
	add("tcp", doc.Admin.Addr, doc.Admin.Pos, where)
	for _, l := range doc.Listen {
		add(l.Transport, l.Addr, l.Pos, fmt.Sprintf("(line %d)", l.Pos.Line))
	}
	return diags
}
