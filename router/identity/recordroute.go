package identity

import (
	"bytes"

	"sipedge/router/job"
	"sipedge/sip"
)

// Record-Route, RFC 3261 §16.6 step 4. Our URI is
//
//	<sip:host:port;transport=tcp;lr;t=TAG;r2=on;flow=TOKEN;PARAMS>
//
// host:port what the listener of the side is called unless the policy says it,
// transport only when it is not UDP, r2 only on both of a pair, TOKEN where
// the side is a WebSocket or keeps a flow, PARAMS the policy's. TAG is keyed, over Call-ID, the
// tag of the dialog's initiator, TOKEN and PARAMS: it makes a Route of ours
// known, proves that nobody changed it, and tells by whose tag it fits which way
// a request goes.

// pushRecordRoutes puts our Record-Route on top: one, or with different
// sockets, WebSockets, flows or names on both sides two, the egress one first. It writes in buf.
func (r *Router) pushRecordRoutes(
	buf []byte, m *sip.Message, in, out Side, s *Stamp,
) []byte {
	d := dialog{m.CallID(), m.FromTag()}
	if s.Direction == job.Upstream {
		d.tag = m.ToTag()
	}
	scheme := schemeOf(m)
	s.routes = 1
	as := s.RecordRoute
	in.Flow = in.Remote.IsValid() && keepsFlow(m)
	pair := int(in.Listener) < len(*r.names.Load()) && (in.Listener != out.Listener ||
		r.token(in) != r.token(out) || in.Flow || out.Flow || !bytes.Equal(as.In, as.Out))
	if pair {
		s.routes = 2
		buf = r.appendRecordRoute(append(buf[:0], scheme...), d, in, as.In, pair, s.Params)
		pushRoute(m, sip.RecordRoute, buf)
	}
	buf = r.appendRecordRoute(append(buf[:0], scheme...), d, out, as.Out, pair, s.Params)
	pushRoute(m, sip.RecordRoute, buf)
	return buf
}

// schemeOf is how our URI begins in the route set that a request makes, RFC 3261 §16.6 step 4.
func schemeOf(m *sip.Message) string {
	if u, ok := m.RequestURI(); ok && u.Scheme == sip.SIPS {
		return "<sips:"
	}
	return "<sip:"
}

// dialog is what tags are of.
type dialog struct {
	callID, tag []byte // the tag of its initiator
}

func (r *Router) appendRecordRoute(
	dst []byte, d dialog, side Side, as []byte, pair bool, params []byte,
) []byte {
	dst = append(r.appendOwnURI(dst, side.Listener, as), ";t="...)
	at := len(dst)
	dst = appendMAC(dst, 0) // its place
	if pair {
		dst = append(dst, ";r2=on"...)
	}
	covered := len(dst)
	dst = append(r.appendToken(dst, side, d.callID), params...)
	appendMAC(dst[:at], r.routeSum(d.callID, d.tag, dst[covered:]))
	return append(dst, '>')
}

// appendOwnURI appends, behind the scheme, the URI of a listener for route sets, with as for its
// host and port; nil: its own.
func (r *Router) appendOwnURI(dst []byte, listener uint16, as []byte) []byte {
	n := r.name(listener)
	if as == nil {
		as = n.hostport
	}
	dst = append(dst, as...)
	if n.transport != sip.UDP {
		dst = append(append(dst, ";transport="...), n.transport.String()...)
	}
	return append(dst, ";lr"...)
}

// pushRoute puts a value before the other Record-Routes, or Paths, or else behind the Vias.
func pushRoute(m *sip.Message, id sip.HeaderID, value []byte) {
	at := m.First(id)
	if at < 0 {
		at = max(m.First(sip.Via), 0)
		for at < m.Len() && m.ID(at) == sip.Via {
			at++
		}
	}
	m.Insert(at, id, value)
}

// routeSum is the tag's value. params are ";name=value" in their order.
func (r *Router) routeSum(callID, tag, params []byte) uint64 {
	h := r.keys.route.Start()
	h.Field(callID)
	h.Field(tag)
	for l := sip.NewParams(params); ; {
		name, value, ok := l.Next()
		if !ok {
			return h.Sum()
		}
		switch string(name) {
		case "transport", "lr", "t", "r2":
		default:
			h.Field(name)
			h.Field(value)
		}
	}
}

// routeParams appends the policy's part of the parameters of our URI.
func routeParams(dst, params []byte) []byte {
	for l := sip.NewParams(params); ; {
		name, value, ok := l.Next()
		if !ok {
			return dst
		}
		switch string(name) {
		case "transport", "lr", "t", "r2", "flow":
			continue
		}
		dst = append(dst, ';')
		dst = append(dst, name...)
		if value != nil {
			dst = append(dst, '=')
			dst = append(dst, value...)
		}
	}
}
