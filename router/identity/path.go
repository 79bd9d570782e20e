package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Path, RFC 3327: what the registrar sends to who registered through us brings our URI as its
// Route,
//
//	<sip:host:port;transport=tcp;lr;flow=TOKEN;PARAMS>
//
// which leads to the flow that the REGISTER came by (RFC 5626 §5.1), and nowhere else.

// AppendPath appends the parameters of a Path that leads to f, ";flow=TOKEN".
func (r *Router) AppendPath(dst []byte, f transport.Flow) []byte {
	return r.appendFlowToken(append(dst, flowStart...), &r.keys.path, f, nil)
}

// pushPath puts our Path, of the listener that a REGISTER leaves by, before the others.
func (r *Router) pushPath(buf []byte, m *sip.Message, out Side, params []byte) []byte {
	buf = r.appendOwnURI(append(buf[:0], schemeOf(m)...), out.Listener, nil)
	buf = append(append(buf, params...), '>')
	pushRoute(m, sip.Path, buf)
	return buf
}

// takePath takes our Path out of a request that begins something, and has the request take the
// flow. ok false: none of ours with a valid token stands on top, and nothing was changed.
func (r *Router) takePath(j *job.Job) (ok bool) {
	e, ok := j.Msg.FirstElement(sip.Route)
	if !ok || j.Msg.ToTag() != nil {
		return false
	}
	u, err := RouteURI(e)
	if err != nil || u.User != nil || !j.Self.Listener(u.Host, u.Port, u.Transport()) {
		return false
	}
	token, _ := u.Param("flow")
	f, ok := r.readFlowToken(token, &r.keys.path, nil)
	if !ok {
		return false
	}
	j.Own = leaveBy(j, f)
	// A registration brought it: it may not lead where no message may.
	j.Own.URI, j.Own.Said, j.Own.Flow = j.Bytes(j.Msg.RURI()), true, true
	j.Own.Local = false
	j.Msg.RemoveElement(e)
	return true
}
