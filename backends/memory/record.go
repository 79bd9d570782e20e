package memory

import (
	"bytes"
	"math"
	"time"

	"sipedge/backends"
	"sipedge/sip/slab"
)

// A record is a binding. Its texts are one piece: the address of record, then those of fields.
type record struct {
	id       uint64
	expires  int64 // Unix milliseconds
	modified int64 // Unix milliseconds
	text     slab.Piece
	next     uint32 // of the same address of record, in the order in which they came; 0: the last
	later    uint32 // in the bucket of the wheel
	earlier  uint32
	cseq     uint32
	flags    uint32
	methods  uint32
	regID    uint32
	agent    uint32 // number of the common phrase; 0: it is in text
	listener uint32 // number of the common phrase; 0: it is in text
	q        uint16
	bucket   uint16 // of the wheel
	aor      uint16 // bytes of text that are
	size     [fields]uint16
}

// The texts of a record, in their order.
const (
	contact = iota
	received
	path
	callID
	instance
	attr
	agent
	listener
	fields
)

// texts are those of a binding; what is a common phrase is not among them.
func (r *record) texts(b *backends.Binding) [fields][]byte {
	t := [fields][]byte{
		contact: b.Contact, received: b.Received, path: b.Path, callID: b.CallID,
		instance: b.Instance, attr: b.Attr,
	}
	if r.agent == 0 {
		t[agent] = b.UserAgent
	}
	if r.listener == 0 {
		t[listener] = b.Listener
	}
	return t
}

// take takes over the numbers of a binding.
func (r *record) take(b *backends.Binding) {
	r.expires, r.modified = b.Expires.UnixMilli(), b.Modified.UnixMilli()
	r.cseq, r.flags, r.methods, r.regID = b.CSeq, b.Flags, b.Methods, b.RegID
	r.q = uint16(min(max(b.Q, 0), math.MaxUint16))
}

// read makes b the binding of a record: its texts are where they are kept.
func (sh *shard) read(r *record, b *backends.Binding) {
	text := sh.texts.Bytes(r.text)[r.aor:]
	cut := func(f int) (field []byte) {
		n := r.size[f]
		field, text = text[:n:n], text[n:]
		return field
	}
	*b = backends.Binding{
		ID: r.id, CSeq: r.cseq, Q: int(r.q), Flags: r.flags, Methods: r.methods, RegID: r.regID,
		Expires:  time.UnixMilli(r.expires).UTC(),
		Modified: time.UnixMilli(r.modified).UTC(),
	}
	b.Contact, b.Received, b.Path = cut(contact), cut(received), cut(path)
	b.CallID, b.Instance, b.Attr = cut(callID), cut(instance), cut(attr)
	b.UserAgent, b.Listener = cut(agent), cut(listener)
	if r.agent != 0 {
		b.UserAgent = sh.phrases.at(r.agent)
	}
	if r.listener != 0 {
		b.Listener = sh.phrases.at(r.listener)
	}
}

// write keeps a binding in a record, which was empty or another of the same address of record.
func (sh *shard) write(r *record, aor []byte, b *backends.Binding) {
	r.take(b)
	r.agent = sh.phrases.keep(r.agent, b.UserAgent)
	r.listener = sh.phrases.keep(r.listener, b.Listener)
	texts := r.texts(b)
	old := r.text
	if old != (slab.Piece{}) && sh.same(r, &texts) {
		return
	}
	n := len(aor)
	for _, t := range texts {
		n += len(t)
	}
	var room []byte
	r.text, room = sh.texts.Take(n)
	r.aor = uint16(copy(room, aor))
	room = room[len(aor):]
	for f, t := range texts {
		r.size[f] = uint16(copy(room, t))
		room = room[len(t):]
	}
	sh.texts.Free(&old)
}

// same reports whether a record has these texts.
func (sh *shard) same(r *record, texts *[fields][]byte) bool {
	kept := sh.texts.Bytes(r.text)[r.aor:]
	for f, t := range texts {
		n := int(r.size[f])
		if n != len(t) || !bytes.Equal(kept[:n], t) {
			return false
		}
		kept = kept[n:]
	}
	return true
}

func (sh *shard) aorOf(r *record) []byte { return sh.texts.Bytes(r.text)[:r.aor:r.aor] }
