package sip

import "bytes"

// parseFields indexes the header section at raw[pos:] and returns where the
// body begins.
func (m *Message) parseFields(pos int) int {
	b, section := m.raw, pos
	odd, ended := false, false
	for {
		if pos = m.plainFields(pos); pos == len(b) {
			break
		}
		if n := blankLine(b[pos:]); n > 0 {
			m.blank = line{off: uint32(pos), size: uint32(n)}
			pos, ended = pos+n, true
			break
		}
		odd = true
		pos = m.anyField(pos)
	}
	if !ended {
		m.fail(errNoBlank, pos)
		m.blank.off = uint32(pos)
	}
	head := b[section:pos]
	if odd {
		m.checkControls(head, section)
	}
	if len(m.ids)+bytes.Count(head, comma) > MaxElements {
		m.countElements()
	}
	return pos
}

var comma = []byte{','}

// blankLine returns the length of the empty line that b begins with, or 0.
func blankLine(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case b[0] == '\r' && len(b) > 1 && b[1] == '\n':
		return 2
	}
	return 0
}

// plainFields indexes the fields at raw[pos:] as long as they are plain and
// returns where the first begins that is not, or the blank line.
func (m *Message) plainFields(pos int) int {
	b, ids, fields := m.raw, m.ids, m.fields
	for len(ids) < MaxHeaders {
		f, id := plainField(b, pos)
		if f.size == 0 {
			break
		}
		m.note(id, len(ids), pos)
		ids, fields = append(ids, byte(id)), append(fields, f)
		pos += int(f.size)
	}
	m.ids, m.fields = ids, fields
	return pos
}

// plainField reads the field at b[pos:] if it is plain, as nearly all are: a
// name, a colon, text without control characters, CR LF, no folding.
func plainField(b []byte, pos int) (f field, id HeaderID) {
	n, w := 0, loadName(b, pos)
	if t := zeros(w.a ^ colons); t != 0 {
		n, w = first(t), name{a: w.a & through(t)}
	} else if t := zeros(w.b ^ colons); t != 0 {
		n, w = 8+first(t), name{a: w.a, b: w.b & through(t)}
	} else if t := zeros(w.c ^ colons); t != 0 {
		n, w.c = 16+first(t), w.c&through(t)
	} else {
		return f, id
	}
	if id = w.header(); n <= 1 {
		id = compactHeaders[byte(w.a)]
	}
	if id == HeaderOther && !all(b[pos:pos+n], isToken) {
		return f, id
	}
	value := pos + n + 1
	end := below(b, value, ' ')
	if end+4 > len(b) {
		return f, id
	}
	if crlf := (*[4]byte)(b[end : end+4]); crlf[0] != '\r' || crlf[1] != '\n' || isBlank(crlf[2]) {
		return f, id
	}
	next := end + 2
	for b[value] == ' ' {
		value++
	}
	for end > value && b[end-1] == ' ' {
		end--
	}
	return field{
		line:  line{off: uint32(pos), size: uint32(next - pos)},
		name:  uint16(n),
		value: uint16(value - pos),
		end:   uint32(end - pos),
	}, id
}

// note notes that field i is of a kind; its line is at raw[pos:].
func (m *Message) note(id HeaderID, i, pos int) {
	if bit := uint64(1) << (id & 63); m.seen&bit == 0 {
		m.seen |= bit
		if int(id) < len(m.first) {
			m.first[id] = uint8(i)
		}
	} else if single&bit != 0 {
		m.fail(errDuplicate, pos)
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// anyField indexes the field at raw[pos:], whatever it looks like, and
// returns where the next begins.
func (m *Message) anyField(pos int) int {
	b := m.raw
	end, next, ok := lineEnd(b, pos)
	for ok && next < len(b) && isBlank(b[next]) {
		end, next, ok = lineEnd(b, next)
	}
	if len(m.ids) == MaxHeaders {
		m.fail(errHeaders, pos)
		return next
	}
	b = b[pos:end]
	colon := run(b, 0, isToken)
	name := b[:colon]
	if colon == 0 || colon == len(b) || b[colon] != ':' {
		name, colon = m.oddName(b, pos)
	}
	id, value := lookupHeader(name), run(b, min(colon+1, len(b)), isLWS)
	m.note(id, len(m.ids), pos)
	m.ids = append(m.ids, byte(id))
	m.fields = append(m.fields, field{
		line:  line{off: uint32(pos), size: uint32(next - pos)},
		name:  uint16(len(name)),
		value: uint16(value),
		end:   uint32(value + len(trimRight(b[value:]))),
	})
	return next
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

// oddName is the name of a field that is no token with a colon behind it:
// white space between them is tolerated. b begins at raw[pos].
func (m *Message) oddName(b []byte, pos int) (name []byte, colon int) {
	colon = bytes.IndexByte(b, ':')
	if colon < 0 {
		m.fail(errLine, pos)
		colon = len(b)
	}
	name = b[:colon]
	for len(name) > 0 && isBlank(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	if !all(name, isToken) {
		m.fail(errName, pos)
	}
	return name, colon
}

// checkControls looks for a CR without LF and a bare NUL in the header
// section, which begins at raw[section:].
func (m *Message) checkControls(head []byte, section int) {
	if hasBareCR(head) {
		m.fail(errCR, section)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 && m.hasBareNUL() {
		m.fail(errNUL, section+i)
	}
}

func hasBareCR(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\r')
		if i < 0 {
			return false
		}
		if b = b[i+1:]; len(b) == 0 || b[0] != '\n' {
			return true
		}
	}
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
