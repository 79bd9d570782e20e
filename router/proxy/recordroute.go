package proxy

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// Record-Route, RFC 3261 §16.6 step 4. Our URI is
//
//	<sip:host:port;transport=tcp;lr;t=TAG;r2=on;PARAMS>
//
// transport only when it is not UDP, r2 only on both of a pair, PARAMS the
// policy's. TAG is keyed, over Call-ID, the tag of the dialog's initiator and
// PARAMS: it makes a Route of ours known, proves that nobody changed it, and
// tells by whose tag it fits which way a request goes.

// pushRecordRoutes puts our Record-Route on top: one, or with different
// sockets on both sides two, the egress one first. It returns how many.
func (p *Proxy) pushRecordRoutes(
	sc *scratch, m *sip.Message, in, out uint16, d job.Direction, params []byte,
) int {
	tag := m.FromTag()
	if d == job.Upstream {
		tag = m.ToTag()
	}
	sum := p.routeSum(m.CallID(), tag, params)
	secure := false
	if u, ok := m.RequestURI(); ok {
		secure = u.Scheme == sip.SIPS
	}
	double := in != out && int(in) < len(p.ids)
	if double {
		sc.value = p.appendRecordRoute(sc.value[:0], in, secure, sum, true, params)
		pushRecordRoute(m, sc.value)
	}
	sc.value = p.appendRecordRoute(sc.value[:0], out, secure, sum, double, params)
	pushRecordRoute(m, sc.value)
	if double {
		return 2
	}
	return 1
}

func (p *Proxy) appendRecordRoute(
	dst []byte, l uint16, secure bool, sum uint64, double bool, params []byte,
) []byte {
	id := &p.ids[l]
	dst = append(dst, "<sip:"...)
	if secure {
		dst = append(dst[:len(dst)-1], "s:"...)
	}
	dst = append(dst, id.hostport...)
	if id.transport != sip.UDP {
		dst = append(dst, ";transport="...)
		dst = append(dst, id.transport.String()...)
	}
	dst = append(dst, ";lr;t="...)
	dst = appendMAC(dst, sum)
	if double {
		dst = append(dst, ";r2=on"...)
	}
	dst = append(dst, params...)
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
func (p *Proxy) routeSum(callID, tag, params []byte) uint64 {
	h := p.keys.route.start()
	h.field(callID)
	h.field(tag)
	for l := sip.NewParams(params); ; {
		name, value, ok := l.Next()
		if !ok {
			return h.sum()
		}
		switch string(name) {
		case "transport", "lr", "t", "r2":
		default:
			h.field(name)
			h.field(value)
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
		case "transport", "lr", "t", "r2":
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
