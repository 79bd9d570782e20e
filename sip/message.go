package sip

// Limits on what a message may hold. More is a ParseError.
const (
	MaxMessage  = 65535 // bytes of a whole message
	MaxHeaders  = 256   // header fields
	MaxElements = 128   // elements of one comma-separated kind, such as Via
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
	raw []byte
}

// ParseError says what is wrong with a message and what a request like
// that is answered with.
type ParseError struct {
	Status int    // suggested status: 400, 413, 505 …
	Class  string // start-line, header, via, from, to, call-id, cseq, max-forwards, content-length, duplicate, limit, body, uri
	Text   string // for the Reason-Phrase or the log: constant, nothing of the message in it
	Offset int    // where in the bytes
}

func (e *ParseError) Error() string { return e.Text }

// Parse indexes b and checks what a router relies on: start line, top Via,
// From, To, Call-ID, CSeq (its method against the request's), Max-Forwards,
// Content-Length, duplicates of single-valued header fields, the Request-URI.
// b is one datagram or one framed message; bytes beyond Content-Length are
// dropped (RFC 3261 §18.3), fewer are an error. m keeps b until the next
// Parse. After an error the getters still answer what was found, so that a
// request can be refused if Replyable. Errors are *ParseError, preallocated.
func (m *Message) Parse(b []byte) error { panic("contract") }

// Replyable reports whether a response can be built: Parse found that this
// is a request other than ACK, with a top Via, From, To, Call-ID and CSeq of a form that can be copied.
func (m *Message) Replyable() bool { panic("contract") }

// Raw returns the bytes given to Parse, without what was beyond the body.
func (m *Message) Raw() []byte { return m.raw }

// CopyFrom makes m an independent copy of src, edits included: AppendTo into
// a buffer m owns (and reuses), then an index over it.
func (m *Message) CopyFrom(src *Message) { panic("contract") }

// Start line.

func (m *Message) IsRequest() bool    { panic("contract") }
func (m *Message) Method() Method     { panic("contract") } // of a response: CSeq's
func (m *Message) MethodName() []byte { panic("contract") }
func (m *Message) RURI() []byte       { panic("contract") } // the Request-URI; nil in a response
func (m *Message) Status() int        { panic("contract") } // 100–699; 0 in a request
func (m *Message) Reason() []byte     { panic("contract") }

// Header fields by index.

func (m *Message) Len() int               { panic("contract") }
func (m *Message) ID(i int) HeaderID      { panic("contract") }
func (m *Message) Name(i int) []byte      { panic("contract") } // as written
func (m *Message) Value(i int) []byte     { panic("contract") } // trimmed; may hold folding, see Unfold
func (m *Message) First(id HeaderID) int  { panic("contract") } // index, or -1
func (m *Message) Next(i int) int         { panic("contract") } // next of the same kind (for HeaderOther: same name), or -1
func (m *Message) Find(name string) int   { panic("contract") } // any name, long or compact, no case; index or -1
func (m *Message) Has(id HeaderID) bool   { return m.First(id) >= 0 }
func (m *Message) Get(id HeaderID) []byte { panic("contract") } // value of the first, or nil

// An Element is one value of a header field kind that allows several, be
// they in one comma-separated field or in several (RFC 3261 §7.3.1).
type Element struct {
	Header   int    // index of its field
	Value    []byte // trimmed
	off, end int
}

// FirstElement and NextElement walk the elements of a kind in message order
// (quoted strings, <> and comments respected).
func (m *Message) FirstElement(id HeaderID) (Element, bool) { panic("contract") }
func (m *Message) NextElement(e Element) (Element, bool)    { panic("contract") }
func (m *Message) LastElement(id HeaderID) (Element, bool)  { panic("contract") }

// What a router asks of every message, decoded when first asked for.

func (m *Message) TopVia() (*ViaValue, bool)     { panic("contract") } // valid until the next edit of a Via
func (m *Message) From() (NameAddr, bool)        { panic("contract") }
func (m *Message) To() (NameAddr, bool)          { panic("contract") }
func (m *Message) FromTag() []byte               { panic("contract") } // nil: none
func (m *Message) ToTag() []byte                 { panic("contract") } // nil: none
func (m *Message) CallID() []byte                { panic("contract") }
func (m *Message) CSeq() uint32                  { panic("contract") }
func (m *Message) MaxForwards() (n int, ok bool) { panic("contract") } // ok: present
func (m *Message) Body() []byte                  { panic("contract") }
