package sip

import (
	"strconv"
)

// Edits. All arguments are copied into the message's arena. CR, LF and NUL
// in a value are never written: they become spaces. A Content-Length, however
// it is set, is that of the body.

// SetRURI replaces the Request-URI; no effect on a response or with an empty
// one. White space and controls in it are escaped.
func (m *Message) SetRURI(uri []byte) {
	if !m.request || len(uri) == 0 {
		return
	}
	old := m.bytes(m.start)
	n := len(m.text)
	t := append(m.text, old[:m.uri.from]...)
	for {
		i := longRun(uri, 0, isVisible)
		t = append(t, uri[:i]...)
		if i == len(uri) {
			break
		}
		t = append(t, '%', upperHex[uri[i]>>4], upperHex[uri[i]&15])
		uri = uri[i+1:]
	}
	end := uint32(len(t) - n)
	m.text = append(t, old[m.uri.to:]...)
	m.uri.to = end
	m.start = m.written(n)
	m.known &^= viewRURI
	m.edited = true
}

// SetValue replaces the whole value of field i.
func (m *Message) SetValue(i int, value []byte) {
	n := len(m.text)
	f := &m.fields[i]
	m.text = append(m.text, m.bytes(f.line)[:f.name]...)
	m.finish(i, n, m.ID(i), value)
}

// Remove removes field i.
func (m *Message) Remove(i int) {
	id := m.ID(i)
	m.ids = append(m.ids[:i], m.ids[i+1:]...)
	m.fields = append(m.fields[:i], m.fields[i+1:]...)
	m.move(i, -1)
	m.touched(id)
}

// RemoveAll removes every field of that name, long or compact.
func (m *Message) RemoveAll(name string) {
	for i := m.Find(name); i >= 0; i = m.Find(name) {
		m.Remove(i)
	}
}

// Insert adds a new field before index at (Len: at the end). HeaderOther and a
// second Content-Length have no effect.
func (m *Message) Insert(at int, id HeaderID, value []byte) {
	if name := id.String(); name != "" {
		n := len(m.text)
		m.text = append(m.text, name...)
		m.insert(at, n, id, value)
	}
}

// InsertNamed adds a new field of any name before index at (Len: at the
// end). What no name may hold is written as '-'; an empty name and a second
// Content-Length have no effect.
func (m *Message) InsertNamed(at int, name string, value []byte) {
	if name == "" {
		return
	}
	n := len(m.text)
	m.text = append(m.text, name[:min(len(name), maxName)]...)
	for i, c := range m.text[n:] {
		if class[c]&isToken == 0 {
			m.text[n+i] = '-'
		}
	}
	m.insert(at, n, lookupHeader(name), value)
}

// insert adds a new field whose name is text[n:].
func (m *Message) insert(at, n int, id HeaderID, value []byte) {
	if id == ContentLength && m.Has(id) {
		m.text = m.text[:n]
		return
	}
	m.ids, m.fields = append(m.ids, 0), append(m.fields, field{})
	copy(m.ids[at+1:], m.ids[at:])
	copy(m.fields[at+1:], m.fields[at:])
	m.ids[at], m.fields[at].name = byte(id), uint16(len(m.text)-n)
	m.move(at, 1)
	m.finish(at, n, id, value)
}

// maxName is the most of a field name that InsertNamed writes, in bytes.
const maxName = 255

// Prepend adds a field before the first of its kind; without one, first of all.
func (m *Message) Prepend(id HeaderID, value []byte) {
	m.Insert(max(m.First(id), 0), id, value)
}

// Append adds a field after the last of its kind; without one, at the end.
func (m *Message) Append(id HeaderID, value []byte) {
	at := m.Len()
	for i := m.First(id); i >= 0; i = m.after(i, id) {
		at = i + 1
	}
	m.Insert(at, id, value)
}

// SetElement replaces an element; other elements of the field keep their bytes.
func (m *Message) SetElement(e Element, value []byte) {
	if !m.holds(e) {
		return
	}
	n := len(m.text)
	old := m.bytes(m.fields[e.field].line)
	m.text = append(m.text, old[:e.off]...)
	m.text = appendClean(m.text, value)
	m.text = append(m.text, old[e.end():]...)
	m.replaced(int(e.field), n)
}

