package sip

// Messages made from a request. All append to dst and allocate nothing.

// AppendReply appends a response to req (RFC 3261 §8.2.6): every Via, From, To, Call-ID, CSeq,
// Timestamp for a 100, Record-Route for 101–299 (§12.1.1), then extra (whole header lines, each
// with its CRLF, may be nil), then Content-Length 0. toTag is added if the To has none; nil adds
// none (100). An empty reason takes ReasonPhrase(status).
func AppendReply(dst []byte, req *Message, status int, reason string, toTag, extra []byte) []byte {
	panic("contract")
}

// AppendACK appends the ACK for a non-2xx final response to the INVITE that
// was sent, RFC 3261 §17.1.1.3: Request-URI, top Via, From, Call-ID, CSeq number and Route of
// the INVITE, To of the response.
func AppendACK(dst []byte, invite, resp *Message) []byte { panic("contract") }

// AppendCancel appends the CANCEL of the INVITE that was sent, RFC 3261 §9.1.
// extra as in AppendReply (Reason).
func AppendCancel(dst []byte, invite *Message, extra []byte) []byte { panic("contract") }

// ReasonPhrase is the RFC's phrase for a status, or the class's.
func ReasonPhrase(status int) string { panic("contract") }
