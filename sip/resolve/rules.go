package resolve

import (
	"net/netip"
	"strings"

	"sipedge/sip"
)

// choose picks transport and port, RFC 3263 §4.1 and §4.2: the transport
// parameter, else UDP, or TLS for sips; the port given, else the
// transport's. sips turns TCP and WS into what is secure, RFC 3261 §26.2.2.
func (q *asked) choose() (sip.Transport, uint16, error) {
	t := q.Transport
	if t == sip.NoTransport {
		t = sip.UDP
		if q.Secure {
			t = sip.TLS
		}
	}
	if q.Secure {
		switch t {
		case sip.TCP:
			t = sip.TLS
		case sip.WS:
			t = sip.WSS
		case sip.TLS, sip.WSS:
		default:
			return 0, 0, ErrTransport
		}
	}
	if !q.by.have(t) {
		return 0, 0, ErrTransport
	}
	if q.Port != 0 {
		return t, q.Port, nil
	}
	return t, t.DefaultPort(), nil
}

// maxName is what a domain name has at most in bytes, without a last dot, RFC 1035 §3.1.
const maxName = 253

// parseLiteral reads an IP address. What looks like one but is none is no name
// either: the last label of a name has a letter, RFC 3261 §25.1. Nor is what is
// too long for one.
func parseLiteral(host string) (a netip.Addr, literal bool, err error) {
	if len(host) > maxName+1 || len(host) == maxName+1 && host[maxName] != '.' {
		return a, true, ErrNotFound
	}
	if strings.IndexByte(host, ':') < 0 && strings.Trim(host, "0123456789.") != "" {
		return a, false, nil
	}
	a, err = netip.ParseAddr(host)
	if err != nil {
		return a, true, ErrNotFound
	}
	return a.Unmap(), true, nil
}

// appendHops appends a hop for each address, the preferred family first.
func (r *Resolver) appendHops(dst []Hop, addrs []netip.Addr, t sip.Transport, port uint16) []Hop {
	dst = appendFamily(dst, addrs, t, port, r.cfg.Families.first())
	if second, ok := r.cfg.Families.second(); ok {
		dst = appendFamily(dst, addrs, t, port, second)
	}
	return dst
}

func appendFamily(
	dst []Hop, addrs []netip.Addr, t sip.Transport, port uint16, ipv4 bool,
) []Hop {
	for _, a := range addrs {
		if a.Is4() == ipv4 {
			dst = append(dst, Hop{Transport: t, Addr: netip.AddrPortFrom(a, port)})
		}
	}
	return dst
}

// prove says of secure hops whom they lead to: not the names the DNS gave, which anybody may
// have put there, but the one that was asked for.
func prove(hops []Hop, host string) {
	for i := range hops {
		if t := hops[i].Transport; t == sip.TLS || t == sip.WSS {
			hops[i].Name = sip.NewHostName(host)
		}
	}
}

// first reports whether IPv4 is the first family.
func (f Families) first() (ipv4 bool) { return f == IPv4First || f == IPv4Only }

// second reports whether IPv4 is the second family, and whether there is one.
func (f Families) second() (ipv4, ok bool) { return f == IPv6First, f <= IPv6First }
