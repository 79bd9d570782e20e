package resolve

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"sipedge/sip"
)

// Hop is one place a request can be sent to, RFC 3263 §4.
type Hop struct {
	Transport sip.Transport
	Addr      netip.AddrPort
	// Name is the host that was looked up, where the transport is secure: whoever is at Addr
	// proves to be it, RFC 5922 §4. An address that was not looked up has none.
	Name sip.HostName
	Conn uint64 // the connection to use, and no other; 0: any. The resolver knows none
}

// Query is what of a URI decides where it leads. It is comparable: but for Seed the cache's key.
type Query struct {
	Host      string        // an IP literal (no brackets) or a name, lower case, no dot behind
	Port      uint16        // 0: none given
	Transport sip.Transport // of the transport parameter; NoTransport: none given
	Secure    bool          // sips
	// Seed has hops that are as good as each other come in the order that is this one's, whatever
	// the order of the records; 0: in an order drawn each time. No part of the cache's key.
	Seed uint64
}

// QueryOf is what a sip or sips URI asks: its maddr, else its host. An IP address is returned
// as addr, and asks nothing: Host is not set. The error is ErrTransport.
func QueryOf(u *sip.URI) (q Query, addr netip.Addr, err error) {
	host := u.Host
	if maddr, ok := u.Param("maddr"); ok && len(maddr) > 0 {
		host = maddr
	}
	named, given := u.Param("transport")
	q = Query{
		Port: u.Port, Transport: sip.LookupTransport(named), Secure: u.Scheme == sip.SIPS,
	}
	if given && q.Transport == sip.NoTransport {
		return q, addr, ErrTransport
	}
	if addr, ok := sip.ParseAddr(host); ok {
		return q, addr, nil
	}
	q.Host = canonical(string(host))
	return q, addr, nil
}

// asked is a query, and what could be sent by when it was.
type asked struct {
	Query
	by transports
}

func (r *Resolver) asked(q Query) asked {
	q.Seed = 0
	return asked{q, transports(r.by.Load())}
}

var (
	ErrNotFound  = errors.New("no such host") // DNS answered: there is none
	ErrBudget    = errors.New("name resolution ran out of time")
	ErrTransport = errors.New("transport not supported")   // none of what the name offers is
	ErrServers   = errors.New("no name server can answer") // all refuse, or fail at once
)

// Config of a Resolver. The zero value uses the system's resolvers and hosts.
type Config struct {
	Servers     []netip.AddrPort // DNS servers; none: those of /etc/resolv.conf
	Hosts       string           // file of names that need no DNS; default /etc/hosts
	Families    Families
	Budget      time.Duration         // of one look-up, whatever it asks; default 2 s
	Try         time.Duration         // of one question to one server; default 500 ms
	NegativeTTL time.Duration         // at most so long is "there is none" believed; default 1 min
	ServeStale  time.Duration         // an expired answer serves so long, if nobody answers
	CacheSize   int                   // queries kept, and rules; default 10,000
	Clock       func() time.Time      // of the cache; default time.Now
	Rand        func(n uint64) uint64 // a random number below n; default that of math/rand/v2
}

// Families are the address families that are asked for, and their order.
type Families uint8

const (
	IPv4First Families = iota
	IPv6First
	IPv4Only
	IPv6Only
)

const (
	// failureTTL is how long a look-up that failed is not tried again, RFC 9520 §3.2.
	failureTTL = time.Second
	// An expired answer serves so long before it is asked for again, and when no answer came
	// in so long, RFC 8767 §5.
	staleTTL  = 30 * time.Second
	staleWait = 1800 * time.Millisecond
)

// Resolver answers queries by RFC 3263 with a cache. It is safe for concurrent use.
type Resolver struct {
	cfg    Config
	stats  Stats
	hosts  map[string][]netip.Addr
	by     atomic.Uint32 // transports that can be sent by
	server atomic.Uint32 // index of the one that answered last
	names  kept[asked, []place]
	rules  kept[string, []NAPTR]

	branches kept[branchKey, Branch]
}

