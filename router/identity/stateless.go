package identity

import (
	"bytes"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// A Stateless is what the Via of a request that is forwarded without state
// says, RFC 3261 §16.11. Its branch depends on nothing but the transaction of
// the sender, so that a retransmission, the CANCEL and the ACK to a non-2xx of
// an INVITE get the same one.
type Stateless struct {
	token Token
	sum   uint64
	flow  transport.Flow
	named bool // flow is written out
}

// Stateless prepares the Via of a request as it came. chosen is the listener
// that would be chosen to answer by without knowing more.
func (r *Router) Stateless(j *job.Job, t Token, chosen uint16) Stateless {
	s := Stateless{token: t, sum: r.branchSum(j), flow: j.Flow}
	v, ok := j.Msg.TopVia()
	s.named = j.Flow.Conn != 0 || chosen != j.Flow.Listener ||
		ok && v.Transport != j.Flow.Transport
	return s
}

// Seed is for choices that are made anew for each message of a transaction, and are to be the same,
// RFC 3263 §4.4. It is not 0.
func (s *Stateless) Seed() uint64 { return s.sum | 1 }

// branchSum is what a stateless branch is made of: the branch of the sender,
// which is unique, with its sent-by; of an RFC 2543 sender the fields of
// §16.11, the To tag left out, since the ACK to a non-2xx has another.
func (r *Router) branchSum(j *job.Job) uint64 {
	h := r.keys.branch.Start()
	v, ok := j.Msg.TopVia()
	if !ok {
		return h.Sum()
	}
	h.Folded(v.Host)
	h.Word(uint64(v.Port))
	h.Field(v.Branch)
	if !v.RFC3261() {
		h.Field(v.Element.Value)
		h.Field(j.Msg.CallID())
		h.Field(j.Msg.FromTag())
		h.Word(uint64(j.Msg.CSeq()))
		h.Field(Received(j))
	}
	return h.Sum()
}

// statelessMark stands behind the magic cookie of a stateless branch. The
// transaction layer's branches have a hexadecimal digit there.
const statelessMark = 's'

// AppendStateless appends branch and further parameters, behind AppendVia.
//
// The parameter "flow" names the flow the request came on where the next Via
// cannot: listener and connection, with a keyed check.
func (r *Router) AppendStateless(dst []byte, s *Stateless) []byte {
	dst = append(dst, sip.MagicCookie...)
	dst = append(dst, statelessMark)
	dst = appendMAC(dst, s.sum)
	dst = append(dst, s.token[:]...)
	if !s.named {
		return dst
	}
	listener := uint64(s.flow.Listener)
	dst = append(dst, ";flow="...)
	dst = appendHex(dst, listener)
	dst = append(dst, '.')
	dst = appendHex(dst, s.flow.Conn)
	dst = append(dst, '.')
	return appendMAC(dst, r.flowSum(listener, s.flow.Conn, s.token[macLen:]))
}

func (r *Router) flowSum(listener, conn uint64, check []byte) uint64 {
	h := r.keys.flow.Start()
	h.Word(listener)
	h.Word(conn)
	h.Field(check)
	return h.Sum()
}

// Back is where a response to a request that was forwarded without state
// goes, RFC 3261 §18.2.2: by the Via under ours, as it was when the request
// came. ok false: it answers no such request of this router.
func (r *Router) Back(self *job.Self, m *sip.Message) (to transport.Target, ok bool) {
	v, ok := m.TopVia()
	if !ok || !isStateless(v.Branch) || !self.Listener(v.Host, v.Port, v.Transport) {
		return to, false
	}
	e, ok := m.NextElement(v.Element)
	if !ok {
		return to, false
	}
	next, err := sip.ParseVia(e.Value)
	if err != nil || !isMAC(branchToken(v.Branch)[macLen:], r.checkSum(m, &next)) {
		return to, false
	}
	host := next.Received
	if host == nil {
		host = next.Host
	}
	addr, ok := sip.ParseAddr(host)
	port := PortOr(next.Port, next.Transport)
	if !next.Transport.Reliable() && next.RPort != 0 {
		port = next.RPort
	}
	to.Transport, to.Listener = next.Transport, transport.AnyListener
	to.Remote = AddrPort(addr, port)
	r.readFlow(v, &to)
	return to, ok
}

func isStateless(branch []byte) bool {
	n := len(sip.MagicCookie)
	return len(branch) == n+1+3*macLen && branch[n] == statelessMark
}

var dot = []byte(".")

func (r *Router) readFlow(v *sip.ViaValue, t *transport.Target) {
	value, _ := sip.Param(v.Params, "flow")
	listener, rest, _ := bytes.Cut(value, dot)
	conn, mac, _ := bytes.Cut(rest, dot)
	names := *r.names.Load()
	l, ok := parseHex(listener)
	c, ok2 := parseHex(conn)
	if !ok || !ok2 || l >= uint64(len(names)) ||
		!isMAC(mac, r.flowSum(l, c, branchToken(v.Branch)[macLen:])) {
		return
	}
	// The connection, whatever transport the sender wrote into its Via.
	t.Listener, t.Conn, t.Transport = uint16(l), c, names[l].transport
}
