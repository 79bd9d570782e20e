package scene

import (
	"cmp"
	"context"
	"net/netip"
	"strings"

	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Hosts resolves names: as somebody says, else to an address of their own.
type Hosts struct {
	said  map[string]netip.Addr // the zero Addr: there is none
	names map[netip.Addr]string
	addrs map[string]netip.Addr
}

// NewHosts makes hosts of which nothing is said yet.
func NewHosts() Hosts {
	return Hosts{map[string]netip.Addr{}, map[netip.Addr]string{}, map[string]netip.Addr{}}
}

// Say has a name resolve to an address; the zero Addr: to none.
func (h Hosts) Say(name string, a netip.Addr) {
	name = strings.ToLower(name)
	h.said[name] = a
	if _, taken := h.names[a]; !taken && a.IsValid() {
		h.names[a] = name
	}
}

// addr is the address of a name. Made-up ones are of 198.18.0.0/15, RFC 2544.
func (h Hosts) addr(name string) netip.Addr {
	if a, ok := h.said[name]; ok {
		return a
	}
	a, ok := h.addrs[name]
	if !ok {
		n := len(h.addrs) + 1
		a = netip.AddrFrom4([4]byte{198, 18 + byte(n>>16&1), byte(n >> 8), byte(n)})
		h.addrs[name], h.names[a] = a, name
	}
	return a
}

func (h Hosts) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	a, err := netip.ParseAddr(q.Host)
	if err != nil {
		a = h.addr(strings.TrimSuffix(q.Host, "."))
	}
	if !a.IsValid() {
		return dst, true, resolve.ErrNotFound
	}
	t := cmp.Or(q.Transport, sip.UDP)
	if q.Secure {
		t = sip.TLS
	}
	port := cmp.Or(q.Port, t.DefaultPort())
	return append(dst, resolve.Hop{Transport: t, Addr: netip.AddrPortFrom(a, port)}), true, nil
}

func (h Hosts) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	hops, _, err := h.Cached(nil, q)
	return hops, err
}
