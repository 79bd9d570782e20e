package address

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"sipedge/sip"
)

// columns are the places in schema.AddressColumns, by the names of OpenSIPS and Kamailio.
var columns = map[string]int{
	"grp": 0, "ip": 1, "ip_addr": 1, "mask": 2, "port": 3, "proto": 4, "pattern": 5,
	"context_info": 6, "tag": 6,
}

// Column is the place of a column in schema.AddressColumns, by its name in OpenSIPS or Kamailio;
// -1: it is none of those.
func Column(name string) int {
	if i, ok := columns[strings.ToLower(name)]; ok {
		return i
	}
	return -1
}

// Read makes a row of the texts of schema.AddressColumns; an empty one is as the table has it by
// default. ip may be a network where mask is empty; bits behind a mask don't count. The error is a
// sentence.
func Read(cells []string) (r Row, err error) {
	group, err := number(cells[0], "group", math.MaxUint32)
	if err != nil {
		return r, err
	}
	port, err := number(cells[3], "port", math.MaxUint16)
	if err != nil {
		return r, err
	}
	r.Group, r.Port, r.Pattern, r.Info = uint32(group), uint16(port), cells[5], cells[6]
	if r.Net, err = network(cells[1], cells[2]); err != nil {
		return r, err
	}
	if proto := cells[4]; proto != "" && !strings.EqualFold(proto, "any") {
		if r.Transport = sip.LookupTransport([]byte(proto)); r.Transport == sip.NoTransport {
			return r, fmt.Errorf("%q is no transport", proto)
		}
	}
	return r, nil
}

// number reads one, 0 of an empty text.
func number(s, what string, most uint64) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > most {
		return 0, fmt.Errorf("%q is no %s: 0 to %d", s, what, most)
	}
	return n, nil
}

func network(ip, mask string) (netip.Prefix, error) {
	if mask != "" {
		ip += "/" + mask
	} else if a, err := netip.ParseAddr(ip); err == nil {
		ip = fmt.Sprint(ip, "/", a.BitLen())
	}
	p, err := netip.ParsePrefix(ip)
	if err != nil {
		return p, fmt.Errorf("%q is not an IP address or network", ip)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
