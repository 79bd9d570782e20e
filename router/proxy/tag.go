package proxy

import "sipedge/sip"

// toTagPrefix begins every To tag of ours.
const toTagPrefix = "e"

// appendToTag appends the To tag of our responses to m: keyed, over what
// the ACK to a non-2xx has in common with its INVITE (RFC 3261 §17.1.1.3),
// so that the ACK is known without state.
func (p *Proxy) appendToTag(dst []byte, m *sip.Message) []byte {
	dst = append(dst, toTagPrefix...)
	return appendMAC(dst, p.toTagSum(m))
}

func (p *Proxy) toTagSum(m *sip.Message) uint64 {
	h := p.keys.toTag.start()
	h.field(m.CallID())
	h.field(m.FromTag())
	h.word(uint64(m.CSeq()))
	if v, ok := m.TopVia(); ok {
		h.field(v.Branch)
	}
	return h.sum()
}

// TagAbsorbs reports whether an ACK's To tag is one of our responses': the
// ACK ends here. The router asks before any rule runs.
func (p *Proxy) TagAbsorbs(m *sip.Message) bool {
	tag := m.ToTag()
	if len(tag) != len(toTagPrefix)+macLen || string(tag[:len(toTagPrefix)]) != toTagPrefix ||
		!isMAC(tag[len(toTagPrefix):], p.toTagSum(m)) {
		return false
	}
	p.stats.absorbedACKs.Add(1)
	return true
}
