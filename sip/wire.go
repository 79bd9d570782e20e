package sip

// WireLen is an upper bound of what AppendTo adds.
func (m *Message) WireLen() int { return len(m.raw) + len(m.text) }

// AppendTo appends the message as it stands to dst. Untouched runs are
// copied as they came. Content-Length is right or absent as received
// (added when the body was set).
func (m *Message) AppendTo(dst []byte) []byte {
	if !m.edited {
		return append(dst, m.raw...)
	}
	var from, to uint32 // of raw, not copied yet
	dst, from, to = m.join(dst, m.start, from, to)
	for i := range m.fields {
		if f := &m.fields[i]; f.off == to {
			to += f.size
		} else {
			dst, from, to = m.join(dst, f.line, from, to)
		}
	}
	dst, from, to = m.join(dst, m.blank, from, to)
	dst, from, to = m.join(dst, m.body, from, to)
	return append(dst, m.raw[from:to]...)
}

// join appends a line to what has been written and to raw[from:to], which
// stays behind if the line follows it in what was received.
func (m *Message) join(dst []byte, l line, from, to uint32) ([]byte, uint32, uint32) {
	if l.off == to {
		return dst, from, to + l.size
	}
	if from < to {
		dst = append(dst, m.raw[from:to]...)
	}
	if l.off >= inText {
		return append(dst, m.bytes(l)...), to, to
	}
	return dst, l.off, l.off + l.size
}
