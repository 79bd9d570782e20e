package sip

// Edits. All arguments are copied into the message's arena. CR and LF in a
// value or name are never written: they become spaces.

func (m *Message) SetRURI(uri []byte)                            { panic("contract") }
func (m *Message) SetValue(i int, value []byte)                  { panic("contract") } // replaces the whole field value
func (m *Message) Remove(i int)                                  { panic("contract") }
func (m *Message) RemoveAll(name string)                         { panic("contract") }
func (m *Message) Insert(at int, id HeaderID, value []byte)      { panic("contract") } // a new field before index at (Len: at the end)
func (m *Message) InsertNamed(at int, name string, value []byte) { panic("contract") }
func (m *Message) Prepend(id HeaderID, value []byte)             { panic("contract") } // before the first of its kind; without one, first of all
func (m *Message) Append(id HeaderID, value []byte)              { panic("contract") } // after the last of its kind; without one, at the end
func (m *Message) SetElement(e Element, value []byte)            { panic("contract") } // other elements of the field keep their bytes
func (m *Message) RemoveElement(e Element)                       { panic("contract") } // the field goes with its last element
func (m *Message) SetBody(contentType string, body []byte)       { panic("contract") }

// Edited reports whether AppendTo would write anything but Raw.
func (m *Message) Edited() bool { panic("contract") }

// WireLen is an upper bound of what AppendTo adds.
func (m *Message) WireLen() int { panic("contract") }

// AppendTo appends the message as it stands to dst. Untouched runs are
// copied as they came. Content-Length is right or absent as received
// (added when the body was set).
func (m *Message) AppendTo(dst []byte) []byte { panic("contract") }
