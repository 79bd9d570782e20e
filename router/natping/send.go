package natping

import (
	"errors"
	"net/netip"
	"time"

	"sipedge/backends"
	"sipedge/router/nexthop"
	"sipedge/router/registrar"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// ping pings the client of a binding, if its address is known.
func (p *Pinger) ping(set *policy, now time.Time, aor []byte, b *backends.Binding) {
	r, ok := registrar.ReachOf(set.Self, b, p.hops, &set.Guard)
	if !ok {
		return
	}
	p.hops = r.Hops
	if r.Said && !set.Guard.Allows(r.Hops[0].Addr, netip.AddrPort{}, nexthop.Told) {
		return
	}
	if !p.ask(set.Lost, now, aor, b) {
		return
	}
	err := p.send(set, newToken(p.key, b.ID, now.UnixMilli()), &r)
	if err != nil {
		p.unsent.Add(1)
	} else {
		p.sent.Add(1)
	}
	switch {
	case err == nil && set.CRLF: // nothing more can be known
		p.Forget(b.ID)
	case err != nil && !errors.Is(err, transport.ErrClosed) && !errors.Is(err, transport.ErrQueueFull):
		p.takeBack(b.ID) // it is not the client who can't be reached
	}
}

// send sends a ping by the first hop that takes it.
func (p *Pinger) send(set *policy, mark token, r *registrar.Reach) (err error) {
	for _, hop := range r.Hops {
		one := p.sendTo(set, &mark, r, hop)
		if one == nil {
			return nil
		}
		err = errors.Join(err, one)
	}
	return err
}

func (p *Pinger) sendTo(
	set *policy, mark *token, r *registrar.Reach, hop resolve.Hop,
) error {
	l, text := p.cfg.Way.Egress(set.start(p.text[:0], r.URI), r.Listener, hop)
	if l == transport.AnyListener {
		return transport.ErrNoListener
	}
	if set.CRLF {
		text = keepAlive
	} else {
		text = set.end(text, r.URI, mark)
		p.text = text
	}
	return p.cfg.Sender.Send(transport.Target{
		Transport: hop.Transport, Listener: l, Remote: hop.Addr,
		Name: hop.Name, Conn: hop.Conn, NoDial: hop.Conn != 0,
	}, text, 0)
}
