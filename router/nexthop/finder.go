package nexthop

import (
	"context"
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// Resolver is what a Finder asks of sip/resolve.
type Resolver interface {
	Cached(dst []resolve.Hop, q resolve.Query) (hops []resolve.Hop, ok bool, err error)
	Lookup(ctx context.Context, q resolve.Query) ([]resolve.Hop, error)
}

// Finder finds hops and the listeners to send from. It is safe for concurrent use.
type Finder struct {
	Sender   transport.Sender
	Resolver Resolver // asked for names; IP literals need none
}

// Find appends where u leads to dst without blocking, places that are as good as each other by a
// seed: Query.Seed. known false: the query has to be looked up.
func (f *Finder) Find(
	dst []resolve.Hop, u *sip.URI, seed uint64,
) (hops []resolve.Hop, q resolve.Query, known bool, err error) {
	q, addr, err := resolve.QueryOf(u)
	q.Seed = seed
	if err != nil {
		return dst, q, true, err
	}
	if addr.IsValid() {
		hop, ok := HopTo(u, addr)
		if !ok {
			return dst, q, true, resolve.ErrTransport
		}
		return append(dst, hop), q, true, nil
	}
	hops, known, err = f.Resolver.Cached(dst, q)
	return hops, q, known, err
}

// Literal is where a URI leads that names an address. ok false: it names none, or asks for a
// transport there is not.
func Literal(u *sip.URI) (at netip.AddrPort, ok bool) {
	_, addr, err := resolve.QueryOf(u)
	if err != nil || !addr.IsValid() {
		return at, false
	}
	hop, ok := HopTo(u, addr)
	return hop.Addr, ok
}

// Locate calls then with where u leads past g, at once or on a goroutine of the pool. False: the
// pool is full; then is not called.
func (f *Finder) Locate(
	pool job.Pool, g *Guard, by Trust, u *sip.URI, then func([]resolve.Hop),
) bool {
	found := func(hops []resolve.Hop) {
		then(g.Hops(hops, netip.AddrPort{}, by))
	}
	hops, q, known, err := f.Find(nil, u, 0)
	switch {
	case err != nil && known:
		then(nil)
	case known:
		found(hops)
	default:
		return pool.Go(func(ctx context.Context) {
			hops, _ := f.Resolver.Lookup(ctx, q) // failed: none
			found(hops)
		})
	}
	return true
}
