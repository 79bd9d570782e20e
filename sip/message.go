package sip

// Limits on what a message may hold. More is a ParseError.
const (
	MaxMessage  = 65535 // bytes of a whole message
	MaxHeaders  = 256   // header fields
	MaxElements = 128   // elements of one comma-separated kind, such as Via
	MaxParams   = 64    // parameters of a URI, and headers of a URI
)

// Message is a SIP message as a lazy index over the received bytes: Parse
// finds the header fields in one pass, values are decoded when asked for.
// Edits change the index at once, so every getter sees them, and AppendTo
// writes the message in one copy: bytes nobody touched leave as they came.
//
// A Message is meant to be reused: Parse forgets what was there and
// allocates nothing once its arena has grown. Views (every []byte a method
// returns) point into the received bytes or the arena and hold until the
// next Parse. A Message is not safe for concurrent use.
//
// Header fields are addressed by index, 0 to Len-1 in message order;
// Insert and Remove move the indexes behind them.
type Message struct {
	raw  []byte // what was received
	text []byte // the arena: lines written by edits

	start  line
	ids    []byte  // the HeaderID of each field, searched by IndexByte
	fields []field // the rest about it
	blank  line    // the empty line behind the header section
	body   line

	request   bool
	method    Method // of a request
	status    int    // of a response
	token     span   // the method as written
	uri       span
	reason    span
	replyable bool
	edited    bool

	// Decoded when asked for: known tells which are of the fields as they
	// stand, valid which of them are well-formed.
	known, valid view
	via          ViaValue
	from, to     address
	seq          cseq
	forwards     uint8
	ruri         URI

	seen   uint64                   // the kinds that Parse found
	first  [ContentLength + 1]uint8 // and the first of each that is checked, if it was seen
	moved  bool                     // they do not hold any more: fields have moved since
	failed bool
	err    ParseError
	own    []byte // what CopyFrom copied into
}

// line is a run of bytes in raw, or, from off inText on, in the arena.
type line struct{ off, size uint32 }

const inText = 1 << 31

// field is a header field. Its line has folded lines and the line end in it.
type field struct {
	line
	name  uint16 // length of the name
	value uint16 // where in the line the value begins
	end   uint32 // and where it ends
}

// span is a part of something: the start line, the parameters of a Via.
type span struct{ from, to uint32 }

// Raw returns the bytes given to Parse, without line ends before the start
// line and without what was beyond the body.
func (m *Message) Raw() []byte { return m.raw }

// Replyable reports whether a response can be built: Parse found that this
// is a request other than ACK, with a top Via, From, To, Call-ID and CSeq of
// a form that can be copied.
func (m *Message) Replyable() bool { return m.replyable }

func (m *Message) bytes(l line) []byte {
	if l.off >= inText {
		off := l.off - inText
		return m.text[off : off+l.size]
	}
	return m.raw[l.off : l.off+l.size]
}

func (m *Message) inStart(s span) []byte { return m.bytes(m.start)[s.from:s.to] }

// Start line.

// IsRequest reports whether the message is a request; a message with a
// malformed start line may be neither request nor response.
func (m *Message) IsRequest() bool { return m.request }

// Method is the request's method; of a response the one of its CSeq.
func (m *Message) Method() Method {
	if m.request {
		return m.method
	}
	return LookupMethod(m.cseqMethod())
}

// MethodName is the method's name as written.
func (m *Message) MethodName() []byte {
	if m.request {
		return m.inStart(m.token)
	}
	return m.cseqMethod()
}

// RURI is the Request-URI; nil in a response.
func (m *Message) RURI() []byte {
	if !m.request {
		return nil
	}
	return m.inStart(m.uri)
}

// Status is 100–699, or 0 in a request.
func (m *Message) Status() int { return m.status }

// Reason is the Reason-Phrase of a response.
func (m *Message) Reason() []byte {
	if m.request {
		return nil
	}
	return m.inStart(m.reason)
}

// Body returns the body as it stands, nil if there is none.
func (m *Message) Body() []byte {
	if m.body.size == 0 {
		return nil
	}
	return m.bytes(m.body)
}

// CopyFrom makes m an independent copy of src, edits included: AppendTo into
// a buffer m owns (and reuses), then an index over it.
func (m *Message) CopyFrom(src *Message) {
	if m == src {
		m.own = nil // what src.raw may stand in
	}
	m.own = src.AppendTo(m.own[:0])
	m.raw, m.text = m.own, m.text[:0]
	m.ids = append(m.ids[:0], src.ids...)
	m.fields = append(m.fields[:0], src.fields...)
	m.start, m.blank, m.body = src.start, src.blank, src.body
	if src.edited {
		m.place()
	}
	m.request, m.method, m.status = src.request, src.method, src.status
	m.token, m.uri, m.reason = src.token, src.uri, src.reason
	m.replyable, m.edited, m.known = src.replyable, false, 0
	m.seen, m.first, m.moved = src.seen, src.first, src.moved
	m.err, m.failed = src.err, src.failed
}

// place gives every line the place at which AppendTo has written it.
func (m *Message) place() {
	pos := uint32(0)
	next := func(l *line) {
		l.off = pos
		pos += l.size
	}
	next(&m.start)
	for i := range m.fields {
		next(&m.fields[i].line)
	}
	next(&m.blank)
	next(&m.body)
}
