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
	m.replyable, m.edited, m.failed = false, false, false
	m.known, m.seen = 0, 0
}

// fail keeps the first error.
func (m *Message) fail(err *ParseError, offset int) {
	if !m.failed {
		m.failed, m.err = true, *err
		m.err.Offset = offset
	}
}

// lineEnd finds where the line at b[pos:] ends and where the next begins.
// ok false: it has no line end, CR LF or LF.
func lineEnd(b []byte, pos int) (end, next int, ok bool) {
	n := bytes.IndexByte(b[pos:], '\n')
	if n < 0 {
		return len(b), len(b), false
	}
	end, next = pos+n, pos+n+1
	if n > 0 && b[end-1] == '\r' {
		end--
	}
	return end, next, true
}

// parseStart reads the start line and returns where the header section begins.
func (m *Message) parseStart() int {
	end, next, _ := lineEnd(m.raw, 0)
	m.start = line{size: uint32(next)}
	b := m.raw[:end]
	if beginsStatusLine(b) {
		m.parseStatusLine(b)
	} else {
		m.parseRequestLine(b)
	}
	return next
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

// parseFields indexes the header section at raw[pos:] and returns where the
// body begins.
func (m *Message) parseFields(pos int) int {
	b, section := m.raw, pos
	lines := 0 // that end in CR LF
	ended := false
	for pos < len(b) {
		end, next, ok := lineEnd(b, pos)
		if !ok {
			m.addField(pos, end, next)
			pos = next
			break
		}
		lines += next - end - 1
		if end == pos {
			m.blank = line{off: uint32(pos), size: uint32(next - pos)}
			pos, ended = next, true
			break
		}
		for next < len(b) && (b[next] == ' ' || b[next] == '\t') {
			var more bool
			if end, next, more = lineEnd(b, next); more {
				lines += next - end - 1
			}
		}
		m.addField(pos, end, next)
		pos = next
	}
	if !ended {
		m.fail(errNoBlank, pos)
		m.blank.off = uint32(pos)
	}
	head := b[section:pos]
	if bytes.Count(head, carriageReturn) != lines {
		m.fail(errCR, section)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 && m.hasBareNUL() {
		m.fail(errNUL, section+i)
	}
	if len(m.ids)+bytes.Count(head, comma) > MaxElements {
		m.countElements()
	}
	return pos
}

var comma, carriageReturn = []byte{','}, []byte{'\r'}

// addField indexes the field whose line, folded lines included, is
// raw[pos:next]; its last line end is at end.
func (m *Message) addField(pos, end, next int) {
	if len(m.ids) == MaxHeaders {
		m.fail(errHeaders, pos)
		return
	}
	b := m.raw[pos:end]
	colon := run(b, 0, isToken)
	name := b[:colon]
	if colon == 0 || colon == len(b) || b[colon] != ':' {
		name, colon = m.oddName(b, pos)
	}
	id := lookupHeader(name)
	switch bit := uint64(1) << id; {
	case single&m.seen&bit != 0:
		m.fail(errDuplicate, pos)
	default:
		m.seen |= bit
	}
	value := min(run(b, min(colon+1, len(b)), isLWS), len(b))
	for end > pos+value && class[b[end-pos-1]]&isLWS != 0 {
		end--
	}
	m.ids = append(m.ids, byte(id))
	m.fields = append(m.fields, field{
		line:  line{off: uint32(pos), size: uint32(next - pos)},
		name:  uint16(len(name)),
		value: uint16(value),
		end:   uint32(end - pos),
	})
}

// oddName is the name of a field that is no token with a colon behind it:
// white space between them is tolerated. b begins at raw[pos].
func (m *Message) oddName(b []byte, pos int) (name []byte, colon int) {
	colon = bytes.IndexByte(b, ':')
	if colon < 0 {
		m.fail(errLine, pos)
		colon = len(b)
	}
	name = b[:colon]
	for len(name) > 0 && (name[len(name)-1] == ' ' || name[len(name)-1] == '\t') {
		name = name[:len(name)-1]
	}
	if !all(name, isToken) {
		m.fail(errName, pos)
	}
	return name, colon
}

// hasBareNUL reports whether a NUL stands elsewhere than in a quoted-pair
// of a quoted string, RFC 3261 §25.1.
func (m *Message) hasBareNUL() bool {
	for i := range m.fields {
		v := m.bytes(m.fields[i].line)
		quoted := false
		for j := 0; j < len(v); j++ {
			switch {
			case v[j] == 0:
				return true
			case v[j] == '"':
				quoted = !quoted
			case v[j] == '\\' && quoted:
				j++
			}
		}
	}
	return false
}

// countElements enforces MaxElements on the kinds that are lists.
func (m *Message) countElements() {
	for _, id := range listHeaders {
		n := 0
		for e, ok := m.FirstElement(id); ok; e, ok = m.NextElement(e) {
			if n++; n > MaxElements {
				m.fail(errElements, int(m.fields[e.Header].off))
				return
			}
		}
	}
}

var listHeaders = [...]HeaderID{Via, Contact, Route, RecordRoute, Path, ServiceRoute, Require,
	ProxyRequire, Supported, Unsupported, Allow, AllowEvents, Accept, PAssertedIdentity,
	PPreferredIdentity, Warning, Reason}
