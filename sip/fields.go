package sip

import "bytes"

// Header fields by index.

// Len is the number of header fields.
func (m *Message) Len() int { return len(m.ids) }

// ID returns the kind of field i.
func (m *Message) ID(i int) HeaderID { return HeaderID(m.ids[i]) }

// Name returns the name of field i as written.
func (m *Message) Name(i int) []byte {
	f := &m.fields[i]
	return m.bytes(f.line)[:f.name]
}

// Value returns the value of field i, trimmed; it may hold folding, see Unfold.
func (m *Message) Value(i int) []byte {
	f := &m.fields[i]
	return m.bytes(f.line)[f.value:f.end]
}

// First returns the index of the first field of a kind, or -1.
func (m *Message) First(id HeaderID) int {
	switch {
	case m.moved:
		return bytes.IndexByte(m.ids, byte(id))
	case m.seen>>(id&63)&1 == 0:
		return -1
	case int(id) < len(m.first):
		return int(m.first[id])
	}
	return bytes.IndexByte(m.ids, byte(id))
}

// Next returns the index of the next field of the kind of i (of the same
// name for HeaderOther), or -1.
func (m *Message) Next(i int) int {
	if id := m.ID(i); id != HeaderOther {
		return m.after(i, id)
	}
	name := m.Name(i)
	for i = m.after(i, HeaderOther); i >= 0 && !equalFold(m.Name(i), name); {
		i = m.after(i, HeaderOther)
	}
	return i
}

func (m *Message) after(i int, id HeaderID) int {
	if n := bytes.IndexByte(m.ids[i+1:], byte(id)); n >= 0 {
		return i + 1 + n
	}
	return -1
}

// Find returns the index of the first field of that name, long or compact,
// without regard to case, or -1.
func (m *Message) Find(name string) int {
	id := lookupHeader(name)
	i := m.First(id)
	for id == HeaderOther && i >= 0 && !equalFold(m.Name(i), name) {
		i = m.after(i, HeaderOther)
	}
	return i
}

// Has reports whether there is a field of that kind.
func (m *Message) Has(id HeaderID) bool { return m.First(id) >= 0 }

// Get returns the value of the first field of a kind, or nil.
func (m *Message) Get(id HeaderID) []byte {
	if i := m.First(id); i >= 0 {
		return m.Value(i)
	}
	return nil
}

// What a router asks of every message, decoded when first asked for.

// TopVia is the first Via element; ok false: none, or malformed, v holding
// what could be read (a Host if a response can be routed by it). It is
// valid until the next edit of a Via.
func (m *Message) TopVia() (v *ViaValue, ok bool) {
	if m.known&viewVia == 0 {
		m.decodeVia(m.First(Via), m.Get(Via))
	}
	return &m.via, m.valid&viewVia != 0
}

// decodeVia decodes the first element from field i on, which has that value.
func (m *Message) decodeVia(i int, value []byte) {
	m.via = ViaValue{}
	if n := m.via.plain(value); n > 0 {
		m.via.Element.Value = value[:n]
		m.via.Element.field, m.via.Element.off = int32(i), uint32(m.fields[i].value)
		m.decoded(viewVia, true)
		return
	}
	m.via = ViaValue{}
	e, ok := m.element(i, 0)
	m.via.Element = e
	m.decoded(viewVia, ok && m.via.parse(e.Value) == nil)
}

// From is the From header field; ok false: none, or malformed. It is valid
// until the next edit of From.
func (m *Message) From() (a *NameAddr, ok bool) {
	a = &m.address(viewFrom).NameAddr
	return a, m.valid&viewFrom != 0
}

// To is the To header field; ok false: none, or malformed. It is valid until
// the next edit of To.
func (m *Message) To() (a *NameAddr, ok bool) {
	a = &m.address(viewTo).NameAddr
	return a, m.valid&viewTo != 0
}

// FromTag is the From tag; nil: none.
func (m *Message) FromTag() []byte { return m.address(viewFrom).tag }

// ToTag is the To tag; nil: none.
func (m *Message) ToTag() []byte { return m.address(viewTo).tag }

func (m *Message) address(v view) *address {
	a, id := &m.from, From
	if v == viewTo {
		a, id = &m.to, To
	}
	if m.known&v == 0 {
		m.decodeAddress(v, a, m.Get(id))
	}
	return a
}

func (m *Message) decodeAddress(v view, a *address, value []byte) (ok bool) {
	tag, err := a.parse(value)
	if err != nil {
		tag = a.Tag()
	}
	a.tag, ok = tag, err == nil && !a.Star
	m.decoded(v, ok)
	return ok
}

// CallID is the Call-ID, nil if there is none.
func (m *Message) CallID() []byte { return m.Get(CallID) }

// CSeq is the sequence number of CSeq; 0 also if there is none.
func (m *Message) CSeq() uint32 { return m.decodeCSeq().number }

// cseq is a CSeq value, RFC 3261 §20.16.
type cseq struct {
	number uint32
	method []byte
}

func (m *Message) decodeCSeq() *cseq {
	if m.known&viewCSeq == 0 {
		m.parseCSeq(m.Get(CSeq), nil)
	}
	return &m.seq
}

// parseCSeq decodes b and reports whether its method is the one expected, a token.
func (m *Message) parseCSeq(b, method []byte) (expected bool) {
	number, n := digits(b, 0)
	i := run(b, n, isLWS)
	expected = i < len(b) && string(b[i:]) == string(method)
	ok := n > 0 && i > n && number < 1<<31 && (expected || all(b[i:], isToken))
	if ok {
		m.seq.number, m.seq.method = uint32(number), b[i:]
	} else {
		m.seq.number, m.seq.method = 0, nil
	}
	m.decoded(viewCSeq, ok)
	return expected
}

// MaxForwards is the value of Max-Forwards, 0–255; ok: present and well-formed.
func (m *Message) MaxForwards() (n int, ok bool) {
	if m.known&viewForwards == 0 {
		m.decodeForwards(m.First(MaxForwards))
	}
	return int(m.forwards), m.valid&viewForwards != 0
}

// decodeForwards decodes field i.
func (m *Message) decodeForwards(i int) {
	v, ok := uint64(0), false
	if i >= 0 {
		v, ok = number(m.Value(i), 255)
	}
	m.forwards = uint8(v)
	m.decoded(viewForwards, ok)
}
