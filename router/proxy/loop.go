package proxy

import (
	"strconv"

	"sipedge/router/job"
	"sipedge/sip"
)

// token is the end of every branch of ours: what detects a loop, RFC 3261
// §16.6 step 8 with RFC 5393 §4.2, then what proves that a response answers
// a request we forwarded.
type token [2 * macLen]byte

// loopSum hashes what the routing decision depends on and a request keeps
// while it loops: a spiral differs in one of them. The method, the To tag
// and the credentials stay out, so that CANCEL and ACK get the branch of
// their INVITE.
func (p *Proxy) loopSum(j *job.Job) uint64 {
	m := j.Msg
	h := p.keys.loop.start()
	h.field(m.CallID())
	h.field(m.FromTag())
	h.word(uint64(m.CSeq()))
	h.field(received(j))
	for e, ok := m.FirstElement(sip.Route); ok; e, ok = m.NextElement(e) {
		h.field(e.Value)
	}
	src := j.Flow.Remote.Addr().As16()
	h.field(src[:])
	h.word(uint64(j.Flow.Listener))
	return h.sum()
}

// received is the Request-URI as it came.
func received(j *job.Job) []byte {
	if j.Received != nil {
		return j.Received
	}
	return j.Msg.RURI()
}

// looped reports whether one of the Vias is ours and says that this very
// request was here before.
func (p *Proxy) looped(j *job.Job, sum uint64) bool {
	top, ok := j.Msg.TopVia()
	if !ok {
		return false
	}
	if ours(j.Self, top, sum) {
		return true
	}
	e, ok := j.Msg.NextElement(top.Element)
	for ; ok; e, ok = j.Msg.NextElement(e) {
		v, err := sip.ParseVia(e.Value)
		if err == nil && ours(j.Self, &v, sum) {
			return true
		}
	}
	return false
}

func ours(self *job.Self, v *sip.ViaValue, sum uint64) bool {
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
func (p *Proxy) checkSum(m *sip.Message, next *sip.ViaValue) uint64 {
	h := p.keys.check.start()
	h.field(m.CallID())
	h.word(uint64(m.CSeq()))
	h.word(uint64(next.Transport))
	h.folded(next.Host)
	h.word(uint64(next.Port))
	h.field(next.Branch)
	h.folded(next.Received)
	h.word(uint64(next.RPort))
	return h.sum()
}

func (p *Proxy) makeToken(j *job.Job, loop uint64) (t token) {
	b := appendMAC(t[:0], loop)
	if v, ok := j.Msg.TopVia(); ok {
		appendMAC(b, p.checkSum(j.Msg, v))
	}
	return t
}

// defaultBreadth is what a request without Max-Breadth may fork into at once, RFC 5393 §5.3.3.
const defaultBreadth = 60

// breadth is the request's Max-Breadth.
func breadth(m *sip.Message) int {
	v := m.Get(sip.MaxBreadth)
	if v == nil {
		return defaultBreadth
	}
	n, err := strconv.ParseUint(string(v), 10, 16)
	if err != nil {
		return defaultBreadth
	}
	return int(n)
}

func setBreadth(m *sip.Message, n int) {
	var buf [8]byte
	v := strconv.AppendInt(buf[:0], int64(n), 10)
	switch i := m.First(sip.MaxBreadth); {
	case i < 0:
		m.Append(sip.MaxBreadth, v)
	case string(m.Value(i)) != string(v):
		m.SetValue(i, v)
	}
}
