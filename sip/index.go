package sip

import (
	"bytes"
	"encoding/binary"
	"slices"
)

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
	for {
		n, room := len(m.fields), min(cap(m.fields), cap(m.ids), MaxHeaders)
		ids, fields := m.ids[:room], m.fields[:room]
		for ; n < len(ids) && n < len(fields); n++ {
			id, size := plainField(m.raw, pos, &fields[n])
			if size == 0 {
				break
			}
			ids[n] = byte(id)
			m.note(id, n, pos)
			pos += size
		}
		m.ids, m.fields = ids[:n], fields[:n]
		if n < room || n == MaxHeaders {
			return pos
		}
		m.ids, m.fields = slices.Grow(m.ids, 16), slices.Grow(m.fields, 16)
	}
}

// plainField reads the field at b[pos:] into f if it is plain, as nearly all
// are: a name, a colon, text without control characters, CR LF, no folding.
// It returns the length of its line, or 0.
func plainField(b []byte, pos int, f *field) (id HeaderID, size int) {
	if pos+8 > len(b) || b[pos] == '\r' {
		return 0, 0
	}
	name, w := 0, binary.LittleEndian.Uint64(b[pos:pos+8])
	if t := zero(w ^ ':'*ones); t != 0 {
		name, id = first(t), shortName(w&through(t))
	} else {
		name, id = longField(b, pos)
	}
	if id == HeaderOther && !all(b[pos:pos+name], isToken) {
		return 0, 0
	}
	value := pos + name + 1
	end := controlRun(b, value)
	if end+4 > len(b) || !endsLine(binary.LittleEndian.Uint32(b[end:end+4])) {
		return 0, 0
	}
	size = end + 2 - pos
	for b[value] == ' ' {
		value++
	}
	for end > value && b[end-1] == ' ' {
		end--
	}
	f.off, f.size, f.written = uint32(pos), uint32(size), false
	f.name, f.value, f.end = uint16(name), uint16(value-pos), uint32(end-pos)
	return id, size
}

// longField reads a field's name that is longer than seven bytes; size 0: it
// is longer than any known.
func longField(b []byte, pos int) (size int, id HeaderID) {
	const colons = ':' * ones
	var tail [nameSize]byte
	name := &tail
	if pos+nameSize <= len(b) {
		name = (*[nameSize]byte)(b[pos : pos+nameSize])
	} else {
		copy(tail[:], b[pos:])
	}
	w := loadName(name)
	if t := zero(w.b ^ colons); t != 0 {
		size, w.b, w.c = 8+first(t), w.b&through(t), 0
	} else if t := zero(w.c ^ colons); t != 0 {
		size, w.c = 16+first(t), w.c&through(t)
	} else {
		return 0, HeaderOther
	}
	return size, w.header()
}

// endsLine reports whether b is CR LF and no white space behind it.
func endsLine(b uint32) bool {
	return uint16(b) == '\r'|'\n'<<8 && !isBlank(byte(b>>16))
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

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
				m.fail(errElements, int(m.fields[e.field].off))
				return
			}
		}
	}
}

var listHeaders = [...]HeaderID{Via, Contact, Route, RecordRoute, Path, ServiceRoute, Require,
	ProxyRequire, Supported, Unsupported, Allow, AllowEvents, Accept, PAssertedIdentity,
	PPreferredIdentity, Warning, Reason}
