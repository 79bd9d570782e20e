package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	rounds     = 4              // how often the list of servers is gone through at most
	maxAliases = 8              // CNAME records followed, RFC 1034 §3.6.2
	maxRecords = 32             // of a name and type; the rest of the answer is dropped
	maxTTL     = 24 * time.Hour // however long a record says it lives
	udpSize    = 1232           // bytes; fits any path unfragmented, RFC 9715
)

// addresses looks up the addresses of host.
//
// Both families are asked at once. When one has addresses the other has only
// Try left: a server that drops AAAA must not cost every call the budget.
func (r *Resolver) addresses(ctx context.Context, host string) answer {
	if addrs, ok := r.hosts[host]; ok {
		return answer{addrs: addrs, ttl: maxTTL}
	}
	types := make([]uint16, 0, 2)
	if r.cfg.Families != IPv6Only {
		types = append(types, dns.TypeA)
	}
	if r.cfg.Families != IPv4Only {
		types = append(types, dns.TypeAAAA)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, len(types))
	for _, t := range types {
		go func() { answers <- r.family(ctx, host, t) }()
	}
	all := <-answers
	if len(types) == 2 {
		if len(all.addrs) > 0 {
			defer time.AfterFunc(r.cfg.Try, cancel).Stop()
		}
		all = all.merge(<-answers)
	}
	return all
}

// family looks up the addresses of one type.
func (r *Resolver) family(ctx context.Context, host string, qtype uint16) answer {
	rs := r.records(ctx, dns.Fqdn(host), qtype)
	a := answer{ttl: rs.ttl, err: rs.err}
	for _, rr := range rs.list {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok {
			a.addrs = append(a.addrs, addr.Unmap())
		}
	}
	if a.err == nil && len(a.addrs) == 0 {
		a.err = ErrNotFound
	}
	return a
}

// answer is what is known of a name: addresses or an error, and for how long.
type answer struct {
	addrs []netip.Addr
	ttl   time.Duration
	err   error
}

// merge adds the answer for the other family. Addresses count more than a
// failure, and a failure more than that there is none: it may be wrong.
func (a answer) merge(b answer) answer {
	switch {
	case a.err == nil && b.err == nil:
		return answer{slices.Concat(a.addrs, b.addrs), min(a.ttl, b.ttl), nil}
	case a.err == nil && errors.Is(b.err, ErrNotFound):
		return a
	case b.err == nil && errors.Is(a.err, ErrNotFound):
		return b
	case a.err == nil: // half of it is missing: ask again soon
		return answer{a.addrs, min(a.ttl, failureTTL), nil}
	case b.err == nil:
		return answer{b.addrs, min(b.ttl, failureTTL), nil}
	case errors.Is(a.err, ErrNotFound) && errors.Is(b.err, ErrNotFound):
		return answer{ttl: min(a.ttl, b.ttl), err: ErrNotFound}
	case errors.Is(a.err, ErrNotFound):
		return b
	}
	return a
}

// records are those of one type that a name has, or why there are none.
type records struct {
	list     []dns.RR
	ttl      time.Duration
	err      error
	nameless bool // the name does not exist at all, RFC 8020
}

// none is how long it is taken as said that there are none, when something else answers. A
// server that says so without a SOA must not cost every call a question.
func (rs *records) none() time.Duration { return max(rs.ttl, failureTTL) }

// records looks up one type, through aliases. A DNAME comes with the CNAME it makes, RFC 6672 §3.1.
func (r *Resolver) records(ctx context.Context, name string, qtype uint16) records {
	ttl, first := maxTTL, name
	for range maxAliases {
		m, err := r.question(ctx, name, qtype)
		if err != nil {
			return records{ttl: failureTTL, err: err}
		}
		found := follow(m, name, qtype)
		ttl = min(ttl, found.ttl)
		switch {
		case len(found.list) > 0:
			return records{list: found.list, ttl: ttl}
		case m.Rcode == dns.RcodeNameError || found.name == name:
			return records{ttl: min(ttl, r.negative(m)), err: ErrNotFound,
				nameless: m.Rcode == dns.RcodeNameError && found.name == first}
		}
		name = found.name
	}
	return records{ttl: min(ttl, r.cfg.NegativeTTL), err: ErrNotFound}
}

// chain is what an answer section says: the last alias, its records, the shortest life of all.
type chain struct {
	name string
	list []dns.RR
	ttl  time.Duration
}

// follow walks the aliases of name within m. Records may stand in any order; each alias is
// followed once at most, so that loops end.
func follow(m *dns.Msg, name string, qtype uint16) chain {
	c := chain{name: name, ttl: maxTTL}
	for range maxAliases {
		next := ""
		for _, rr := range m.Answer {
			h := rr.Header()
			if len(c.list) == maxRecords || !strings.EqualFold(h.Name, c.name) {
				continue
			}
			life := time.Duration(h.Ttl) * time.Second
			switch alias, ok := rr.(*dns.CNAME); {
			case h.Rrtype == qtype:
				c.list, c.ttl = append(c.list, rr), min(c.ttl, life)
			case ok:
				next, c.ttl = alias.Target, min(c.ttl, life)
			}
		}
		if len(c.list) > 0 || next == "" {
			return c
		}
		c.name = next
	}
	return c
}

// negative is how long "there is none" may be believed, RFC 2308 §5: not at all without a SOA.
func (r *Resolver) negative(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			ttl := time.Duration(min(soa.Minttl, soa.Hdr.Ttl)) * time.Second
			return min(ttl, r.cfg.NegativeTTL)
		}
	}
	return 0
}
