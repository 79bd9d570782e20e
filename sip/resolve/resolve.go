package resolve

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
)

// Hop is one place a request can be sent to, RFC 3263 §4.
type Hop struct {
	Transport sip.Transport
	Addr      netip.AddrPort
	Conn      uint64 // the connection to use, and no other; 0: any. The resolver knows none
}

// Query is what of a URI decides where it leads. It is comparable: the cache's key.
type Query struct {
	Host      string        // an IP literal (no brackets) or a domain name, lower case
	Port      uint16        // 0: none given
	Transport sip.Transport // of the transport parameter; NoTransport: none given
	Secure    bool          // sips
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
	q.Host = strings.ToLower(string(host))
	return q, addr, nil
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
	Transports  []sip.Transport  // what can be sent by; none: all
	Families    Families
	Budget      time.Duration    // of one look-up; default 3 s
	Try         time.Duration    // of one question to one server; default 500 ms
	NegativeTTL time.Duration    // at most so long is "there is none" believed; default 1 min
	CacheSize   int              // queries kept; default 10,000
	Clock       func() time.Time // of the cache; default time.Now
}

// Families are the address families that are asked for, and their order.
type Families uint8

const (
	IPv4First Families = iota
	IPv6First
	IPv4Only
	IPv6Only
)

// failureTTL is how long a look-up that failed is not tried again, RFC 9520 §3.2.
const failureTTL = time.Second

// Resolver answers queries by RFC 3263 with a cache. It is safe for concurrent use.
type Resolver struct {
	cfg    Config
	stats  Stats
	hosts  map[string][]netip.Addr
	server atomic.Uint32 // index of the one that answered last
	cache  cache

	mu      sync.Mutex
	running map[Query]*run // look-ups under way
}

// run is a look-up that others wait for.
type run struct {
	done    chan struct{} // closed when the rest is set
	hops    []Hop
	err     error
	aborted bool // by its caller's context: it says nothing about the name
}

// New reads /etc/resolv.conf and hosts. It starts nothing; every look-up happens on its
// caller. Files that can't be read count as empty; without servers the loopback is asked.
func New(cfg Config) *Resolver {
	cfg.Hosts = cmp.Or(cfg.Hosts, "/etc/hosts")
	cfg.Budget = cmp.Or(cfg.Budget, 3*time.Second)
	cfg.Try = cmp.Or(cfg.Try, 500*time.Millisecond)
	cfg.NegativeTTL = cmp.Or(cfg.NegativeTTL, time.Minute)
	cfg.CacheSize = cmp.Or(cfg.CacheSize, 10000)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if len(cfg.Servers) == 0 {
		cfg.Servers = systemServers()
	}
	return &Resolver{
		cfg:     cfg,
		hosts:   readHosts(cfg.Hosts),
		cache:   cache{max: cfg.CacheSize, entries: make(map[Query]entry)},
		running: make(map[Query]*run),
	}
}

// Stats returns the counters. They go on counting.
func (r *Resolver) Stats() *Stats { return &r.stats }

// Servers are the DNS servers that are asked. Don't change what it returns.
func (r *Resolver) Servers() []netip.AddrPort { return r.cfg.Servers }

// Cached answers without blocking: literals at once, names when the cache has them. ok false:
// call Lookup, not on a worker. hops are in order of preference, appended to dst (no allocation
// when dst has room). With ok, err is as from Lookup.
func (r *Resolver) Cached(dst []Hop, q Query) (hops []Hop, ok bool, err error) {
	return r.known(dst, q, true)
}

// known is Cached; count says whether the cache's statistics see it.
func (r *Resolver) known(dst []Hop, q Query, count bool) (hops []Hop, ok bool, err error) {
	t, port, err := r.choose(q)
	if err != nil {
		return dst, true, err
	}
	a, literal, err := parseLiteral(q.Host)
	if literal {
		if err == nil {
			dst = append(dst, Hop{Transport: t, Addr: netip.AddrPortFrom(a, port)})
		}
		return dst, true, err
	}
	if addrs, ok := r.hosts[q.Host]; ok {
		hops = r.appendHops(dst, addrs, t, port)
		if len(hops) == len(dst) {
			err = ErrNotFound // none of the families asked for
		}
		return hops, true, err
	}
	e, ok := r.cache.get(q, r.cfg.Clock())
	if count {
		r.stats.cached(ok)
	}
	if !ok {
		return dst, false, nil
	}
	return append(dst, e.hops...), true, e.err
}

// Lookup asks the DNS within the budget and ctx. One look-up per query runs at a time; others
// wait for it. The error is one of this package, or ctx's. Don't change what it returns.
func (r *Resolver) Lookup(ctx context.Context, q Query) ([]Hop, error) {
	for {
		if hops, ok, err := r.known(nil, q, false); ok {
			return hops, err
		}
		r.mu.Lock()
		other := r.running[q]
		if other == nil {
			mine := &run{done: make(chan struct{})}
			r.running[q] = mine
			r.mu.Unlock()
			r.lead(ctx, q, mine)
			return mine.hops, mine.err
		}
		r.mu.Unlock()
		r.stats.Shared.Add(1)
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !other.aborted {
			return other.hops, other.err
		}
	}
}

// lead does the look-up that mine stands for.
func (r *Resolver) lead(ctx context.Context, q Query, mine *run) {
	mine.err = ErrServers // for those who wait, should this panic
	defer r.release(q, mine)
	r.stats.Lookups.Add(1)
	limited, cancel := context.WithTimeout(ctx, r.cfg.Budget)
	defer cancel()
	hops, ttl, err := r.ask(limited, q)
	timedOut := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if gone := over(ctx); timedOut && gone != nil {
		mine.err, mine.aborted = gone, true
	} else {
		if timedOut {
			err, ttl = ErrBudget, failureTTL
		}
		r.stats.count(err)
		mine.hops, mine.err = hops, err
		if ttl > 0 {
			now := r.cfg.Clock()
			r.stats.Evicted.Add(r.cache.put(q, entry{hops, err, now.Add(ttl)}, now))
		}
	}
}

// release lets those who wait for mine go on.
func (r *Resolver) release(q Query, mine *run) {
	r.mu.Lock()
	delete(r.running, q)
	r.mu.Unlock()
	close(mine.done)
}

// ask looks up a name that is neither a literal nor in hosts.
func (r *Resolver) ask(ctx context.Context, q Query) ([]Hop, time.Duration, error) {
	t, port, err := r.choose(q)
	if err != nil {
		return nil, 0, err
	}
	addrs, ttl, err := r.addresses(ctx, q.Host)
	if err != nil {
		return nil, ttl, err
	}
	return r.appendHops(nil, addrs, t, port), ttl, nil
}
