package sip

import "bytes"

// check looks at what a router relies on and sets the body, which begins at
// raw[pos:].
func (m *Message) check(pos int) {
	at := m.findFirst()
	via := m.checkVia(at[Via])
	from := m.checkAddress(at[From], viewFrom, &m.from, errNoFrom, errFrom)
	to := m.checkAddress(at[To], viewTo, &m.to, errNoTo, errTo)
	call := m.checkCallID(at[CallID])
	seq := m.checkCSeq(at[CSeq])
	m.replyable = m.request && m.method != ACK && via && from && to && call && seq
	if i := at[MaxForwards]; i >= 0 {
		if _, ok := number(m.Value(i), 255); !ok {
			m.fail(errForwards, m.offset(i))
		}
	}
	m.checkBody(pos, at[ContentLength])
}

func (m *Message) offset(i int) int { return int(m.fields[i].off) }

// firsts are the indexes of the first field of each kind that is checked, or -1.
type firsts [ContentLength + 1]int

func (m *Message) findFirst() firsts {
	at := firsts{Via: -1, From: -1, To: -1, CallID: -1, CSeq: -1, MaxForwards: -1, ContentLength: -1}
	for i := len(m.ids) - 1; i >= 0; i-- {
		if id := m.ids[i]; int(id) < len(at) {
			at[id] = i
		}
	}
	return at
}

func (m *Message) checkRURI() {
	err := m.ruri.parse(m.RURI())
	m.decoded(viewRURI, err == nil)
	switch {
	case err == nil && m.ruri.Headers != nil:
		m.fail(errRURIHeader, int(m.uri.from)) // RFC 3261 §19.1.1, table 1
	case err != nil && hasLWS(m.ruri.Raw):
		m.fail(errRequest, int(m.token.to))
	case err != nil && bytes.IndexByte(m.ruri.Raw, 0) >= 0:
		m.fail(errControl, int(m.uri.from))
	case err != nil:
		m.fail(err, int(m.uri.from))
	}
}

// single are the header fields that a message has once, a bit for each ID.
const single = 1<<From | 1<<To | 1<<CallID | 1<<CSeq | 1<<MaxForwards | 1<<ContentLength

// checkVia reports whether a response can be routed by the top Via.
func (m *Message) checkVia(i int) bool {
	if i < 0 {
		m.fail(errNoVia, int(m.blank.off))
		return false
	}
	if m.decodeVia(i); m.valid&viewVia == 0 {
		m.fail(errVia, m.offset(i))
	}
	return len(m.via.Host) > 0
}

// checkAddress reports whether field i, a From or To, can be copied.
func (m *Message) checkAddress(i int, v view, a *NameAddr, none, bad *ParseError) bool {
	if i < 0 {
		m.fail(none, int(m.blank.off))
		return false
	}
	value := m.Value(i)
	ok := a.parse(value) == nil && !a.Star
	if m.decoded(v, ok); !ok {
		m.fail(bad, m.offset(i))
	}
	return len(value) > 0
}

// checkCallID reports whether field i can be copied.
func (m *Message) checkCallID(i int) bool {
	if i < 0 {
		m.fail(errNoCallID, int(m.blank.off))
		return false
	}
	id := m.Value(i)
	if len(id) == 0 || hasLWS(id) {
		m.fail(errCallID, m.offset(i))
	}
	return len(id) > 0
}

// checkCSeq reports whether field i can be copied.
func (m *Message) checkCSeq(i int) bool {
	if i < 0 {
		m.fail(errNoCSeq, int(m.blank.off))
		return false
	}
	value := m.Value(i)
	if m.parseCSeq(value); m.valid&viewCSeq == 0 {
		m.fail(errCSeq, m.offset(i))
	} else if m.request && string(m.seq.method) != string(m.inStart(m.token)) {
		m.fail(errMethod, m.offset(i))
	}
	return len(value) > 0
}

func hasLWS(b []byte) bool {
	for _, c := range b {
		if class[c]&isLWS != 0 {
			return true
		}
	}
	return false
}

// checkBody sets the body: by Content-Length, which is field i, without one all there is.
func (m *Message) checkBody(pos, i int) {
	size := len(m.raw) - pos
	if i >= 0 {
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
