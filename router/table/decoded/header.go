package decoded

import (
	"bytes"
	"strconv"
	"strings"

	"sipedge/router/vars"
	"sipedge/sip"
)

// Header is the fields of a name, or one of them. In lists it is the elements.
type Header struct {
	name string
	id   sip.HeaderID
	list bool
	one  bool // only number n
	n    int  // from 0, or from behind: -1 is the last
}

// HeaderOf reads X-A, X-A[0], X-A[-1].
func HeaderOf(s string) (h Header, ok bool) {
	name, index, indexed := strings.Cut(s, "[")
	h = Header{name: name, id: sip.LookupHeader([]byte(name)), one: indexed}
	h.list = h.id.IsList()
	if indexed {
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || !strings.HasSuffix(index, "]") {
			return h, false
		}
		h.n = n
	}
	return h, name != "" && vars.Token(name)
}

// Has reports whether the message has the header.
func (m *Message) Has(h *Header) bool {
	if !h.one {
		return m.Msg.FindKnown(h.id, h.name) >= 0
	}
	w := m.Walk(h)
	return w.Next(m)
}

// Walk goes over the fields or elements of a header.
type Walk struct {
	Value []byte // the one it is at, as it is written

	h     *Header
	begun bool
	skip  int // so many before the one that counts
	field int
	elem  sip.Element
}

// Walk begins before the first value.
func (m *Message) Walk(h *Header) Walk {
	w := Walk{h: h, skip: h.n}
	if h.one && h.n < 0 {
		w.skip += m.count(h)
	}
	return w
}

// Next goes to the next value, if there is one.
func (w *Walk) Next(m *Message) bool {
	for w.more(m) {
		if !w.h.one {
			return true
		}
		if w.skip--; w.skip == -1 {
			return true
		}
	}
	return false
}

func (w *Walk) more(m *Message) (ok bool) {
	first := !w.begun
	w.begun = true
	if w.h.list {
		if first {
			w.elem, ok = m.Msg.FirstElement(w.h.id)
		} else {
			w.elem, ok = m.Msg.NextElement(w.elem)
		}
		w.Value = w.elem.Value
		return ok
	}
	if first {
		w.field = m.Msg.FindKnown(w.h.id, w.h.name)
	} else {
		w.field = m.Msg.Next(w.field)
	}
	if w.field >= 0 {
		w.Value = m.Msg.Value(w.field)
	}
	return w.field >= 0
}

func (m *Message) count(h *Header) (n int) {
	if h.list {
		for e, ok := m.Msg.FirstElement(h.id); ok; e, ok = m.Msg.NextElement(e) {
			n++
		}
		return n
	}
	for i := m.Msg.FindKnown(h.id, h.name); i >= 0; i = m.Msg.Next(i) {
		n++
	}
	return n
}

// Unfold is a value without line folds, which holds until Scratch is used.
func (m *Message) Unfold(value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return value
	}
	m.Scratch = sip.Unfold(m.Scratch[:0], value)
	return m.Scratch
}
