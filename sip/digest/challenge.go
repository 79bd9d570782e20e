package digest

import "bytes"

// Challenge is a WWW-Authenticate or Proxy-Authenticate, RFC 7616 §3.3. Texts stand in it as
// between quotes, with escapes.
type Challenge struct {
	Realm, Nonce, Opaque, Domain []byte
	Algorithm                    Algorithm
	QOP                          QOP // offered; 0: none, RFC 2069
	Stale                        bool
}

// ParseChallenge reads the value of a header field; the texts are views of it. An Algorithm it
// does not know is 0; a challenge that names none is one of MD5.
func ParseChallenge(value []byte) (Challenge, error) {
	var p params
	if err := p.parse(value); err != nil {
		return Challenge{}, err
	}
	c := Challenge{
		Realm: p[pRealm], Nonce: p[pNonce], Opaque: p[pOpaque], Domain: p[pDomain],
		Algorithm: MD5, Stale: equalFold(p[pStale], "true"),
	}
	if p[pAlgorithm] != nil {
		c.Algorithm = LookupAlgorithm(p[pAlgorithm])
	}
	if c.Realm == nil || c.Nonce == nil {
		return Challenge{}, ErrMalformed
	}
	for list := p[pQOP]; len(list) > 0; {
		var one []byte
		one, list, _ = bytes.Cut(list, []byte(","))
		q, _ := lookupQOP(trim(one))
		c.QOP |= q
	}
	if p[pQOP] != nil && c.QOP == 0 {
		return Challenge{}, ErrMalformed // qualities nobody here knows
	}
	return c, nil
}

// AppendTo appends the value of the header field.
func (c *Challenge) AppendTo(dst []byte) []byte {
	dst = append(dst, `Digest realm="`...)
	dst = append(dst, c.Realm...)
	dst = append(dst, '"')
	dst = appendQuoted(dst, "nonce", c.Nonce)
	if c.Domain != nil {
		dst = appendQuoted(dst, "domain", c.Domain)
	}
	if c.Opaque != nil {
		dst = appendQuoted(dst, "opaque", c.Opaque)
	}
	if c.Stale {
		dst = appendToken(dst, "stale", "true")
	}
	dst = appendToken(dst, "algorithm", c.Algorithm.String())
	if c.QOP != 0 {
		dst = append(dst, `, qop="`...)
		dst = append(dst, c.QOP.String()...)
		dst = append(dst, '"')
	}
	return dst
}
