package resolve

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// question asks the servers in turn, beginning with the one that answered last, until one
// answers. The error is ctx's or ErrServers.
func (r *Resolver) question(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	first, n := int(r.server.Load()), len(r.cfg.Servers)
	for try := range rounds * n {
		i := (first + try) % n
		m := r.exchange(ctx, r.cfg.Servers[i], name, qtype)
		if m != nil {
			r.server.Store(uint32(i))
			return m, nil
		}
		r.stats.Lost.Add(1)
		if err := over(ctx); err != nil {
			return nil, err
		}
	}
	return nil, ErrServers
}

// Reach asks a server for the name servers of the root, several times if need be, until it says
// anything at all. The error is ctx's or ErrServers.
func (r *Resolver) Reach(ctx context.Context, server netip.AddrPort) error {
	for range rounds {
		if r.try(ctx, server) {
			return nil
		}
		r.stats.Lost.Add(1)
		if err := over(ctx); err != nil {
			return err
		}
	}
	return ErrServers
}

func (r *Resolver) try(ctx context.Context, server netip.AddrPort) (answered bool) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Try)
	defer cancel()
	return r.roundTrip(ctx, "udp", server, new(dns.Msg).SetQuestion(".", dns.TypeNS)) != nil
}

// over is ctx.Err, but not a moment late: a socket's deadline can pass before the context's.
func over(ctx context.Context) error {
	if d, ok := ctx.Deadline(); ok && !time.Now().Before(d) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// exchange asks one server; nil: no answer of use. A truncated answer is asked for again over
// TCP, and a server that chokes on EDNS without it, RFC 6891 §6.2.2.
func (r *Resolver) exchange(
	ctx context.Context, server netip.AddrPort, name string, qtype uint16,
) *dns.Msg {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Try)
	defer cancel()
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.SetEdns0(udpSize, false)
	in := r.roundTrip(ctx, "udp", server, m)
	if in != nil && (in.Rcode == dns.RcodeFormatError || in.Rcode == dns.RcodeNotImplemented) {
		m.Extra = nil
		in = r.roundTrip(ctx, "udp", server, m)
	}
	if in != nil && in.Truncated {
		r.stats.Truncated.Add(1)
		in = r.roundTrip(ctx, "tcp", server, m)
	}
	if in == nil || in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError {
		return nil
	}
	return in
}

// roundTrip sends m from a new socket, so from a new random port, and reads the answer to it.
func (r *Resolver) roundTrip(
	ctx context.Context, network string, server netip.AddrPort, m *dns.Msg,
) *dns.Msg {
	c := dns.Client{Net: network, Timeout: r.cfg.Try}
	conn, err := c.DialContext(ctx, server.String())
	if err != nil {
		return nil
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	r.stats.Questions.Add(1)
	m.Id = dns.Id()
	in, _, err := c.ExchangeWithConnContext(ctx, m, conn)
	switch {
	case in == nil || !in.Response || in.Id != m.Id:
		return nil
	case err != nil && !in.Truncated:
		return nil
	case len(in.Question) != 1 || in.Question[0].Qtype != m.Question[0].Qtype ||
		!strings.EqualFold(in.Question[0].Name, m.Question[0].Name):
		// Format errors may come without the question.
		if in.Rcode != dns.RcodeFormatError {
			return nil
		}
	}
	return in
}
