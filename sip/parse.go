package sip

import "bytes"

// Parse indexes b and checks what a router relies on: start line, top Via,
// From, To, Call-ID, CSeq (its method against the request's), Max-Forwards,
// Content-Length, duplicates of single-valued header fields, the Request-URI.
// b is one datagram or one framed message; bytes beyond Content-Length are
// dropped (RFC 3261 §18.3), fewer are an error. m keeps b until the next
// Parse. After an error the getters still answer what was found, so that a
// request can be refused if Replyable. Errors are *ParseError, preallocated:
// in m, until the next Parse.
func (m *Message) Parse(b []byte) error {
	m.reset()
	skip := 0
	for skip < len(b) && (b[skip] == '\r' || b[skip] == '\n') {
		skip++ // RFC 3261 §7.5
	}
	m.raw = b[skip:]
	if len(b) > MaxMessage {
		m.fail(errSize, MaxMessage)
		m.raw = m.raw[:min(len(m.raw), MaxMessage)]
	}
	if len(m.raw) == 0 {
		m.fail(errEmpty, 0)
	} else {
		pos := m.parseStart()
		pos = m.parseFields(pos)
		m.check(pos)
	}
	if !m.failed {
		return nil
	}
	m.err.Offset += skip
	return &m.err
}

func (m *Message) reset() {
	m.text, m.ids, m.fields = m.text[:0], m.ids[:0], m.fields[:0]
	m.start, m.blank, m.body = line{}, line{}, line{}
	m.request, m.method, m.status = false, Other, 0
	m.token, m.uri, m.reason = span{}, span{}, span{}
	m.replyable, m.edited, m.moved, m.failed = false, false, false, false
	m.known, m.seen = 0, 0 // first: of the kinds seen only
}

// fail keeps the first error.
func (m *Message) fail(err *ParseError, offset int) {
	if !m.failed {
		m.failed, m.err = true, *err
		m.err.Offset = offset
	}
}

// parseStart reads the start line and returns where the header section begins.
func (m *Message) parseStart() int {
	end := controlRun(m.raw, 0)
	next := end + 2
	if next > len(m.raw) || string(m.raw[end:next]) != "\r\n" {
		end, next, _ = lineEnd(m.raw, 0)
	}
	m.start = line{size: uint32(next)}
	b := m.raw[:end]
	switch {
	case m.plainRequestLine(b):
	case beginsStatusLine(b):
		m.parseStatusLine(b)
	default:
		m.parseRequestLine(b)
	}
	return next
}

// plainRequestLine reads a request line if it is as nearly all are.
func (m *Message) plainRequestLine(b []byte) (ok bool) {
	const version = " SIP/2.0"
	sp1, sp2 := run(b, 0, isToken), len(b)-len(version)
	if sp1 == 0 || sp1 >= sp2 || b[sp1] != ' ' || string(b[sp2:]) != version {
		return false
	}
	if m.ruri.parse(b[sp1+1:sp2]) != nil || m.ruri.Headers != nil {
		return false
	}
	m.decoded(viewRURI, true)
	m.request, m.method = true, LookupMethod(b[:sp1])
	m.token.to = uint32(sp1)
	m.uri.from, m.uri.to = uint32(sp1+1), uint32(sp2)
	return true
}

// isStartLine reports whether b, a line without its end, is a start line,
// however malformed and of any version.
func isStartLine(b []byte) bool {
	if beginsStatusLine(b) {
		return true
	}
	_, _, ok := splitRequestLine(b)
	return ok
}

func beginsStatusLine(b []byte) bool { return len(b) >= 4 && equalFold(b[:4], "SIP/") }

// parseStatusLine reads SIP-Version SP Status-Code SP Reason-Phrase. A
// missing last space is tolerated.
func (m *Message) parseStatusLine(b []byte) {
	if i := max(bytes.IndexByte(b, 0), bytes.IndexByte(b, '\r')); i >= 0 {
		m.fail(errControl, i)
	}
	const version = len("SIP/2.0")
	if len(b) < version+len(" 200") || b[version] != ' ' {
		m.fail(errStatusLine, 0)
		return
	}
	if !equalFold(b[:version], "SIP/2.0") {
		m.fail(errVersion, 0)
	}
	code, reason := b[version+1:], len(b)
	if n := run(code, 0, isDigit); n != 3 || n < len(code) && code[n] != ' ' {
		m.fail(errStatus, version+1)
		return
	} else if n < len(code) {
		reason = version + 1 + n + 1
	}
	status, _ := number(code[:3], 999)
	if status < 100 || status > 699 {
		m.fail(errStatus, version+1)
		return
	}
	m.status = int(status)
	m.reason = span{uint32(reason), uint32(len(b))}
}

// parseRequestLine reads Method SP Request-URI SP SIP-Version. What looks
// like a request but is not well-formed is told apart from garbage, so that
// it can be refused.
func (m *Message) parseRequestLine(b []byte) {
	sp1, sp2, ok := splitRequestLine(b)
	if !ok {
		m.fail(errRequest, 0)
		return
	}
	m.request = true
	m.method = LookupMethod(b[:sp1])
	m.token = span{0, uint32(sp1)}
	from := run(b[:sp2], sp1+1, isLWS)
	uri, version := trimRight(b[from:sp2]), trimRight(b[sp2+1:])
	m.uri = span{uint32(from), uint32(from + len(uri))}
	switch {
	case len(uri) == 0 || sp1+1+len(uri) < sp2 || sp2+1+len(version) < len(b):
		m.fail(errRequest, sp1)
	case !equalFold(version, "SIP/2.0"):
		m.fail(errVersion, sp2+1)
	}
	m.checkRURI()
}

// splitRequestLine finds the space behind the method and the one before the
// version, any; white space behind that is tolerated.
func splitRequestLine(b []byte) (sp1, sp2 int, ok bool) {
	b = trimRight(b)
	sp1, sp2 = bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ' ')
	ok = sp1 > 0 && sp2 > sp1 && all(b[:sp1], isToken) && isVersion(b[sp2+1:])
	return sp1, sp2, ok
}

// isVersion reports whether b is a SIP-Version, any.
func isVersion(b []byte) bool {
	if string(b) == "SIP/2.0" {
		return true
	}
	if len(b) < len("SIP/2.0") || !equalFold(b[:4], "SIP/") {
		return false
	}
	major, minor := cut(b[4:], '.')
	return all(major, isDigit) && all(minor, isDigit)
}
