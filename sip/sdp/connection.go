package sdp

import (
	"bytes"
	"net/netip"

	"sipedge/sip"
)

// The connection lines of a session description, RFC 8866 §5.7.

// HasPrivate reports whether a connection line (c=) has an address that is not
// reached from outside, as sip.IsPrivate says.
func HasPrivate(b []byte) bool {
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		if from, to := connection(line); to > 0 && isPrivate(line[from:to]) {
			return true
		}
	}
	return false
}

// AppendReconnected appends a description, with addr for every private address of a connection
// line. All else stays as it is, byte by byte.
func AppendReconnected(dst, b []byte, addr netip.Addr) []byte {
	for len(b) > 0 {
		line := b
		if n := bytes.IndexByte(b, '\n'); n >= 0 {
			line = b[:n+1]
		}
		b = b[len(line):]
		from, to := connection(line)
		if to == 0 || !isPrivate(line[from:to]) {
			dst = append(dst, line...)
			continue
		}
		family := byte('4')
		if addr.Is6() {
			family = '6'
		}
		dst = append(dst, line[:from]...)
		dst[len(dst)-len("4 ")] = family
		dst = append(addr.AppendTo(dst), line[to:]...)
	}
	return dst
}

// connection is where in a line the address of a connection is; to 0: the line is none. A
// family, a digit, and a space stand before it.
func connection(line []byte) (from, to int) {
	const start = "c=IN IP"
	from = len(start) + len("4 ")
	if len(line) <= from || string(line[:len(start)]) != start || line[from-1] != ' ' {
		return 0, 0
	}
	to = len(line)
	if n := bytes.IndexAny(line[from:], " /\r\n"); n >= 0 {
		to = from + n
	}
	return from, to
}

func isPrivate(text []byte) bool {
	a, ok := sip.ParseAddr(text)
	return ok && sip.IsPrivate(a)
}
