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
	w := writer{m: m, dst: dst}
	w.add(m.start)
	for i := range m.fields {
		w.add(m.fields[i].line)
	}
	w.add(m.blank)
	w.add(m.body)
	w.flush()
	return w.dst
}

// writer joins lines that follow each other in what was received.
type writer struct {
	m        *Message
	dst      []byte
	from, to uint32 // of raw, not copied yet
}

func (w *writer) add(l line) {
	if l.written {
		w.flush()
		w.dst = append(w.dst, w.m.bytes(l)...)
		return
	}
	if l.off != w.to {
		w.flush()
		w.from = l.off
	}
	w.to = l.off + l.size
}

func (w *writer) flush() {
	w.dst = append(w.dst, w.m.raw[w.from:w.to]...)
	w.from = w.to
}
