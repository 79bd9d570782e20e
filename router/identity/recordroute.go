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
// the side is a WebSocket, PARAMS the policy's. TAG is keyed, over Call-ID, the
// tag of the dialog's initiator, TOKEN and PARAMS: it makes a Route of ours
// known, proves that nobody changed it, and tells by whose tag it fits which way
// a request goes.

// pushRecordRoutes puts our Record-Route on top: one, or with different
// sockets, WebSockets or names on both sides two, the egress one first. It writes in buf.
func (r *Router) pushRecordRoutes(
	buf []byte, m *sip.Message, in, out Side, s *Stamp,
) []byte {
	d := dialog{m.CallID(), m.FromTag()}
	if s.Direction == job.Upstream {
		d.tag = m.ToTag()
	}
	scheme := "<sip:"
	if u, ok := m.RequestURI(); ok && u.Scheme == sip.SIPS {
		scheme = "<sips:"
	}
	s.routes = 1
	as := s.RecordRoute
	pair := int(in.Listener) < len(*r.names.Load()) && (in.Listener != out.Listener ||
		r.token(in) != r.token(out) || !bytes.Equal(as.In, as.Out))
	if pair {
		s.routes = 2
		buf = r.appendRecordRoute(append(buf[:0], scheme...), d, in, as.In, pair, s.Params)
		pushRecordRoute(m, buf)
	}
	buf = r.appendRecordRoute(append(buf[:0], scheme...), d, out, as.Out, pair, s.Params)
	pushRecordRoute(m, buf)
	return buf
}

// dialog is what tags are of.
type dialog struct {
	callID, tag []byte // the tag of its initiator
}

func (r *Router) appendRecordRoute(
	dst []byte, d dialog, side Side, as []byte, pair bool, params []byte,
) []byte {
	n := r.name(side.Listener)
	if as == nil {
		as = n.hostport
	}
	dst = append(dst, as...)
	if n.transport != sip.UDP {
		dst = append(dst, ";transport="...)
		dst = append(dst, n.transport.String()...)
	}
	dst = append(dst, ";lr;t="...)
	at := len(dst)
	dst = appendMAC(dst, 0) // its place
	if pair {
		dst = append(dst, ";r2=on"...)
	}
	covered := len(dst)
	dst = append(appendToken(dst, r.token(side)), params...)
	appendMAC(dst[:at], r.routeSum(d.callID, d.tag, dst[covered:]))
	return append(dst, '>')
}

// pushRecordRoute puts a value before the other Record-Routes, or behind the Vias.
func pushRecordRoute(m *sip.Message, value []byte) {
	at := m.First(sip.RecordRoute)
	if at < 0 {
		at = max(m.First(sip.Via), 0)
		for at < m.Len() && m.ID(at) == sip.Via {
			at++
		}
	}
	m.Insert(at, sip.RecordRoute, value)
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