// New reads /etc/resolv.conf and hosts. It starts nothing; every look-up happens on its
// caller. Files that can't be read count as empty; without servers the loopback is asked.
func New(cfg Config) *Resolver {
	cfg.Hosts = cmp.Or(cfg.Hosts, "/etc/hosts")
	cfg.Budget = cmp.Or(cfg.Budget, 2*time.Second)
	cfg.Try = cmp.Or(cfg.Try, 500*time.Millisecond)
	cfg.NegativeTTL = cmp.Or(cfg.NegativeTTL, time.Minute)
	cfg.CacheSize = cmp.Or(cfg.CacheSize, 10000)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Uint64N
	}
	if len(cfg.Servers) == 0 {
		cfg.Servers = systemServers()
	}
	return &Resolver{
		cfg:   cfg,
		hosts: readHosts(cfg.Hosts),
		names: newKept[asked, []place](cfg.CacheSize, cfg.ServeStale),
		rules: newKept[string, []NAPTR](cfg.CacheSize, cfg.ServeStale),

		branches: newKept[branchKey, Branch](cfg.CacheSize, cfg.ServeStale),
	}
}

// SendBy says what can be sent by from now on; before it is called, and with none, by all. Answers
// that were found for others are not used.
func (r *Resolver) SendBy(list ...sip.Transport) { r.by.Store(uint32(transportsOf(list))) }

// Stats returns the counters. They go on counting.
func (r *Resolver) Stats() *Stats { return &r.stats }

// Servers are the DNS servers that are asked. Don't change what it returns.
func (r *Resolver) Servers() []netip.AddrPort { return r.cfg.Servers }

// Cached answers without blocking: literals at once, names when the cache has them. ok false:
// call Lookup, not on a worker. hops are in order of preference, appended to dst (no allocation
// when dst has room); servers of the same priority in an order that is drawn, or Query.Seed's.
// With ok, err is as from Lookup.
func (r *Resolver) Cached(dst []Hop, q Query) (hops []Hop, ok bool, err error) {
	return r.known(dst, r.asked(q), q.Seed, true)
}

// known is Cached; count says whether the cache's statistics see it.
func (r *Resolver) known(
	dst []Hop, q asked, seed uint64, count bool,
) (hops []Hop, ok bool, err error) {
	t, port, unfit := q.choose()
	a, literal, err := parseLiteral(q.Host)
	addrs, listed := r.hosts[q.Host]
	if unfit != nil && (literal || listed || q.Port != 0 || q.Transport != sip.NoTransport) {
		return dst, true, unfit
	}
	if literal {
		if err == nil {
			dst = append(dst, Hop{Transport: t, Addr: netip.AddrPortFrom(a, port)})
		}
		return dst, true, err
	}
	if listed {
		hops = r.appendHops(dst, addrs, t, port)
		prove(hops[len(dst):], q.Host)
		if len(hops) == len(dst) {
			err = ErrNotFound // none of the families asked for
		}
		return hops, true, err
	}
	e, ok := r.names.get(q, r.cfg.Clock())
	if count {
		r.stats.cached(ok)
	}
	if !ok {
		return dst, false, nil
	}
	return r.draw(dst, e.value, seed), true, e.err
}

// Lookup asks the DNS within the budget and ctx. One look-up per query runs at a time; others
// wait for it. The error is one of this package, or ctx's. hops are as those of Cached.
func (r *Resolver) Lookup(ctx context.Context, q Query) ([]Hop, error) {
	a := r.asked(q)
	if hops, ok, err := r.known(nil, a, q.Seed, false); ok {
		return hops, err
	}
	find := func(ctx context.Context) ([]place, time.Duration, error) {
		places, ttl, err := r.locate(ctx, &a)
		for i := range places {
			prove(places[i].hops, q.Host)
		}
		return places, ttl, err
	}
	places, err := lookUp(ctx, r, &r.names, a, find)
	return r.draw(nil, places, q.Seed), err
}
