package resolve

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"sipedge/sip"
)

// Where a name leads, RFC 3263 §4.1 and §4.2:
//
//  1. a port was given: the addresses of the name
//  2. a transport was given: the SRV records of that service
//  3. else the NAPTR records of the name say the services, and where their SRV records are
//  4. without any, the SRV records of every service that can be sent by
//  5. without any of these, the addresses of the name, by UDP, for sips by TLS
//
// Each step ends in servers, and these in places, which have addresses.

// maxServers is how many servers of a name are of interest: more are cut off.
const maxServers = 32

// server is who may be sent to: what an SRV record says, or the name itself.
type server struct {
	target    string
	transport sip.Transport
	port      uint16
	rank      uint32 // lower first
	weight    uint16 // among those of the same rank
}

// servers is an answer of several.
type servers struct {
	list []server
	ttl  time.Duration
	err  error
}

// locate looks up a name that is neither a literal nor in hosts.
func (r *Resolver) locate(ctx context.Context, q *asked) ([]place, time.Duration, error) {
	if _, ok := dns.IsDomainName(q.Host); !ok || q.Host == "" {
		return nil, r.cfg.NegativeTTL, ErrNotFound
	}
	s := r.servers(ctx, q)
	if s.err != nil {
		return nil, s.ttl, s.err
	}
	return r.places(ctx, s)
}

func (r *Resolver) servers(ctx context.Context, q *asked) servers {
	if q.Port != 0 {
		return r.itself(q, maxTTL)
	}
	if q.Transport != sip.NoTransport {
		t, _, err := q.choose()
		if err != nil {
			return servers{err: err}
		}
		return r.srv(ctx, q, []*service{serviceOf(t)}, maxTTL)
	}
	rs := r.records(ctx, dns.Fqdn(q.Host), dns.TypeNAPTR)
	switch {
	case rs.err == nil:
		if s, said := r.naptr(ctx, q, rs); said {
			return s
		}
		return r.srv(ctx, q, q.by.offered(q.Secure), rs.ttl)
	case rs.nameless, !errors.Is(rs.err, ErrNotFound):
		return servers{ttl: rs.ttl, err: rs.err}
	}
	return r.srv(ctx, q, q.by.offered(q.Secure), rs.none())
}

// itself has the name for its only server.
func (r *Resolver) itself(q *asked, ttl time.Duration) servers {
	t, port, err := q.choose()
	return servers{[]server{{target: q.Host, transport: t, port: port}}, ttl, err}
}

// naptr follows the NAPTR records of a name. said false: none is about SIP. Of those that can
// be followed the ones of the lowest order count, RFC 3403 §4.1.
func (r *Resolver) naptr(ctx context.Context, q *asked, rs records) (s servers, said bool) {
	type rule struct {
		NAPTR
		*service
	}
	var rules []rule
	for _, n := range naptrs(rs.list) {
		to, isSIP := serviceNamed(n.Service)
		said = said || isSIP
		if to != nil && q.by.usable(to.transport, q.Secure) && n.leads() &&
			(len(rules) == 0 || rules[0].Order == n.Order) {
			rules = append(rules, rule{n, to})
		}
	}
	if !said || len(rules) == 0 {
		return servers{ttl: rs.ttl, err: ErrTransport}, said
	}
	found := forEach(rules, func(n rule) servers {
		if n.Flags == "a" {
			return servers{list: []server{{target: n.Replacement, transport: n.transport,
				port: n.transport.DefaultPort()}}, ttl: maxTTL}
		}
		return r.srvAt(ctx, n.Replacement, n.transport)
	})
	s, _ = together(found)
	s.ttl = min(s.ttl, rs.ttl)
	return s, true
}

// srv asks for the SRV records of services; a name without any is its own server. ttl is how
// long the steps before are true.
func (r *Resolver) srv(ctx context.Context, q *asked, of []*service, ttl time.Duration) servers {
	found := forEach(of, func(s *service) servers {
		return r.srvAt(ctx, s.srv+q.Host, s.transport)
	})
	s, none := together(found)
	s.ttl = min(s.ttl, ttl)
	if none {
		return r.itself(q, s.ttl)
	}
	return s
}

// srvAt asks for the SRV records of a name. A target "." says that there is no server, RFC 2782:
// list is empty then, without an error.
func (r *Resolver) srvAt(ctx context.Context, name string, t sip.Transport) servers {
	rs := r.records(ctx, dns.Fqdn(name), dns.TypeSRV)
	if errors.Is(rs.err, ErrNotFound) {
		return servers{ttl: rs.none(), err: rs.err}
	}
	s := servers{ttl: rs.ttl, err: rs.err}
	for _, rr := range rs.list {
		if srv := rr.(*dns.SRV); srv.Target != "." && srv.Port != 0 {
			s.list = append(s.list, server{
				target: canonical(srv.Target), transport: t, port: srv.Port,
				rank: uint32(srv.Priority), weight: srv.Weight,
			})
		}
	}
	slices.SortStableFunc(s.list, func(a, b server) int { return cmp.Compare(a.rank, b.rank) })
	return s
}

// together makes one list of many, the first first. none: the DNS says that there is no record
// for any of them. An answer that lacks one of them is soon asked for again.
func together(found []servers) (all servers, none bool) {
	all.ttl, none = maxTTL, true
	var failed error
	rank := uint32(0)
	for _, s := range found {
		all.ttl = min(all.ttl, s.ttl)
		if s.err != nil && !errors.Is(s.err, ErrNotFound) {
			failed = s.err
		}
		none = none && errors.Is(s.err, ErrNotFound)
		for i, one := range s.list {
			if i > 0 && one.rank != s.list[i-1].rank {
				rank++
			}
			one.rank = rank
			all.list = append(all.list, one)
		}
		rank++
	}
	switch {
	case len(all.list) > maxServers:
		all.list = all.list[:maxServers]
	case len(all.list) == 0 && failed != nil:
		all.err = failed
	case len(all.list) == 0:
		all.err = ErrNotFound
	}
	return all, none
}

// places asks for the addresses of servers, each name once. A server without is left out.
func (r *Resolver) places(ctx context.Context, s servers) ([]place, time.Duration, error) {
	var names []string
	for _, one := range s.list {
		if !slices.Contains(names, one.target) {
			names = append(names, one.target)
		}
	}
	found := forEach(names, func(name string) answer { return r.addresses(ctx, name) })
	ttl, missing, err := s.ttl, maxTTL, ErrNotFound
	for _, a := range found {
		switch {
		case a.err == nil:
			ttl = min(ttl, a.ttl)
		case !errors.Is(a.err, ErrNotFound):
			err = a.err
			fallthrough
		default:
			missing = min(missing, a.ttl)
		}
	}
	var list []place
	for _, one := range s.list {
		a := found[slices.Index(names, one.target)]
		if hops := r.appendHops(nil, a.addrs, one.transport, one.port); len(hops) > 0 {
			list = append(list, place{one.rank, one.weight, hops})
		}
	}
	if len(list) == 0 {
		return nil, min(s.ttl, missing), err
	}
	return list, min(ttl, max(missing, failureTTL)), nil
}

// forEach calls f for each of list, at the same time.
func forEach[T, R any](list []T, f func(T) R) []R {
	out := make([]R, len(list))
	if len(list) == 1 {
		out[0] = f(list[0])
		return out
	}
	var all sync.WaitGroup
	for i := range list {
		all.Go(func() { out[i] = f(list[i]) })
	}
	all.Wait()
	return out
}
