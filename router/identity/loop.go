package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// A Token is the end of every branch of ours: what detects a loop, RFC 3261
// §16.6 step 8 with RFC 5393 §4.2, then what proves that a response answers
// a request we forwarded.
type Token [2 * macLen]byte

// Token returns the token of a request's branches; looped: one of its Vias
// is ours and says that this very request was here before.
func (r *Router) Token(j *job.Job) (t Token, looped bool) {
	top, ok := j.Msg.TopVia()
	if !ok {
		return t, false
	}
	sum := r.loopSum(j)
	appendMAC(appendMAC(t[:0], sum), r.checkSum(j.Msg, top))
	if wasHere(j.Self, top, sum) {
		return t, true
	}
	e, ok := j.Msg.NextElement(top.Element)
	for ; ok; e, ok = j.Msg.NextElement(e) {
		v, err := sip.ParseVia(e.Value)
		if err == nil && wasHere(j.Self, &v, sum) {
			return t, true
		}
	}
	return t, false
}

// loopSum hashes what the routing decision depends on and a request keeps
// while it loops: a spiral differs in one of them. The method, the To tag
// and the credentials stay out, so that CANCEL and ACK get the branch of
// their INVITE.
func (r *Router) loopSum(j *job.Job) uint64 {
	m := j.Msg
	h := r.keys.loop.Start()
	h.Field(m.CallID())
	h.Field(m.FromTag())
	h.Word(uint64(m.CSeq()))
	h.Field(Received(j))
	for e, ok := m.FirstElement(sip.Route); ok; e, ok = m.NextElement(e) {
		h.Field(e.Value)
	}
	src := j.Flow.Remote.Addr().As16()
	h.Field(src[:])
	h.Word(uint64(j.Flow.Listener))
	return h.Sum()
}

// Received is the Request-URI as it came.
func Received(j *job.Job) []byte {
	if j.Received != nil {
		return j.Received
	}
	return j.Msg.RURI()
}

func wasHere(self *job.Self, v *sip.ViaValue, sum uint64) bool {
	t := branchToken(v.Branch)
	return t != nil && isMAC(t[:macLen], sum) && self.Listener(v.Host, v.Port, v.Transport)
}

// branchToken is the token of a branch, or nil.
func branchToken(branch []byte) []byte {
	if len(branch) < len(sip.MagicCookie)+2*macLen {
		return nil
	}
	return branch[len(branch)-2*macLen:]
}

// checkSum binds a branch of ours to the request it was made for and to the
// Via that stood on top when the request came, which is where a response
// goes. Both come back in the response.
func (r *Router) checkSum(m *sip.Message, next *sip.ViaValue) uint64 {
	h := r.keys.check.Start()
	h.Field(m.CallID())
	h.Word(uint64(m.CSeq()))
	h.Word(uint64(next.Transport))
	h.Folded(next.Host)
	h.Word(uint64(next.Port))
	h.Field(next.Branch)
	h.Folded(next.Received)
	h.Word(uint64(next.RPort))
	return h.Sum()
}
