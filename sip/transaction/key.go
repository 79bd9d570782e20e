package transaction

import (
	"sipedge/sip"
	"sipedge/sip/slab"
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
func (l *Layer) requestKey(m *sip.Message, method []byte) (k key, legacy bool) {
	via, ok := m.TopVia()
	h := l.secret.StartWide()
	h.Field(method)
	h.Field(m.CallID())
	h.Field(m.FromTag())
	h.Word(uint64(m.CSeq()))
	if ok && via.RFC3261() {
		h.Field(via.Branch)
		k.lo, k.hi = h.SumWide()
		return k, false
	}
	h.Field(m.RURI())
	if ok {
		h.Field(via.Protocol)
		h.Field(via.Host)
		h.Field(via.Branch)
		h.Word(uint64(via.Port))
	}
	h.Field([]byte("2543"))
	k.lo, _ = h.SumWide()
	k.hi = l.hash(m.ToTag())
	return k, true
}

// hash is the keyed hash of one field.
func (l *Layer) hash(b []byte) uint64 {
	h := l.secret.Start()
	h.Field(b)
	return h.Sum()
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
	return lo >> slab.ShardBits & uint64(len(t.buckets)-1)
}

func (t *table) insert(s *slab.Slots[slot], i uint32) {
	if t.count >= len(t.buckets) {
		t.grow(s)
	}
	p := s.At(i)
	b := t.bucket(p.key.lo)
	p.chain = t.buckets[b]
	t.buckets[b] = i
	t.count++
}

func (t *table) remove(s *slab.Slots[slot], i uint32) {
	p := s.At(i)
	at := &t.buckets[t.bucket(p.key.lo)]
	for *at != i {
		at = &s.At(*at).chain
	}
	*at = p.chain
	t.count--
}

func (t *table) grow(s *slab.Slots[slot]) {
	old := t.buckets
	t.buckets = make([]uint32, max(64, 2*len(old)))
	for _, i := range old {
		for i != 0 {
			p := s.At(i)
			next := p.chain
			b := t.bucket(p.key.lo)
			p.chain = t.buckets[b]
			t.buckets[b] = i
			i = next
		}
	}
}
