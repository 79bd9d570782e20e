package resolve

import (
	"context"
	"errors"
	"net/netip"

	"sipedge/sip"
)

// Hop is one place a request can be sent to, RFC 3263 §4.
type Hop struct {
	Transport sip.Transport
	Addr      netip.AddrPort
}

// Query is what of a URI decides where it leads. It is comparable: the cache's key.
type Query struct {
	Host      string        // an IP literal (no brackets) or a domain name, lower case
	Port      uint16        // 0: none given
	Transport sip.Transport // of the transport parameter; NoTransport: none given
	Secure    bool          // sips
}

var (
	ErrNotFound  = errors.New("no such host") // DNS answered: there is none
	ErrBudget    = errors.New("name resolution ran out of time")
	ErrTransport = errors.New("transport not supported") // none of what the name offers is
)

// Resolver answers queries by RFC 3263 with a cache. It is safe for concurrent use.
type Resolver struct{ cfg Config }

// Config of a Resolver. The zero value uses the system's resolvers.
type Config struct {
	Servers []netip.AddrPort // DNS servers; none: those of /etc/resolv.conf
	// see the fields the implementation adds: Budget, CacheSize, Clock, Hosts, IPv4/IPv6 preference …
}

// New starts nothing; every look-up happens on its caller.
func New(cfg Config) *Resolver { return &Resolver{cfg: cfg} }

// Cached answers without blocking: literals at once, names when the cache has them. ok false: call Lookup,
// not on a worker. hops are in order of preference, appended to dst (no allocation for literals when dst has room).
func (r *Resolver) Cached(dst []Hop, q Query) (hops []Hop, ok bool, err error) { panic("contract") }

// Lookup asks the DNS within the budget and ctx. One look-up per query runs at a time; others wait for it.
func (r *Resolver) Lookup(ctx context.Context, q Query) ([]Hop, error) { panic("contract") }
