package sip

// check looks at what a router relies on and sets the body, which begins at
// raw[pos:].
func (m *Message) check(pos int) {
	if m.request {
		m.checkRURI()
	}
	via := m.checkVia()
	addresses := m.checkAddresses()
	sequence := m.checkSequence()
	m.replyable = m.request && m.method != ACK && via && addresses && sequence
	if i := m.First(MaxForwards); i >= 0 {
		if _, ok := number(m.Value(i), 255); !ok {
			m.fail(errForwards, m.offset(i))
		}
	}
	m.checkBody(pos)
}

func (m *Message) offset(i int) int { return int(m.fields[i].off) }

func (m *Message) checkRURI() {
	if u, ok := m.RequestURI(); !ok {
		_, err := ParseURI(m.RURI())
		m.fail(err.(*ParseError), int(m.uri.from))
	} else if u.Headers != nil {
		m.fail(errRURIHeader, int(m.uri.from)) // RFC 3261 §19.1.1, table 1
	}
}

// single are the header fields that a message has once, a bit for each ID.
const single = 1<<From | 1<<To | 1<<CallID | 1<<CSeq | 1<<MaxForwards | 1<<ContentLength

// checkVia reports whether a response can be routed by the top Via.
func (m *Message) checkVia() bool {
	i := m.First(Via)
	if i < 0 {
		m.fail(errNoVia, int(m.blank.off))
		return false
	}
	v, ok := m.TopVia()
	if !ok {
		m.fail(errVia, m.offset(i))
	}
	return len(v.Host) > 0
}

// checkAddresses reports whether there are a From and a To to copy.
func (m *Message) checkAddresses() bool {
	from, to := m.First(From), m.First(To)
	if from < 0 {
		m.fail(errNoFrom, int(m.blank.off))
	} else if m.decode(viewFrom, From, &m.from); m.valid&viewFrom == 0 {
		m.fail(errFrom, m.offset(from))
	}
	if to < 0 {
		m.fail(errNoTo, int(m.blank.off))
	} else if m.decode(viewTo, To, &m.to); m.valid&viewTo == 0 {
		m.fail(errTo, m.offset(to))
	}
	return from >= 0 && to >= 0 && len(m.Value(from)) > 0 && len(m.Value(to)) > 0
}

// checkSequence reports whether there are a Call-ID and a CSeq to copy.
func (m *Message) checkSequence() bool {
	call, seq := m.First(CallID), m.First(CSeq)
	if call < 0 {
		m.fail(errNoCallID, int(m.blank.off))
	} else if id := m.Value(call); len(id) == 0 || hasLWS(id) {
		m.fail(errCallID, m.offset(call))
	}
	if seq < 0 {
		m.fail(errNoCSeq, int(m.blank.off))
	} else if c := m.decodeCSeq(); m.valid&viewCSeq == 0 {
		m.fail(errCSeq, m.offset(seq))
	} else if m.request && string(c.method) != string(m.MethodName()) {
		m.fail(errMethod, m.offset(seq))
	}
	return call >= 0 && seq >= 0 && len(m.Value(call)) > 0 && len(m.Value(seq)) > 0
}

func hasLWS(b []byte) bool {
	for _, c := range b {
		if class[c]&isLWS != 0 {
			return true
		}
	}
	return false
}

// checkBody sets the body: by Content-Length, without one all there is.
func (m *Message) checkBody(pos int) {
	size := len(m.raw) - pos
	if i := m.First(ContentLength); i >= 0 {
		n, ok := number(m.Value(i), MaxMessage*16)
		switch {
		case !ok:
			m.fail(errLength, m.offset(i))
		case int(n) > size:
			m.fail(errShort, m.offset(i))
		default:
			size = int(n)
		}
	}
	m.raw = m.raw[:pos+size]
	m.body = line{off: uint32(pos), size: uint32(size)}
}
