package sip

// WireLen is how many bytes AppendTo adds.
func (m *Message) WireLen() int {
	if !m.edited {
		return len(m.raw)
	}
	n := m.start.size + m.blank.size + m.body.size
	for i := range m.fields {
		n += m.fields[i].size
	}
	return int(n)
}

// AppendTo appends the message as it stands to dst: lines that follow each
// other in what was received, or in the arena, as one. Content-Length is right
// or absent as received (added when the body was set).
func (m *Message) AppendTo(dst []byte) []byte { return m.appendWith(m.body, dst) }

// AppendHead appends what AppendTo does but for the body: all that a response
// is made of. It can be parsed, with an error that the body is missing, but not
// be sent.
func (m *Message) AppendHead(dst []byte) []byte { return m.appendWith(line{}, dst) }

// appendWith appends the header section, and body.
func (m *Message) appendWith(body line, dst []byte) []byte {
	if !m.edited {
		return append(dst, m.raw[:m.body.off+body.size]...)
	}
	from, to := m.start.off, m.start.off+m.start.size // not copied yet
	fields := m.fields
	for i := range fields {
		dst, from, to = m.follow(dst, fields[i].line, from, to)
	}
	dst, from, to = m.follow(dst, m.blank, from, to)
	dst, from, to = m.follow(dst, body, from, to)
	return append(dst, m.bytes(line{from, to - from})...)
}

// follow adds l to the run of lines from..to that has not been copied yet; it
// is copied first if l does not follow it.
func (m *Message) follow(dst []byte, l line, from, to uint32) ([]byte, uint32, uint32) {
	if l.off != to {
		dst, from = append(dst, m.bytes(line{from, to - from})...), l.off
	}
	return dst, from, l.off + l.size
}
