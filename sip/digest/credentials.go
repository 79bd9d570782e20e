package digest

import "crypto/subtle"

// Credentials are an Authorization or Proxy-Authorization, RFC 7616 §3.4. Texts stand in it as
// between quotes, with escapes: so they are hashed, and AppendUnescaped reads a user's name.
type Credentials struct {
	Username, Realm, Nonce, URI, Response, CNonce, Opaque []byte
	NC                                                    []byte // eight digits
	Algorithm                                             Algorithm
	Named                                                 bool // the algorithm is written
	QOP                                                   QOP  // 0: none, RFC 2069
}

// ParseCredentials reads the value of a header field; the texts are views of it. It refuses
// what no SIP client may send: a name that is hashed or in an extended notation, a qop without
// nc and cnonce, an nc or response of another form than the RFC's. An Algorithm that it does
// not know is 0.
func ParseCredentials(value []byte) (Credentials, error) {
	var p params
	if err := p.parse(value); err != nil {
		return Credentials{}, err
	}
	c := Credentials{
		Username: p[pUsername], Realm: p[pRealm], Nonce: p[pNonce], URI: p[pURI],
		Response: p[pResponse], CNonce: p[pCNonce], Opaque: p[pOpaque], NC: p[pNC],
		Algorithm: MD5, Named: p[pAlgorithm] != nil,
	}
	if c.Named {
		c.Algorithm = LookupAlgorithm(p[pAlgorithm])
	}
	ok := c.Username != nil && c.Realm != nil && c.Nonce != nil && c.URI != nil &&
		c.Response != nil && p[pUsernameExt] == nil && !equalFold(p[pUserhash], "true")
	if p[pQOP] != nil {
		var known bool
		c.QOP, known = lookupQOP(p[pQOP])
		ok = ok && known && c.CNonce != nil && len(c.NC) == ncLen && isHex(c.NC)
	}
	if !ok || !isHex(c.Response) || c.Algorithm != 0 && len(c.Response) != c.Algorithm.HexLen() ||
		c.Algorithm.Sess() && c.CNonce == nil {
		return Credentials{}, ErrMalformed
	}
	return c, nil
}

const ncLen = 8

// isHex reports whether b is hexadecimal digits, letters in lower case: LHEX.
func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Count is nc as a number; 0 of credentials without qop.
func (c *Credentials) Count() (n uint32) {
	if c.QOP == 0 {
		return 0
	}
	for _, d := range c.NC {
		if d >= 'a' {
			d -= 'a' - '0' - 10
		}
		n = n<<4 | uint32(d-'0')
	}
	return n
}

// AppendTo appends the value of the header field.
func (c *Credentials) AppendTo(dst []byte) []byte {
	dst = append(dst, `Digest username="`...)
	dst = append(dst, c.Username...)
	dst = append(dst, '"')
	dst = appendQuoted(dst, "realm", c.Realm)
	dst = appendQuoted(dst, "nonce", c.Nonce)
	dst = appendQuoted(dst, "uri", c.URI)
	dst = appendQuoted(dst, "response", c.Response)
	if c.Named {
		dst = appendToken(dst, "algorithm", c.Algorithm.String())
	}
	if c.CNonce != nil {
		dst = appendQuoted(dst, "cnonce", c.CNonce)
	}
	if c.Opaque != nil {
		dst = appendQuoted(dst, "opaque", c.Opaque)
	}
	if c.QOP != 0 {
		dst = appendToken(dst, "qop", c.QOP.String())
		dst = append(dst, ", nc="...)
		dst = append(dst, c.NC...)
	}
	return dst
}

// AppendResponse appends the response that the credentials should have, RFC 7616 §3.4.1. ha1 is
// that of AppendHA1, method and body are those of the request. The Algorithm is a known one.
func (c *Credentials) AppendResponse(dst, ha1, method, body []byte) []byte {
	var (
		buf           [scratchLen]byte
		first, second [MaxHexLen]byte
		text          []byte
	)
	a := c.Algorithm
	if a.Sess() {
		ha1 = a.appendHash(first[:0], join(buf[:0], ha1, c.Nonce, c.CNonce))
	}
	if c.QOP == AuthInt {
		text = join(buf[:0], method, c.URI, a.appendHash(second[:0], body))
	} else {
		text = join(buf[:0], method, c.URI)
	}
	ha2 := a.appendHash(second[:0], text)
	if c.QOP == 0 {
		text = join(buf[:0], ha1, c.Nonce, ha2)
	} else {
		qop := [...]string{Auth: "auth", AuthInt: "auth-int"}[c.QOP]
		text = append(join(buf[:0], ha1, c.Nonce, c.NC, c.CNonce), ':')
		text = append(append(append(text, qop...), ':'), ha2...)
	}
	return a.appendHash(dst, text)
}

// Verify reports whether the response is that of whoever knows ha1. The time it takes depends
// on the lengths of the texts alone. It allocates nothing for texts of usual length.
func (c *Credentials) Verify(ha1, method, body []byte) bool {
	var buf [MaxHexLen]byte
	return subtle.ConstantTimeCompare(c.AppendResponse(buf[:0], ha1, method, body), c.Response) == 1
}
