package sip

import "bytes"

// An Element is one value of a header field kind that allows several, be
// they in one comma-separated field or in several (RFC 3261 §7.3.1). An edit
// of its field makes it stale.
type Element struct {
	Value []byte // trimmed
	field int32  // index of its field
	off   uint32 // where in the field's line the value is
}

// end is where in the field's line the value ends.
func (e *Element) end() uint32 { return e.off + uint32(len(e.Value)) }

// FirstElement and NextElement walk the elements of a kind in message order
// (quoted strings, <> and comments respected). Empty elements are passed over.
func (m *Message) FirstElement(id HeaderID) (Element, bool) {
	return m.element(m.First(id), 0)
}

// NextElement returns the element behind e.
func (m *Message) NextElement(e Element) (Element, bool) {
	return m.element(int(e.field), e.end())
}

// LastElement returns the last element of a kind.
func (m *Message) LastElement(id HeaderID) (last Element, ok bool) {
	for i := m.First(id); i >= 0; i = m.after(i, id) {
		for e, more := m.elementOf(i, 0); more; e, more = m.elementOf(i, e.end()) {
			last, ok = e, true
		}
	}
	return last, ok
}

// Option reports whether a list of tokens, such as Supported or Require,
// has a token. Case does not matter.
func (m *Message) Option(id HeaderID, token string) bool {
	for e, ok := m.FirstElement(id); ok; e, ok = m.NextElement(e) {
		if equalFold(e.Value, token) {
			return true
		}
	}
	return false
}

// element finds the first element behind pos in the line of field i or in
// the next fields of its kind.
func (m *Message) element(i int, pos uint32) (Element, bool) {
	for ; i >= 0; i, pos = m.Next(i), 0 {
		if e, ok := m.elementOf(i, pos); ok {
			return e, true
		}
	}
	return Element{}, false
}

func (m *Message) elementOf(i int, pos uint32) (e Element, ok bool) {
	f := &m.fields[i]
	b := m.bytes(f.line)[:f.end]
	from := int(max(pos, uint32(f.value)))
	for from < len(b) && (b[from] == ',' || class[b[from]]&isLWS != 0) {
		from++
	}
	if from >= len(b) {
		return e, false
	}
	to := elementEnd(b, from, m.ID(i))
	e.Value, e.field, e.off = trimRight(b[from:to]), int32(i), uint32(from)
	return e, true
}

// elementEnd returns the index of the comma that ends the element at b[i:],
// or len(b).
func elementEnd(b []byte, i int, id HeaderID) int {
	if bytes.IndexByte(b[i:], ',') < 0 {
		return len(b)
	}
	comments := !isAddress(id)
	for depth := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '(' && comments:
			depth++
		case depth > 0:
			if c == ')' {
				depth--
			} else if c == '\\' {
				i++
			}
		case c == ',':
			return i
		case c == '"':
			if i = quotedEnd(b, i) - 1; i < 0 {
				return len(b)
			}
		case c == '<':
			n := bytes.IndexByte(b[i:], '>')
			if n < 0 {
				return len(b)
			}
			i += n
		}
	}
	return len(b)
}

// isAddress reports whether the elements of a kind are URIs, in which
// parentheses are ordinary characters.
func isAddress(id HeaderID) bool {
	switch id {
	case Contact, Route, RecordRoute, From, To, Path, ServiceRoute, ReferTo, ReferredBy,
		PAssertedIdentity, PPreferredIdentity:
		return true
	}
	return false
}

// IsList reports whether a field of that kind is a list: whether a comma means
// the same as a further field, RFC 3261 §7.3.1.
func (id HeaderID) IsList() bool {
	switch id {
	case Via, Contact, Route, RecordRoute, Path, ServiceRoute, Require, ProxyRequire, Supported,
		Unsupported, Allow, AllowEvents, Accept, Warning, Reason, ContentEncoding,
		PAssertedIdentity, PPreferredIdentity:
		return true
	}
	return false
}
