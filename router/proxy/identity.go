package proxy

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// identity is how a listener calls itself in messages.
type identity struct {
	transport sip.Transport
	addr      netip.AddrPort
	hostport  []byte // as Via and Record-Route write it
	host      []byte // of hostport, without brackets
	port      uint16 // of hostport, 0: none
	via       []byte // Via value up to the branch
}

func identities(listeners []transport.Listener) []identity {
	ids := make([]identity, len(listeners))
	for i, l := range listeners {
		text := l.Advertised
		if text == "" {
			text = netip.AddrPortFrom(specific(l.Addr.Addr()), l.Addr.Port()).String()
		}
		if _, ok := sip.ParseAddr([]byte(text)); ok {
			text = string(sip.AppendHost(nil, []byte(text)))
		}
		host, port := splitHostPort(text)
		ids[i] = identity{
			transport: l.Transport,
			addr:      l.Addr,
			hostport:  []byte(text),
			host:      []byte(host),
			port:      port,
			via:       []byte("SIP/2.0/" + l.Transport.ViaName() + " " + text + ";branch="),
		}
	}
	return ids
}

// specific is an address of this machine to write for one that stands for all
// of its family: the first that others can reach, if there is one.
func specific(a netip.Addr) netip.Addr {
	if !a.IsUnspecified() {
		return a
	}
	best := a
	list, _ := net.InterfaceAddrs() // none: a peer answers to the source address
	for _, n := range list {
		p, err := netip.ParsePrefix(n.String())
		if err != nil || p.Addr().Is4() != a.Is4() || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !p.Addr().IsLoopback() {
			return p.Addr()
		}
		best = p.Addr()
	}
	return best
}

// splitHostPort splits host, host:port, [v6] and [v6]:port; 0: no port.
func splitHostPort(s string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return strings.Trim(s, "[]"), 0
	}
	n, _ := strconv.ParseUint(text, 10, 16)
	return host, uint16(n)
}

// listenerOf finds the listener a URI of ours names, or AnyListener.
func (p *Proxy) listenerOf(u *sip.URI) uint16 {
	t := uriTransport(u)
	for i := range p.ids {
		id := &p.ids[i]
		if id.transport == t && bytes.EqualFold(id.host, u.Host) &&
			portOr(id.port, t) == portOr(u.Port, t) {
			return uint16(i)
		}
	}
	return transport.AnyListener
}

func portOr(port uint16, t sip.Transport) uint16 {
	if port == 0 {
		return t.DefaultPort()
	}
	return port
}

// egress chooses the listener a request leaves by: the forced one where it
// suits the hop, else the sender's choice; of several ports of the address
// chosen, the one the request came in by.
func (p *Proxy) egress(f transport.Flow, forced uint16, hop resolve.Hop) uint16 {
	if p.suits(forced, hop) {
		return forced
	}
	l := p.cfg.Sender.Choose(hop.Transport, hop.Addr.Addr())
	if l != transport.AnyListener && p.suits(f.Listener, hop) &&
		p.ids[f.Listener].addr.Addr() == p.ids[l].addr.Addr() {
		return f.Listener
	}
	return l
}

func (p *Proxy) suits(l uint16, hop resolve.Hop) bool {
	if int(l) >= len(p.ids) {
		return false
	}
	id := &p.ids[l]
	return id.transport == hop.Transport &&
		id.addr.Addr().Unmap().Is4() == hop.Addr.Addr().Unmap().Is4()
}

func addrPort(a netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Unmap(), port)
}
