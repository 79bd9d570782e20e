package natping

import "crypto/rand"

// keepAlive is the ping of RFC 5626 §3.5.1.
var keepAlive = []byte("\r\n\r\n")

// A template is the OPTIONS of a policy, but for what differs from ping to ping.
type template struct {
	from []byte // behind Via, up to the URI of To
	rest []byte // behind Call-ID
}

func newTemplate(from string) template {
	return template{
		from: []byte("\r\nMax-Forwards: 70\r\nFrom: <" + from + ">;tag=" + rand.Text() + "\r\nTo: <"),
		rest: []byte("\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
	}
}

// start appends what stands before the value of Via.
func (t *template) start(dst, uri []byte) []byte {
	dst = append(append(dst, "OPTIONS "...), uri...)
	return append(dst, " SIP/2.0\r\nVia: "...)
}

// end appends what stands behind "branch=".
func (t *template) end(dst, uri []byte, mark *token) []byte {
	dst = mark.appendTo(append(dst, branchStart...))
	dst = append(append(dst, t.from...), uri...)
	dst = mark.appendTo(append(dst, ">\r\nCall-ID: "...))
	return append(dst, t.rest...)
}
