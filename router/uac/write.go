package uac

import (
	"crypto/rand"
	"strconv"

	"sipedge/sip"
)

// appendRequest writes a request, RFC 3261 §8.1.1. Its Via is written when its
// way is known.
func appendRequest(dst []byte, s *Settings, r *Request) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, r.URI...)
	dst = append(dst, " SIP/2.0\r\nVia: SIP/2.0/UDP "...)
	dst = sip.AppendHost(dst, []byte(s.Name))
	dst = append(dst, "\r\nMax-Forwards: 70\r\nFrom: <"...)
	if r.From != nil {
		dst = append(dst, r.From...)
	} else {
		dst = sip.AppendHost(append(dst, "sip:"...), []byte(s.Name))
	}
	dst = append(dst, ">;tag="...)
	dst = append(dst, rand.Text()...)
	dst = append(dst, "\r\nTo: <"...)
	dst = append(dst, r.URI...)
	dst = append(dst, ">\r\nCall-ID: "...)
	dst = append(dst, rand.Text()...)
	dst = append(dst, "\r\nCSeq: 1 "...)
	dst = append(dst, r.Method...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, r.Headers...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.Body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, r.Body...)
}
