package edit

import "sipedge/sip"

// AddHeader puts a header field behind the last of its name, or at the end.
func AddHeader(m *sip.Message, name string, value []byte) {
	at := m.Len()
	for i := m.Find(name); i >= 0; i = m.Next(i) {
		at = i + 1
	}
	m.InsertNamed(at, name, value)
}

// SetHeader gives the first header field of a name the value, and removes further ones; without
// one it is added. An empty value removes them all.
func SetHeader(m *sip.Message, name string, value []byte) {
	first := m.Find(name)
	switch {
	case len(value) == 0:
		m.RemoveAll(name)
	case first < 0:
		AddHeader(m, name, value)
	default:
		for next := m.Next(first); next >= 0; next = m.Next(first) {
			m.Remove(next)
		}
		m.SetValue(first, value)
	}
}

// AppendHeader appends a header field as a whole line; nothing when its value is empty.
func AppendHeader(dst []byte, name string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(append(dst, name...), ": "...)
	dst = AppendLine(dst, value)
	return append(dst, "\r\n"...)
}

// AppendLine appends b with a space for every control character: what stands in a header
// field or reason phrase must not end it.
func AppendLine(dst, b []byte) []byte {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// IsOwned reports whether the engine answers for a header field: what it says is what the
// transaction, the dialog path and the framing rest on.
func IsOwned(id sip.HeaderID) bool {
	switch id {
	case sip.Via, sip.From, sip.To, sip.CallID, sip.CSeq, sip.MaxForwards, sip.MaxBreadth,
		sip.Route, sip.RecordRoute, sip.ContentLength, sip.ContentType, sip.ContentEncoding,
		sip.Timestamp:
		return true
	}
	return false
}
