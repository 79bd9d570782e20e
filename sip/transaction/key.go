package transaction

import (
	"encoding/binary"

	"sipedge/sip"
)

// A key is what a server transaction is found by, RFC 3261 §17.2.3: a keyed
// hash of 128 bits, stored instead of what was hashed. An INVITE, its ACK and
// its CANCEL have the same key.
//
// Of a peer of RFC 3261 it covers branch, method, Call-ID, From tag and CSeq
// number. The sent-by is left out: user agents change it between INVITE and
// ACK or CANCEL once rport has told them their address. What it guarded
// against, two clients with the same branch, the other fields do; a
// retransmission, an ACK and a CANCEL repeat them by definition.
//
// Of an RFC 2543 peer, whose branch says nothing, lo covers Request-URI,
// From tag, Call-ID, CSeq number and top Via as sent, hi the To tag, which an
// ACK takes from the response.
type key struct{ lo, hi uint64 }

var inviteName = []byte("INVITE")

// requestKey is the key of m as part of a transaction of that method; legacy is
// true for an RFC 2543 peer.
func (l *Layer) requestKey(w *work, m *sip.Message, method []byte) (k key, legacy bool) {
	via, ok := m.TopVia()
	b := appendField(w.key[:0], method)
	b = appendField(b, m.CallID())
	b = appendField(b, m.FromTag())
	b = binary.LittleEndian.AppendUint32(b, m.CSeq())
	if ok && via.RFC3261() {
		w.key = appendField(b, via.Branch)
		k.lo, k.hi = sum128(&l.cfg.Secret, w.key)
		return k, false
	}
	b = appendField(b, m.RURI())
	if ok {
		b = appendField(b, via.Protocol)
		b = appendField(b, via.Host)
		b = appendField(b, via.Branch)
		b = binary.LittleEndian.AppendUint16(b, via.Port)
	}
	w.key = append(b, "2543"...)
	k.lo, _ = sum128(&l.cfg.Secret, w.key)
	k.hi = l.tagHash(m.ToTag())
	return k, true
}

func (l *Layer) tagHash(tag []byte) uint64 {
	_, h := sum128(&l.cfg.Secret, tag)
	return h
}

// appendField keeps fields apart whatever is in them.
func appendField(b, field []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

// A table finds server transactions by key: chained buckets of slot indexes,
// under its shard's lock.
type table struct {
	buckets []uint32
	count   int
}

// first and next walk the slots whose key may have lo.
func (t *table) first(lo uint64) uint32 {
	if len(t.buckets) == 0 {
		return 0
	}
	return t.buckets[t.bucket(lo)]
}

// The low bits of lo choose the shard.
func (t *table) bucket(lo uint64) uint64 {
	return lo >> shardBits & uint64(len(t.buckets)-1)
}

func (t *table) insert(s *slots, i uint32) {
	if t.count >= len(t.buckets) {
		t.grow(s)
	}
	p := s.at(i)
	b := t.bucket(p.key.lo)
	p.chain = t.buckets[b]
	t.buckets[b] = i
	t.count++
}

func (t *table) remove(s *slots, i uint32) {
	p := s.at(i)
	at := &t.buckets[t.bucket(p.key.lo)]
	for *at != i {
		at = &s.at(*at).chain
	}
	*at = p.chain
	t.count--
}

func (t *table) grow(s *slots) {
	old := t.buckets
	t.buckets = make([]uint32, max(64, 2*len(old)))
	for _, i := range old {
		for i != 0 {
			p := s.at(i)
			next := p.chain
			b := t.bucket(p.key.lo)
			p.chain = t.buckets[b]
			t.buckets[b] = i
			i = next
		}
	}
}

func appendKey(b []byte, k key) []byte {
	b = binary.LittleEndian.AppendUint64(b, k.lo)
	return binary.LittleEndian.AppendUint64(b, k.hi)
}
