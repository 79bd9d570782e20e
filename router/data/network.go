package data

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetwork reads an address or a network, without bits behind its prefix. IPv4 in IPv6 form
// is IPv4. The error is a sentence for the author.
func ParseNetwork(s string) (netip.Prefix, error) {
	addr, bits, isNet := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network", s)
	}
	p := netip.PrefixFrom(a, a.BitLen())
	if isNet {
		if p, err = netip.ParsePrefix(s); err != nil {
			return p, fmt.Errorf("a network of %s has at most %d bits, not %s",
				familyName(a), a.BitLen(), bits)
		}
	}
	if p.Masked() != p {
		return p, fmt.Errorf("%s has bits behind its prefix; did you mean %s?", p, p.Masked())
	}
	if a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p, nil
}

func familyName(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
