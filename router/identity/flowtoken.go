package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// The parameter "flow" of our Record-Route is a flow token, RFC 5626 §5.2: of a pair each names the
// connection of its side, where that is a WebSocket. Nothing else leads to who is behind it: its
// Contact has a host that is none (RFC 7118 §5). The tag covers the token, so that nobody has
// requests sent over a connection by its number.

// Side is where a request comes or leaves by.
type Side struct {
	Listener uint16
	Conn     uint64 // 0: over no connection, or over a new one
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

func appendToken(dst []byte, conn uint64) []byte {
	if conn == 0 {
		return dst
	}
	return appendHex(append(dst, ";flow="...), conn)
}

// follow has the request leave over the connection that u, a Record-Route URI of ours, names.
func (r *Router) follow(j *job.Job, u *sip.URI) {
	names := *r.names.Load()
	text, ok := u.Param("flow")
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
