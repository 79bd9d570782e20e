package sip

import "bytes"

// check looks at what a router relies on and sets the body, which begins at
// raw[pos:].
func (m *Message) check(pos int) {
	via := m.checkVia(m.firstSeen(Via))
	from := m.checkAddress(m.firstSeen(From), viewFrom, &m.from, errNoFrom, errFrom)
	to := m.checkAddress(m.firstSeen(To), viewTo, &m.to, errNoTo, errTo)
	call := m.checkCallID(m.firstSeen(CallID))
	seq := m.checkCSeq(m.firstSeen(CSeq))
	m.replyable = m.request && m.method != ACK && via && from && to && call && seq
	if i := m.firstSeen(MaxForwards); i >= 0 {
		if m.decodeForwards(m.received(i)); m.valid&viewForwards == 0 {
			m.fail(errForwards, m.offset(i))
		}
	}
	m.checkBody(pos, m.firstSeen(ContentLength))
}

func (m *Message) offset(i int) int { return int(m.fields[i].off) }

// received is Value of a field that is as it was received.
func (m *Message) received(i int) []byte {
	f := &m.fields[i]
	return m.raw[f.off+uint32(f.value) : f.off+f.end]
}

// firstSeen returns the index of the first field of a kind that is checked, or -1.
func (m *Message) firstSeen(id HeaderID) int {
	if m.seen&(1<<id) == 0 {
		return -1
	}
	return int(m.first[id])
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
	if m.decodeVia(i, m.received(i)); m.valid&viewVia == 0 {
		m.fail(errVia, m.offset(i))
	}
	return len(m.via.Host) > 0
}

// checkAddress reports whether field i, a From or To, can be copied.
func (m *Message) checkAddress(i int, v view, a *address, none, bad *ParseError) bool {
	if i < 0 {
		m.fail(none, int(m.blank.off))
		return false
	}
	value := m.received(i)
	if !m.decodeAddress(v, a, value) {
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
	id := m.received(i)
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
	value := m.received(i)
	expected := m.decodeCSeq(value, m.raw[:m.token.to])
	if m.valid&viewCSeq == 0 {
		m.fail(errCSeq, m.offset(i))
	} else if m.request && !expected {
		m.fail(errMethod, m.offset(i))
	}
	return len(value) > 0
}

func hasLWS(b []byte) bool { return longRun(b, 0, isText) < len(b) }

// checkBody sets the body: by Content-Length, which is field i, without one all there is.
func (m *Message) checkBody(pos, i int) {
	size := len(m.raw) - pos
	if i >= 0 {
		n, ok := number(m.received(i), MaxMessage*16)
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