// RemoveElement removes an element; the field goes with its last element.
func (m *Message) RemoveElement(e Element) {
	if !m.holds(e) {
		return
	}
	i := int(e.field)
	if f := &m.fields[i]; e.off == uint32(f.value) && e.end() == f.end {
		m.Remove(i)
		return
	}
	old := m.bytes(m.fields[i].line)
	cutFrom, cutTo := e.off, e.end()
	before, hasBefore := m.elementOf(i, 0)
	if hasBefore && before.off < e.off {
		for cutFrom > before.end() && old[cutFrom] != ',' {
			cutFrom--
		}
	} else if next, ok := m.elementOf(i, e.end()); ok {
		cutTo = next.off
	} else {
		m.Remove(i)
		return
	}
	n := len(m.text)
	m.text = append(m.text, old[:cutFrom]...)
	m.text = append(m.text, old[cutTo:]...)
	m.replaced(i, n)
}

// holds reports whether e is still an element of the message.
func (m *Message) holds(e Element) bool {
	if e.field < 0 || int(e.field) >= len(m.fields) {
		return false
	}
	f := &m.fields[e.field]
	return uint32(f.value) <= e.off && e.end() <= f.end
}

// SetBody replaces the body, and Content-Type and Content-Length with it. An
// empty contentType leaves Content-Type as it is; an empty body removes it.
func (m *Message) SetBody(contentType string, body []byte) {
	n := len(m.text)
	m.text = append(m.text, body...)
	m.body = m.written(n)
	m.edited = true
	if len(body) == 0 {
		m.RemoveAll(ContentType.String())
	} else if contentType != "" {
		n = len(m.text)
		m.text = append(m.text, contentType...)
		value := m.text[n:]
		if i := m.First(ContentType); i >= 0 {
			m.SetValue(i, value)
		} else {
			m.Append(ContentType, value)
		}
	}
	if i := m.First(ContentLength); i >= 0 {
		m.SetValue(i, nil)
	} else {
		m.Append(ContentLength, nil)
	}
}

// EnsureLength adds a Content-Length if there is none, as a stream needs it
// (RFC 3261 §20.14).
func (m *Message) EnsureLength() {
	if !m.Has(ContentLength) {
		m.Append(ContentLength, nil)
	}
}

// Edited reports whether AppendTo would write anything but Raw.
func (m *Message) Edited() bool { return m.edited }

// finish writes the rest of field i behind its name, which begins at text[n:].
func (m *Message) finish(i, n int, id HeaderID, value []byte) {
	f := &m.fields[i]
	t := append(m.text, ": "...)
	f.value = uint16(len(t) - n)
	if id == ContentLength {
		t = strconv.AppendUint(t, uint64(m.body.size), 10)
	} else {
		t = appendClean(t, trim(value))
	}
	f.end = uint32(len(t) - n)
	m.text = append(t, "\r\n"...)
	f.line = m.written(n)
	m.touched(id)
}

// replaced makes text[n:] the line of field i, the same up to its value and
// behind it.
func (m *Message) replaced(i, n int) {
	f := &m.fields[i]
	value, end := n+int(f.value), len(m.text)-int(f.size-f.end)
	value = run(m.text[:end], value, isLWS)
	f.value, f.end = uint16(value-n), uint32(value-n+len(trimRight(m.text[value:end])))
	f.line = m.written(n)
	m.touched(m.ID(i))
}

// written is the line text[n:].
func (m *Message) written(n int) line {
	return line{off: inText + uint32(n), size: uint32(len(m.text) - n)}
}

// move keeps the decoded Via in place when the fields from index at on move.
func (m *Message) move(at, by int) {
	m.moved = true
	if int(m.via.Element.field) >= at {
		m.via.Element.field += int32(by)
	}
}

// touched forgets what was decoded of a kind.
func (m *Message) touched(id HeaderID) {
	m.edited = true
	switch id {
	case Via:
		m.known &^= viewVia
	case From:
		m.known &^= viewFrom
	case To:
		m.known &^= viewTo
	case CSeq:
		m.known &^= viewCSeq
	case MaxForwards:
		m.known &^= viewForwards
	}
}

// appendClean appends b with a space for every CR, LF and NUL.
func appendClean[T text](dst []byte, b T) []byte {
	n := len(dst)
	dst = append(dst, b...)
	for i := controlRun(dst, n); i < len(dst); i = controlRun(dst, i+1) {
		if c := dst[i]; c == '\r' || c == '\n' || c == 0 {
			dst[i] = ' '
		}
	}
	return dst
}

// AppendHeaderLine appends a header line with its CRLF, as the extra of AppendReply wants it.
func AppendHeaderLine(dst []byte, id HeaderID, value []byte) []byte {
	dst = append(dst, id.String()...)
	dst = append(dst, ": "...)
	dst = appendClean(dst, trim(value))
	return append(dst, "\r\n"...)
}
