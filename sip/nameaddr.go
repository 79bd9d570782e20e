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
	*a = NameAddr{}
	if len(b) == 1 && b[0] == '*' {
		a.Star = true
		return nil, nil
	}
	i := 0
	if len(b) == 0 || b[0] != '<' {
		if i, err = uriStart(b); err != nil {
			return nil, err
		}
	}
	end := 0 // of a URI that has been looked at, in brackets
	if b[i] == '<' {
		if end = longRun(b, i+1, isURI); end == len(b) || b[end] != '>' {
			end = 0
		}
		if err = a.brackets(b, i, end); err != nil {
			return nil, err
		}
	} else if err = a.bare(b); err != nil {
		return nil, err
	}
	if schemeLen(a.URI) == 0 || end == 0 && longRun(a.URI, 0, isURI) < len(a.URI) {
		return nil, errNameAddr
	}
	return a.params()
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

// brackets reads a name-addr with its '<' at b[i]; end is where its '>' is, if
// it is known already.
func (a *NameAddr) brackets(b []byte, i, end int) *ParseError {
	if i > 0 {
		a.Display = trimRight(b[:i])
	}
	if end > 0 {
		a.URI = b[i+1 : end]
	} else {
		n := bytes.IndexByte(b[i:], '>')
		if n < 0 {
			a.Display = nil
			return errAngle
		}
		end = i + n
		a.URI = trim(b[i+1 : end])
	}
	if i = run(b, end+1, isLWS); i < len(b) {
		a.Params = b[i:]
		if b[i] != ';' {
			return errNameAddr
		}
	}
	return nil
}

// bare reads an addr-spec.
func (a *NameAddr) bare(b []byte) *ParseError {
	n := bytes.IndexByte(b, ';')
	if n < 0 {
		n = len(b)
	} else {
		a.Params = b[n:]
	}
	a.URI = trimRight(b[:n])
	if bytes.IndexByte(a.URI, '?') >= 0 || bytes.IndexByte(a.URI, ',') >= 0 {
		return errBareURI
	}
	return nil
}

// params looks at the parameters and returns the tag, the first.
func (a *NameAddr) params() (tag []byte, err *ParseError) {
	b, found := a.Params, false
	for i := 0; i < len(b); {
		p, next, f := nextParam(b, i)
		if f&junkParam != 0 {
			return nil, errParams
		}
		if i = next; p.name == len(b) || found {
			continue
		}
		if name, value := p.in(b); is(name, "tag") {
			if found = true; len(value) > 0 {
				tag = value
			}
		}
	}
	return tag, nil
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
