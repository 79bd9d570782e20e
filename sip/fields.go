package sip

import "bytes"

// Header fields by index.

// Len is the number of header fields.
func (m *Message) Len() int { return len(m.ids) }

// ID returns the kind of field i.
func (m *Message) ID(i int) HeaderID { return HeaderID(m.ids[i]) }

// Name returns the name of field i as written.
func (m *Message) Name(i int) []byte {
	f := &m.fields[i]
	return m.bytes(f.line)[:f.name]
}

// Value returns the value of field i, trimmed; it may hold folding, see Unfold.
func (m *Message) Value(i int) []byte {
	f := &m.fields[i]
	return m.bytes(f.line)[f.value:f.end]
}

// First returns the index of the first field of a kind, or -1.
func (m *Message) First(id HeaderID) int {
	switch {
	case m.moved:
		return bytes.IndexByte(m.ids, byte(id))
	case m.seen>>(id&63)&1 == 0:
		return -1
	case int(id) < len(m.first):
		return int(m.first[id])
	}
	return bytes.IndexByte(m.ids, byte(id))
}

// Next returns the index of the next field of the kind of i (of the same
// name for HeaderOther), or -1.
func (m *Message) Next(i int) int {
	if id := m.ID(i); id != HeaderOther {
		return m.after(i, id)
	}
	name := m.Name(i)
	for i = m.after(i, HeaderOther); i >= 0 && !equalFold(m.Name(i), name); {
		i = m.after(i, HeaderOther)
	}
	return i
}

func (m *Message) after(i int, id HeaderID) int {
	if n := bytes.IndexByte(m.ids[i+1:], byte(id)); n >= 0 {
		return i + 1 + n
	}
	return -1
}

// Find returns the index of the first field of that name, long or compact,
// without regard to case, or -1.
func (m *Message) Find(name string) int { return m.FindKnown(lookupHeader(name), name) }

// FindKnown is Find for who keeps the ID of the name.
func (m *Message) FindKnown(id HeaderID, name string) int {
	i := m.First(id)
	for id == HeaderOther && i >= 0 && !equalFold(m.Name(i), name) {
		i = m.after(i, HeaderOther)
	}
	return i
}

// Has reports whether there is a field of that kind.
func (m *Message) Has(id HeaderID) bool { return m.First(id) >= 0 }

// Get returns the value of the first field of a kind, or nil.
func (m *Message) Get(id HeaderID) []byte {
	if i := m.First(id); i >= 0 {
		return m.Value(i)
	}
	return nil
}
