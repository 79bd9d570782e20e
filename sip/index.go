package sip

import (
	"bytes"
	"slices"

	"sipedge/sip/load"
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
// returns where the first begins that is not, or the blank line. Nearly all
// are plain: a name, a colon, text without control characters, CR LF, no
// folding.
func (m *Message) plainFields(pos int) int {
	for {
		n, room := len(m.fields), min(cap(m.fields), cap(m.ids), MaxHeaders)
		n, pos = m.fillFields(m.ids[:room], m.fields[:room], n, pos)
		m.ids, m.fields = m.ids[:n], m.fields[:n]
		if n < room || n == MaxHeaders {
			return pos
		}
		m.ids, m.fields = slices.Grow(m.ids, 16), slices.Grow(m.fields, 16)
	}
}

// fillFields indexes plain fields from field n on, as long as there is room.
// It returns how many there are then, and where the next begins.
//
// Bounds are checked by hand: length, value and end stay below size, as the
// bytes were there in which the colon and the CR LF were found.
func (m *Message) fillFields(ids []byte, fields []field, n, pos int) (int, int) {
	b, size, seen := load.At(m.raw), len(m.raw), m.seen
	ids = ids[:len(fields)]
	for n < len(fields) && pos+8 <= size {
		var id HeaderID
		length, word := 0, b.Eight(pos) // of the name
		if colon := load.Equal(word, ':'); colon != 0 {
			length, id = load.First(colon), name{a: word & load.Through(colon)}.header()
		} else if length, id = longName(b, pos, size); length == 0 {
			break
		}
		if id == HeaderOther && !all(m.raw[pos:pos+length], isToken) {
			break
		}
		value := pos + length + 1
		end := value
		for ; ; end += 16 {
			if end+16 > size {
				end = controlRun(m.raw, end)
				break
			}
			x, y := load.Under(b.Eight(end), ' '), load.Under(b.Eight(end+8), ' ')
			if x|y != 0 {
				if x == 0 {
					x, end = y, end+8
				}
				end += load.First(x)
				break
			}
		}
		next := end + 2
		if next+2 > size || !endsLine(b.Four(end)) {
			break
		}
		for b.Byte(value) == ' ' { // up to the CR at most
			value++
		}
		for end > value && b.Byte(end-1) == ' ' {
			end--
		}
		var twice bool
		if seen, twice = m.note(seen, id, n); twice {
			m.fail(errDuplicate, pos)
		}
		f := &fields[n]
		f.off, f.size = uint32(pos), uint32(next-pos)
		f.name, f.value, f.end = uint16(length), uint16(value-pos), uint32(end-pos)
		ids[n] = byte(id)
		n++
		pos = next
	}
	m.seen = seen
	return n, pos
}

// longName reads the name at i, longer than seven bytes, of b that ends before
// size. n is its length; 0: it is longer than any known, or b ends too soon.
func longName(b load.Bytes, i, size int) (n int, id HeaderID) {
	if i+16 > size {
		return 0, HeaderOther
	}
	w := name{a: b.Eight(i), b: b.Eight(i + 8)}
	if colon := load.Equal(w.b, ':'); colon != 0 {
		w.b &= load.Through(colon)
		return 8 + load.First(colon), w.header()
	}
	if i+nameSize > size {
		return 0, HeaderOther
	}
	w.c = b.Eight(i + 16)
	if colon := load.Equal(w.c, ':'); colon != 0 {
		w.c &= load.Through(colon)
		return 16 + load.First(colon), w.header()
	}
	return 0, HeaderOther
}

// endsLine reports whether b is CR LF and no white space behind it.
func endsLine(b uint32) bool {
	return uint16(b) == '\r'|'\n'<<8 && !isBlank(byte(b>>16))
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// note adds the kind of field i to those seen. twice: it has been there, and a
// message has but one.
func (m *Message) note(seen uint64, id HeaderID, i int) (now uint64, twice bool) {
	bit := uint64(1) << (id & 63)
	if seen&bit != 0 {
		return seen, single&bit != 0
	}
	if int(id) < len(m.first) {
		m.first[id] = uint8(i)
	}
	return seen | bit, false
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
	var twice bool
	if m.seen, twice = m.note(m.seen, id, len(m.ids)); twice {
		m.fail(errDuplicate, pos)
	}
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
