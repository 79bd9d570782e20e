package identity

import (
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// The parameter "flow" of our Record-Route is a flow token, RFC 5626 §5.2: of a pair each names the
// connection of its side, where that is a WebSocket. Nothing else leads to who is behind it: its
// Contact has a host that is none (RFC 7118 §5). The tag covers the token, so that nobody has
// requests sent over a connection by its number.
//
// A side that keeps a flow with us (RFC 5626 §5.3) has the token of a flow instead, good in that
// dialog (flow.go): a client straight before us whose Contact has "ob", or who is called by our
// Path.

// Side is where a request comes or leaves by.
type Side struct {
	Listener uint16
	Conn     uint64 // 0: over no connection, or over a new one
	Remote   netip.AddrPort
	Flow     bool // within the dialog requests go to Remote by it, and by nothing else
}

// keepsFlow reports whether a request, our Via on it, came straight from a client who is to be
// reached by the flow it came by, RFC 5626 §4.3.
func keepsFlow(m *sip.Message) bool {
	v, ok := m.TopVia()
	if !ok {
		return false
	}
	e, ok := m.NextElement(v.Element)
	if !ok {
		return false
	}
	if _, more := m.NextElement(e); more {
		return false
	}
	if e, ok = m.FirstElement(sip.Contact); !ok {
		return false
	}
	a, err := sip.ParseNameAddr(e.Value)
	if err != nil {
		return false
	}
	u, err := sip.ParseURI(a.URI)
	if err != nil {
		return false
	}
	_, given := u.Param("ob")
	return given
}

// token is the connection of a side, if it takes a token to be used again; 0: it takes none.
func (r *Router) token(s Side) uint64 {
	names := *r.names.Load()
	if int(s.Listener) >= len(names) || !onlyAccepted(names[s.Listener].transport) {
		return 0
	}
	return s.Conn
}

// onlyAccepted reports whether connections of a transport are opened by clients alone.
func onlyAccepted(t sip.Transport) bool { return t == sip.WS || t == sip.WSS }

// appendToken appends the parameter that leads to a side within the dialog of a Call-ID, if it has
// one.
func (r *Router) appendToken(dst []byte, s Side, callID []byte) []byte {
	conn := r.token(s)
	switch {
	case conn != 0:
		return appendHex(append(dst, flowStart...), conn)
	case s.Flow:
		return r.appendFlow(dst, transport.Flow{
			Listener: s.Listener, Conn: s.Conn, Remote: s.Remote,
		}, callID)
	}
	return dst
}

// follow has the request leave over the connection, or by the flow, that u, a Record-Route URI of
// ours, names.
func (r *Router) follow(j *job.Job, u *sip.URI) {
	names := *r.names.Load()
	text, ok := u.Param("flow")
	if f, whole := r.readFlowToken(text, &r.keys.contact, j.Msg.CallID()); whole {
		j.Own = leaveBy(j, f)
		j.Own.URI, j.Own.Flow = j.Bytes(j.Msg.RURI()), true
		return
	}
	conn, valid := parseHex(text)
	l := int(conn & 0xFFFF) // as transport.Manager gives identities
	if !ok || !valid || l >= len(names) || !onlyAccepted(names[l].transport) {
		return
	}
	if _, ours := r.tagged(j.Msg, u); ours {
		j.Own = job.Target{
			URI: j.Bytes(j.Msg.RURI()), Q: 1000, NextHop: names[l].uri, Local: true,
			Listener: uint16(l) + 1, Conn: conn,
		}
	}
}
