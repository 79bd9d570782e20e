package sip

// ParseError says what is wrong with a message and what a request like
// that is answered with.
type ParseError struct {
	Status int // suggested status: 400, 413, 505 …
	// Class is one of start-line, header, via, from, to, call-id, cseq,
	// max-forwards, content-length, duplicate, limit, body, uri.
	Class  string
	Text   string // for the Reason-Phrase or the log: constant, nothing of the message in it
	Offset int    // where in the bytes; 0 from functions that read one value
}

func (e *ParseError) Error() string { return e.Text }

func bad(class, text string) *ParseError {
	return &ParseError{Status: 400, Class: class, Text: text}
}

// A whole message.
var (
	errEmpty      = bad("start-line", "Empty Message")
	errRequest    = bad("start-line", "Malformed Request-Line")
	errStatusLine = bad("start-line", "Malformed Status-Line")
	errStatus     = bad("start-line", "Malformed Status-Code")
	errControl    = bad("start-line", "Control Character in Start-Line")
	errVersion    = &ParseError{505, "start-line", "Version Not Supported", 0}
	errRURIHeader = bad("uri", "Headers in Request-URI")

	errLine    = bad("header", "Malformed Header Line")
	errName    = bad("header", "Malformed Header Field Name")
	errCR      = bad("header", "Bare CR in Header")
	errNUL     = bad("header", "NUL in Header")
	errNoBlank = bad("header", "Header Section Not Ended")

	errDuplicate = bad("duplicate", "Header Field Given Twice")
	errHeaders   = bad("limit", "Too Many Header Fields")
	errElements  = bad("limit", "Too Many Header Field Values")
	errSize      = &ParseError{513, "limit", "Message Too Large", 0}

	errNoVia    = bad("via", "Missing Via")
	errNoFrom   = bad("from", "Missing From")
	errFrom     = bad("from", "Malformed From")
	errNoTo     = bad("to", "Missing To")
	errTo       = bad("to", "Malformed To")
	errNoCallID = bad("call-id", "Missing Call-ID")
	errCallID   = bad("call-id", "Malformed Call-ID")
	errNoCSeq   = bad("cseq", "Missing CSeq")
	errCSeq     = bad("cseq", "Malformed CSeq")
	errMethod   = bad("cseq", "CSeq Method Mismatch")
	errForwards = bad("max-forwards", "Malformed Max-Forwards")
	errLength   = bad("content-length", "Malformed Content-Length")
	errShort    = bad("body", "Body Shorter Than Content-Length")
)

// One value.
var (
	errVia      = bad("via", "Malformed Via")
	errNameAddr = bad("header", "Malformed Address")
	errAngle    = bad("header", "Missing > Behind URI")
	errBareURI  = bad("header", "URI Needs Angle Brackets")
	errQuote    = bad("header", "Unterminated Quoted String")
	errParams   = bad("header", "Malformed Parameter")
	errScheme   = bad("uri", "Missing URI Scheme")
	errURIBytes = bad("uri", "Character Not Allowed in URI")
	errHost     = bad("uri", "Malformed Host or Port in URI")
	errMany     = bad("limit", "Too Many Parameters in URI")
	errTel      = bad("uri", "Malformed Telephone Number")
)

// A stream.
var (
	errNotSIP       = bad("start-line", "Not SIP")
	errNoLength     = bad("content-length", "Missing Content-Length")
	errLengths      = bad("duplicate", "Content-Length Given Twice")
	errHeaderTooBig = &ParseError{513, "limit", "Header Section Too Large", 0}
	errBodyTooBig   = &ParseError{413, "limit", "Body Too Large", 0}
)
