package identity

import "sipedge/sip"

// toTagPrefix begins every To tag of ours.
const toTagPrefix = "e"

// ToTagLen is the length of a To tag of ours.
const ToTagLen = len(toTagPrefix) + macLen

// AppendToTag appends the To tag of our responses to m: keyed, over what the
// ACK to a non-2xx has in common with its INVITE (RFC 3261 §17.1.1.3), so that
// the ACK is known without state.
func (r *Router) AppendToTag(dst []byte, m *sip.Message) []byte {
	dst = append(dst, toTagPrefix...)
	return appendMAC(dst, r.toTagSum(m))
}

// OwnToTag reports whether m, an ACK, has the To tag of our response.
func (r *Router) OwnToTag(m *sip.Message) bool {
	tag := m.ToTag()
	return len(tag) == ToTagLen && string(tag[:len(toTagPrefix)]) == toTagPrefix &&
		isMAC(tag[len(toTagPrefix):], r.toTagSum(m))
}

func (r *Router) toTagSum(m *sip.Message) uint64 {
	h := r.keys.toTag.Start()
	h.Field(m.CallID())
	h.Field(m.FromTag())
	h.Word(uint64(m.CSeq()))
	if v, ok := m.TopVia(); ok {
		h.Field(v.Branch)
	}
	return h.Sum()
}
