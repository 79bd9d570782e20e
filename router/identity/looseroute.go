package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// LooseRoute takes our Route out, RFC 3261 §16.4, the Request-URI of a strict
// router before us included, and both of a pair. ok false: no Route of ours
// with a valid tag (verify), in a request with a To tag, stands on top;
// nothing was changed. It sets Direction and Verified by the tag, RRParams,
// and SendSocket to the other side's socket if there were two.
//
// A strict router behind us is dealt with when the request is sent. What the request then has for
// a Request-URI may be a Contact that has a flow of ours, which it takes.
//
// A request without To tag that has our Path on top, as the registrar behind us sends it to who
// registered through us, takes the flow of the Path.
func (r *Router) LooseRoute(j *job.Job, verify bool) (ok bool) {
	if r.takePath(j) {
		return true
	}
	if ok = r.takeRoute(j, verify); ok {
		r.restoreFlow(j)
	}
	return ok
}

func (r *Router) takeRoute(j *job.Job, verify bool) (ok bool) {
	m := j.Msg
	e, ok := m.FirstElement(sip.Route)
	if !ok {
		return false
	}
	if u, parsed := m.RequestURI(); parsed && r.ourRoute(j, u, verify) {
		return r.restore(j, u, verify)
	}
	u, err := RouteURI(e)
	if err != nil || !r.ourRoute(j, &u, verify) {
		return false
	}
	r.took(j, &u)
	m.RemoveElement(e)
	r.takeTwin(j, &u, verify)
	return true
}

// restore takes our URI u out of the Request-URI, where a strict router has put
// it: the last Route is what stood there.
func (r *Router) restore(j *job.Job, u *sip.URI, verify bool) (ok bool) {
	m := j.Msg
	last, _ := m.LastElement(sip.Route)
	target, err := RouteURI(last)
	if err != nil {
		return false
	}
	r.took(j, u)
	was := *u
	m.SetRURI(target.Raw)
	m.RemoveElement(last)
	r.takeTwin(j, &was, verify)
	return true
}

// ourRoute reports whether u is a Record-Route URI of ours in this dialog.
func (r *Router) ourRoute(j *job.Job, u *sip.URI, verify bool) bool {
	if u.Scheme != sip.SIP && u.Scheme != sip.SIPS || u.User != nil {
		return false
	}
	if _, ok := r.tagged(j.Msg, u); !ok && verify {
		return false
	}
	if _, lr := u.Param("lr"); !lr && !verify {
		return false // a request to us, not through us
	}
	return j.Self.Listener(u.Host, u.Port, u.Transport())
}

// tagged compares the tag of u with those of the request's dialog.
func (r *Router) tagged(m *sip.Message, u *sip.URI) (job.Direction, bool) {
	to := m.ToTag()
	tag, ok := u.Param("t")
	if !ok || to == nil {
		return job.NoDirection, false
	}
	switch {
	case isMAC(tag, r.routeSum(m.CallID(), m.FromTag(), u.Params)):
		return job.Downstream, true
	case isMAC(tag, r.routeSum(m.CallID(), to, u.Params)):
		return job.Upstream, true
	}
	return job.NoDirection, false
}

// took notes what the first Route of ours says.
func (r *Router) took(j *job.Job, u *sip.URI) {
	if d, ok := r.tagged(j.Msg, u); ok {
		j.Verified, j.Direction = true, d
		var buf [128]byte
		if params := routeParams(buf[:0], u.Params); len(params) > 0 {
			j.RRParams = j.Bytes(params)
		}
	}
}

// takeTwin takes the other of a pair of which first was taken. It names the socket of the other
// side, and the WebSocket; of what is none, first does.
func (r *Router) takeTwin(j *job.Job, first *sip.URI, verify bool) {
	if !isPair(first) {
		r.follow(j, first)
		return
	}
	e, ok := j.Msg.FirstElement(sip.Route)
	if !ok {
		return
	}
	u, err := RouteURI(e)
	if err != nil || !isPair(&u) || !r.ourRoute(j, &u, verify) {
		return
	}
	if l := r.listenerOf(&u); l != transport.AnyListener {
		j.SendSocket = l
	}
	r.follow(j, &u)
	j.Msg.RemoveElement(e)
}

func isPair(u *sip.URI) bool {
	_, ok := u.Param("r2")
	return ok
}

// RouteURI parses the URI of a Route.
func RouteURI(e sip.Element) (sip.URI, error) {
	a, err := sip.ParseNameAddr(e.Value)
	if err != nil {
		return sip.URI{}, err
	}
	return sip.ParseURI(a.URI)
}
