package digest

import (
	"bytes"
	"errors"
)

var (
	// ErrScheme: the value is of another scheme than Digest.
	ErrScheme = errors.New("not of the scheme Digest")
	// ErrMalformed: a grammar of RFC 7616 does not hold, or a parameter is missing or doubled.
	ErrMalformed = errors.New("malformed digest parameters")
)

// param is one of the parameters of a challenge or of credentials.
type param uint8

const (
	pUsername param = iota
	pRealm
	pNonce
	pURI
	pResponse
	pAlgorithm
	pCNonce
	pOpaque
	pQOP
	pNC
	pStale
	pDomain
	pCharset
	pUserhash
	pUsernameExt
	noParam
)

var paramNames = [noParam]string{
	"username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "opaque", "qop", "nc",
	"stale", "domain", "charset", "userhash", "username*",
}

// params are the values of all parameters, without their quotes. nil: it is not there.
type params [noParam][]byte

// Scheme cuts the scheme off the value of an authentication header field.
func Scheme(value []byte) (scheme, rest []byte) {
	value = trim(value)
	n := 0
	for n < len(value) && !isSpace(value[n]) {
		n++
	}
	return value[:n], trim(value[n:])
}

// IsDigest reports whether a scheme is Digest.
func IsDigest(scheme []byte) bool { return equalFold(scheme, "digest") }

// parse reads the parameters of a value of the scheme Digest. Those it does not know are
// checked and passed over, RFC 7616 §3.3.
func (p *params) parse(value []byte) error {
	scheme, rest := Scheme(value)
	if !IsDigest(scheme) {
		return ErrScheme
	}
	for len(rest) > 0 {
		if rest[0] == ',' { // an empty element, RFC 9110 §5.6.1
			rest = trim(rest[1:])
			continue
		}
		name, text, more, ok := next(rest)
		if !ok {
			return ErrMalformed
		}
		if rest = trim(more); len(rest) > 0 && rest[0] != ',' {
			return ErrMalformed
		}
		if n := lookup(name); n != noParam {
			if p[n] != nil {
				return ErrMalformed
			}
			p[n] = text
		}
	}
	return nil
}

// next reads name = value; text is not nil.
func next(b []byte) (name, text, rest []byte, ok bool) {
	eq := bytes.IndexByte(b, '=')
	if eq < 0 {
		return nil, nil, nil, false
	}
	name, b = trim(b[:eq]), trim(b[eq+1:])
	if len(name) == 0 || bytes.ContainsAny(name, " \t\r\n\",;") || len(b) == 0 {
		return nil, nil, nil, false
	}
	if b[0] == '"' {
		end := quotedEnd(b)
		return name, b[1:max(end, 1)], b[max(end+1, 1):], end > 0
	}
	n := 0
	for n < len(b) && b[n] != ',' && !isSpace(b[n]) {
		if b[n] == '"' || b[n] < ' ' || b[n] == 0x7f {
			return nil, nil, nil, false
		}
		n++
	}
	return name, b[:n:n], b[n:], n > 0
}

// quotedEnd is the index of the quote that ends a quoted string; 0: none does, or there is a
// control character in it.
func quotedEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i
		case c == '\\':
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			return 0
		}
	}
	return 0
}

func lookup(name []byte) param {
	for n := range paramNames {
		if equalFold(name, paramNames[n]) {
			return param(n)
		}
	}
	return noParam
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// AppendUnescaped appends what the escapes of a quoted string stand for, RFC 3261 §25.1.
func AppendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		dst = append(dst, b[i])
	}
	return dst
}

// appendQuoted appends `, name="value"`; a value that stands in quotes already needs no escape.
func appendQuoted(dst []byte, name string, value []byte) []byte {
	dst = append(dst, ", "...)
	dst = append(dst, name...)
	dst = append(dst, '=', '"')
	dst = append(dst, value...)
	return append(dst, '"')
}

// appendToken appends `, name=value`.
func appendToken(dst []byte, name, value string) []byte {
	dst = append(dst, ", "...)
	dst = append(dst, name...)
	dst = append(dst, '=')
	return append(dst, value...)
}
