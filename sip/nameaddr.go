package sip

import "bytes"

// NameAddr is a name-addr or addr-spec with its header parameters, as in
// From, To, Contact, Route (RFC 3261 §20.10). Slices are views.
type NameAddr struct {
	Display []byte // as written, quotes included; nil: none
	URI     []byte
	Params  []byte // header parameters from the first ';' on
	Star    bool   // Contact: *
}

// ParseNameAddr reads one element. Tolerated, because it can't be
// misread: a display name that is neither tokens nor quoted, white space
// inside the angle brackets, empty parameters. Errors are *ParseError.
func ParseNameAddr(b []byte) (a NameAddr, err error) {
	if _, bad := a.parse(trim(b)); bad != nil {
		return a, bad
	}
	return a, nil
}

// parse reads b, trimmed, and returns the tag, which it comes by on its way.
func (a *NameAddr) parse(b []byte) (tag []byte, err *ParseError) {
	if tag, ok := a.plain(b); ok {
		return tag, nil
	}
	return a.general(b)
}

// plain reads b if it is as nearly all are: a sip URI in brackets, tokens or a
// quoted string before it, a tag or nothing behind.
func (a *NameAddr) plain(b []byte) (tag []byte, ok bool) {
	const scheme, tagName = "sip:", ";tag="
	*a = NameAddr{}
	i := 0
	if len(b) > 0 && b[0] == '"' {
		if i = quotedEnd(b, 0); i < 0 {
			return nil, false
		}
	}
	i = run(b, i, isToken|isLWS)
	start := i + 1 + len(scheme)
	if start >= len(b) || b[i] != '<' || string(b[i+1:start]) != scheme {
		return nil, false
	}
	end := longRun(b, start, isURI)
	if end == start || end == len(b) || b[end] != '>' {
		return nil, false
	}
	a.URI = b[i+1 : end]
	if i > 0 {
		a.Display = trimRight(b[:i])
	}
	if i = end + 1; i == len(b) {
		return nil, true
	}
	a.Params = b[i:]
	if i += len(tagName); i >= len(b) || string(a.Params[:len(tagName)]) != tagName {
		return nil, false
	}
	return b[i:len(b):len(b)], longRun(b, i, isPlain) == len(b)
}

// general reads what the grammar allows and what is tolerated.
func (a *NameAddr) general(b []byte) (tag []byte, err *ParseError) {
	*a = NameAddr{}
	if len(b) == 1 && b[0] == '*' {
		a.Star = true
		return nil, nil
	}
	i, err := uriStart(b)
	if err != nil {
		return nil, err
	}
	if b[i] == '<' {
		n := bytes.IndexByte(b[i:], '>')
		if n < 0 {
			return nil, errAngle
		}
		if i > 0 {
			a.Display = trimRight(b[:i])
		}
		a.URI = trim(b[i+1 : i+n])
		a.Params = trimLeft(b[i+n+1:])
	} else {
		n := bytes.IndexByte(b, ';')
		if n < 0 {
			n = len(b)
		}
		a.URI, a.Params = trimRight(b[:n]), b[n:]
		if bytes.IndexByte(a.URI, '?') >= 0 || bytes.IndexByte(a.URI, ',') >= 0 {
			err = errBareURI
		}
	}
	if len(a.Params) == 0 {
		a.Params = nil
	}
	switch {
	case err != nil:
		return nil, err
	case a.Params != nil && a.Params[0] != ';',
		schemeLen(a.URI) == 0, longRun(a.URI, 0, isURI) < len(a.URI):
		return nil, errNameAddr
	}
	p := NewParams(a.Params)
	for found := false; ; {
		name, value, ok := p.Next()
		switch {
		case p.junk:
			return nil, errParams
		case !ok:
			return tag, nil
		case !found && is(name, "tag"):
			if found = true; len(value) > 0 {
				tag = value
			}
		}
	}
}

// uriStart returns the index of the '<' of a name-addr, or 0 for an
// addr-spec: one has a '<' outside quotes before any ';'.
func uriStart(b []byte) (int, *ParseError) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '<':
			return i, nil
		case ';':
			return 0, nil
		case '"':
			end := quotedEnd(b, i)
			if end < 0 {
				return 0, errQuote
			}
			i = end - 1
		}
	}
	if len(b) == 0 {
		return 0, errNameAddr
	}
	return 0, nil
}

// Param returns a header parameter's value, quotes kept.
func (a *NameAddr) Param(name string) (value []byte, ok bool) { return Param(a.Params, name) }

// Tag is the tag parameter, or nil.
func (a *NameAddr) Tag() []byte {
	if tag, _ := Param(a.Params, "tag"); len(tag) > 0 {
		return tag
	}
	return nil
}

// Q is the q parameter in thousandths, 0–1000; ok false: absent or malformed.
func (a *NameAddr) Q() (q int, ok bool) {
	v, _ := Param(a.Params, "q")
	if len(v) == 0 || len(v) > len("0.000") || v[0] != '0' && v[0] != '1' {
		return 0, false
	}
	if len(v) > 1 && v[1] != '.' {
		return 0, false
	}
	q = int(v[0]-'0') * 1000
	for i, place := 2, 100; i < len(v); i, place = i+1, place/10 {
		if class[v[i]]&isDigit == 0 {
			return 0, false
		}
		q += int(v[i]-'0') * place
	}
	if q > 1000 {
		return 0, false
	}
	return q, true
}
