package sip

import "bytes"

// telMarks are what a telephone number holds beside hexadecimal digits:
// '+' in front, '*', '#', and visual separators, RFC 3966 §3.
var telMarks = []byte("+*#-.()")

// Equal compares by RFC 3261 §19.1.4 (sip, sips) or RFC 3966 §4 (tel); other schemes bytewise.
// It is symmetric, not transitive: a parameter that only one URI has is ignored unless it is
// user, ttl, method, maddr or transport.
func (u *URI) Equal(v *URI) bool {
	if u.Scheme != v.Scheme {
		return false
	}
	switch u.Scheme {
	case SchemeOther:
		return bytes.Equal(u.Raw, v.Raw)
	case Tel:
		return equalNumber(u.User, v.User) &&
			u.telParamsIn(v) && v.telParamsIn(u)
	}
	return (u.User == nil) == (v.User == nil) &&
		(u.Password == nil) == (v.Password == nil) &&
		equalEscaped(u.User, v.User, false) &&
		equalEscaped(u.Password, v.Password, false) &&
		u.Port == v.Port &&
		EqualHost(u.Host, v.Host) &&
		u.paramsIn(v) && v.paramsIn(u) &&
		headersIn(u.Headers, v.Headers) && headersIn(v.Headers, u.Headers)
}

// decisive are the parameters that make URIs differ when only one has them.
var decisive = [...]string{"user", "ttl", "method", "maddr", "transport"}

// paramsIn reports whether no parameter of u speaks against v. Of a
// parameter given twice the first counts.
func (u *URI) paramsIn(v *URI) bool {
	for p := NewParams(u.Params); ; {
		name, value, ok := p.Next()
		if !ok {
			return true
		}
		first, _ := uriParam(u.Params, name)
		if !equalEscaped(first, value, true) {
			continue
		}
		other, ok := uriParam(v.Params, name)
		if ok && !equalEscaped(other, value, true) {
			return false
		}
		if !ok && isDecisive(name) {
			return false
		}
	}
}

func isDecisive(name []byte) bool {
	for _, d := range decisive {
		if equalEscaped(name, d, true) {
			return true
		}
	}
	return false
}

func uriParam(params, name []byte) (value []byte, ok bool) {
	for p := NewParams(params); ; {
		n, v, ok := p.Next()
		if !ok {
			return nil, false
		}
		if equalEscaped(n, name, true) {
			return v, true
		}
	}
}

// headersIn reports whether b has every header of a, as often. Names are
// compared without regard to case, values exactly but for escapes, which is
// never looser than a header field's own rules.
func headersIn(a, b []byte) bool {
	for rest := a; len(rest) > 0; {
		var h []byte
		h, rest = cut(rest, '&')
		name, value := cut(h, '=')
		if countHeader(a, name, value) != countHeader(b, name, value) {
			return false
		}
	}
	return true
}

func countHeader(list, name, value []byte) (n int) {
	for len(list) > 0 {
		var h []byte
		h, list = cut(list, '&')
		if k, v := cut(h, '='); equalEscaped(k, name, true) && equalEscaped(v, value, false) {
			n++
		}
	}
	return n
}

func cut(b []byte, sep byte) (before, after []byte) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// equalNumber compares telephone numbers without their visual separators.
func equalNumber(a, b []byte) bool {
	i, j := 0, 0
	for {
		for i < len(a) && isSeparator(a[i]) {
			i++
		}
		for j < len(b) && isSeparator(b[j]) {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if lower[a[i]] != lower[b[j]] {
			return false
		}
		i, j = i+1, j+1
	}
}

func isSeparator(c byte) bool { return c == '-' || c == '.' || c == '(' || c == ')' }

// telParamsIn reports whether v has every parameter of u with an equal
// value: ext and a global phone-context as numbers.
func (u *URI) telParamsIn(v *URI) bool {
	for p := NewParams(u.Params); ; {
		name, value, ok := p.Next()
		if !ok {
			return true
		}
		mine, _ := uriParam(u.Params, name)
		other, ok := uriParam(v.Params, name)
		if !ok || (mine == nil) != (other == nil) {
			return false
		}
		if !equalEscaped(mine, value, true) {
			continue // given twice
		}
		isNumber := equalEscaped(name, "ext", true) || len(mine) > 0 && mine[0] == '+'
		if isNumber && !equalNumber(mine, other) || !isNumber && !equalEscaped(mine, other, true) {
			return false
		}
	}
}
