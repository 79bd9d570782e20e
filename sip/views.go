package sip

// What a router asks of every message, decoded when first asked for and after
// an edit. Parse has decoded all of it: it checks it.

// view is a set of decoded views.
type view uint8

const (
	viewVia view = 1 << iota
	viewFrom
	viewTo
	viewCSeq
	viewRURI
	viewForwards
)

// address is a decoded From or To with its tag.
type address struct {
	NameAddr
	tag []byte
}

// cseq is a CSeq value, RFC 3261 §20.16.
type cseq struct {
	number uint32
	method []byte
}

// TopVia is the first Via element; ok false: none, or malformed, v holding
// what could be read (a Host if a response can be routed by it). It is
// valid until the next edit of a Via.
func (m *Message) TopVia() (v *ViaValue, ok bool) {
	if m.known&viewVia == 0 {
		m.decode(viewVia)
	}
	return &m.via, m.valid&viewVia != 0
}

// From is the From header field; ok false: none, or malformed. It is valid
// until the next edit of From.
func (m *Message) From() (a *NameAddr, ok bool) {
	if m.known&viewFrom == 0 {
		m.decode(viewFrom)
	}
	return &m.from.NameAddr, m.valid&viewFrom != 0
}

// To is the To header field; ok false: none, or malformed. It is valid until
// the next edit of To.
func (m *Message) To() (a *NameAddr, ok bool) {
	if m.known&viewTo == 0 {
		m.decode(viewTo)
	}
	return &m.to.NameAddr, m.valid&viewTo != 0
}

// FromTag is the From tag; nil: none.
func (m *Message) FromTag() []byte {
	if m.known&viewFrom == 0 {
		m.decode(viewFrom)
	}
	return m.from.tag
}

// ToTag is the To tag; nil: none.
func (m *Message) ToTag() []byte {
	if m.known&viewTo == 0 {
		m.decode(viewTo)
	}
	return m.to.tag
}

// CallID is the Call-ID, nil if there is none.
func (m *Message) CallID() []byte { return m.Get(CallID) }

// CSeq is the sequence number of CSeq; 0 also if there is none.
func (m *Message) CSeq() uint32 {
	if m.known&viewCSeq == 0 {
		m.decode(viewCSeq)
	}
	return m.seq.number
}

func (m *Message) cseqMethod() []byte {
	if m.known&viewCSeq == 0 {
		m.decode(viewCSeq)
	}
	return m.seq.method
}

// MaxForwards is the value of Max-Forwards, 0–255; ok: present and well-formed.
func (m *Message) MaxForwards() (n int, ok bool) {
	if m.known&viewForwards == 0 {
		m.decode(viewForwards)
	}
	return int(m.forwards), m.valid&viewForwards != 0
}

// RequestURI is the Request-URI parsed; ok false: a response or malformed.
// It is valid until the next SetRURI.
func (m *Message) RequestURI() (u *URI, ok bool) {
	if m.known&viewRURI == 0 {
		m.decode(viewRURI)
	}
	return &m.ruri, m.valid&viewRURI != 0
}

// decode decodes one view of the message as it stands.
func (m *Message) decode(v view) {
	switch v {
	case viewVia:
		m.decodeVia(m.First(Via), m.Get(Via))
	case viewFrom:
		m.decodeAddress(v, &m.from, m.Get(From))
	case viewTo:
		m.decodeAddress(v, &m.to, m.Get(To))
	case viewCSeq:
		m.decodeCSeq(m.Get(CSeq), nil)
	case viewForwards:
		m.decodeForwards(m.Get(MaxForwards))
	case viewRURI:
		m.decoded(v, m.ruri.parse(m.RURI()) == nil)
	}
}

// decoded notes that a view has been decoded.
func (m *Message) decoded(v view, ok bool) {
	m.known |= v
	m.valid &^= v
	if ok {
		m.valid |= v
	}
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

func (m *Message) decodeAddress(v view, a *address, value []byte) (ok bool) {
	tag, err := a.parse(value)
	if err != nil {
		tag = a.Tag()
	}
	a.tag, ok = tag, err == nil && !a.Star
	m.decoded(v, ok)
	return ok
}

// decodeCSeq reports whether the method is the one expected, a token.
func (m *Message) decodeCSeq(value, method []byte) (expected bool) {
	number, n := digits(value, 0)
	i := run(value, n, isLWS)
	expected = i < len(value) && string(value[i:]) == string(method)
	ok := n > 0 && i > n && number < 1<<31 && (expected || all(value[i:], isToken))
	if ok {
		m.seq.number, m.seq.method = uint32(number), value[i:]
	} else {
		m.seq.number, m.seq.method = 0, nil
	}
	m.decoded(viewCSeq, ok)
	return expected
}

func (m *Message) decodeForwards(value []byte) {
	v, ok := number(value, 255)
	m.forwards = uint8(v)
	m.decoded(viewForwards, ok)
}
