package sip

import (
	"sipedge/sip/phrase"
	"strconv"
)

// Messages made from a request. All append to dst and allocate nothing.

// AppendReply appends a response to req (RFC 3261 §8.2.6): every Via, From, To, Call-ID, CSeq,
// Timestamp for a 100, Record-Route for 101–299 (§12.1.1), then extra (whole header lines, each
// with its CRLF, may be nil), then Content-Length 0. toTag is added if the To has none; nil adds
// none (100). An empty reason takes the RFC's phrase.
func AppendReply(dst []byte, req *Message, status int, reason string, toTag, extra []byte) []byte {
	if reason == "" {
		reason = phrase.Of(status)
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = appendClean(dst, reason)
	dst = append(dst, "\r\n"...)
	dst = appendAll(dst, req, Via)
	if status > 100 && status < 300 {
		dst = appendAll(dst, req, RecordRoute)
	}
	dst = appendFirst(dst, req, From)
	dst = appendFirst(dst, req, To)
	if len(toTag) > 0 && req.Has(To) && req.ToTag() == nil {
		dst = dst[:len(dst)-len("\r\n")]
		dst = append(dst, ";tag="...)
		dst = append(dst, toTag...)
		dst = append(dst, "\r\n"...)
	}
	dst = appendFirst(dst, req, CallID)
	dst = appendFirst(dst, req, CSeq)
	if status == 100 {
		dst = appendFirst(dst, req, Timestamp)
	}
	dst = append(dst, extra...)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// AppendACK appends the ACK for a non-2xx final response to the INVITE that
// was sent, RFC 3261 §17.1.1.3: Request-URI, top Via, From, Call-ID, CSeq number and Route of
// the INVITE, To of the response.
func AppendACK(dst []byte, invite, resp *Message) []byte {
	dst = appendRequest(dst, invite, ACK, resp)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// AppendCancel appends the CANCEL of the INVITE that was sent, RFC 3261 §9.1.
// extra as in AppendReply (Reason).
func AppendCancel(dst []byte, invite *Message, extra []byte) []byte {
	dst = appendRequest(dst, invite, CANCEL, invite)
	dst = append(dst, extra...)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// appendRequest appends start line and header fields of a request on the
// transaction of the INVITE, with the To of another message.
func appendRequest(dst []byte, invite *Message, method Method, to *Message) []byte {
	dst = append(dst, method.String()...)
	dst = append(dst, ' ')
	dst = append(dst, invite.RURI()...)
	dst = append(dst, " SIP/2.0\r\n"...)
	if v, ok := invite.TopVia(); ok {
		dst = append(dst, "Via: "...)
		dst = append(dst, v.Element.Value...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "Max-Forwards: 70\r\n"...)
	dst = appendAll(dst, invite, Route)
	dst = appendFirst(dst, invite, From)
	dst = appendFirst(dst, to, To)
	dst = appendFirst(dst, invite, CallID)
	dst = append(dst, "CSeq: "...)
	dst = strconv.AppendUint(dst, uint64(invite.CSeq()), 10)
	dst = append(dst, ' ')
	dst = append(dst, method.String()...)
	return append(dst, "\r\n"...)
}

// appendAll appends every field of a kind, ending in CRLF however it came.
func appendAll(dst []byte, m *Message, id HeaderID) []byte {
	for i := m.First(id); i >= 0; i = m.after(i, id) {
		dst = m.appendField(dst, i)
	}
	return dst
}

func appendFirst(dst []byte, m *Message, id HeaderID) []byte {
	if i := m.First(id); i >= 0 {
		return m.appendField(dst, i)
	}
	return dst
}

func (m *Message) appendField(dst []byte, i int) []byte {
	f := &m.fields[i]
	dst = append(dst, m.bytes(f.line)[:f.end]...)
	return append(dst, "\r\n"...)
}
