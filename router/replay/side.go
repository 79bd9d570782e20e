package replay

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sipedge/router/job"
	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/recording"
	"sipedge/sip/transport"
)

// side is one of the two policies.
type side struct {
	doc       *schema.Document
	hosts     scene.Hosts
	own       []netip.Addr
	listeners []transport.Listener
	world     *scene.World // nil: none is made yet
}

func (r *replay) side(doc *schema.Document) *side {
	return &side{
		doc: doc, hosts: r.hosts, own: r.Own, listeners: scene.Listeners(doc, r.Own...),
	}
}

// play plays a request at a time. Its transactions stay in the world: none may
// come twice.
func (s *side) play(q *request, a *arrival, now time.Time) (*Fate, error) {
	if a.err != nil {
		return &Fate{Refused: a.err.Error()}, nil
	}
	if s.world == nil || s.world.Crowded() {
		var err error
		out := scene.Outside{Hosts: s.hosts}
		if s.world, err = scene.Start(s.doc, out, now, 0, s.own...); err != nil {
			return nil, err
		}
	}
	s.world.Wait(now)
	s.world.Forget()
	seen := &scene.Scene{Trace: job.Trace{Brief: true}}
	if err := s.world.AskNow(seen, a.origin, &scene.Message{Raw: q.m.Bytes}); err != nil {
		return nil, err
	}
	if seen.Panics > 0 {
		s.world = nil
	}
	return q.fate(seen), nil
}

// request is a recorded request on its way to both policies.
type request struct {
	m        *recording.Message
	callID   string
	old, new arrival
}

// arrival is how a request comes to a policy's listeners; err: it does not.
type arrival struct {
	origin scene.Origin
	flow   transport.Flow
	err    error
}

// arrive finds the listener by which a request comes. What the recording does not
// tell, the topmost Via may; but that is taken only where it leads to a listener.
func arrive(m *recording.Message, p *sip.Message, listeners []transport.Listener) (a arrival) {
	kinds, froms := []sip.Transport{m.Transport}, []netip.AddrPort{m.From}
	if via, ok := p.TopVia(); ok && m.Transport == sip.NoTransport {
		kinds = []sip.Transport{via.Transport, sip.NoTransport}
	}
	if via, ok := p.TopVia(); ok && !m.From.IsValid() {
		froms = []netip.AddrPort{sender(via), {}}
	}
	for _, from := range froms {
		for _, kind := range kinds {
			o := origin(kind, from, m.To, listeners)
			flow, err := o.Flow(listeners)
			if err == nil {
				return arrival{origin: o, flow: flow}
			}
			if a.err == nil {
				a.err = err
			}
		}
	}
	return a
}

func origin(
	kind sip.Transport, from, to netip.AddrPort, listeners []transport.Listener,
) (o scene.Origin) {
	if from.IsValid() {
		o.Source = from.String()
	}
	if kind != sip.NoTransport {
		o.Source += "/" + kind.String()
	}
	for _, l := range listeners {
		if l.Transport == kind && l.Addr == to {
			o.Listener = fmt.Sprintf("%s:%s", kind, to)
		}
	}
	return o
}

// sender is where a request came from by its topmost Via, RFC 3261 §18.2.1,
// RFC 3581; not valid: it names a host.
func sender(v *sip.ViaValue) netip.AddrPort {
	host, port := v.Host, v.Port
	if len(v.Received) > 0 {
		host = v.Received
	}
	if v.RPort != 0 {
		port = v.RPort
	}
	if port == 0 {
		port = v.Transport.DefaultPort()
	}
	addr, _ := sip.ParseAddr(host)
	if !addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), port)
}

// line is the start line.
func (q *request) line() string {
	line, _, _ := strings.Cut(string(q.m.Bytes), "\n")
	return strings.TrimSuffix(line, "\r")
}

// source is where it came from, for one policy or the other.
func (q *request) source() string {
	f := q.old.flow
	if q.old.err != nil {
		f = q.new.flow
	}
	return f.Remote.String() + "/" + f.Transport.String()
}
