package sip

import (
	"bytes"
	"net/netip"
	"strconv"
)

// Scheme of a URI.
type Scheme uint8

const (
	SchemeOther Scheme = iota
	SIP
	SIPS
	Tel
)

// String returns the scheme's name; "" for SchemeOther.
func (s Scheme) String() string {
	switch s {
	case SIP:
		return "sip"
	case SIPS:
		return "sips"
	case Tel:
		return "tel"
	}
	return ""
}

// URI is a parsed sip, sips or tel URI (RFC 3261 §19.1, RFC 3966). Slices
// are views of what was parsed, still escaped. Of a URI of another scheme only Raw and SchemeName
// are set.
type URI struct {
	Raw        []byte
	Scheme     Scheme
	SchemeName []byte
	User       []byte // of tel: the number; nil: no userinfo
	Password   []byte
	Host       []byte // brackets of an IPv6 reference kept off
	Port       uint16 // 0: none
	Params     []byte // from the first ';' on, up to '?'
	Headers    []byte // behind '?'
}

// ParseURI reads a whole URI. Errors are *ParseError. Bytes that a user
// part or a parameter should have escaped are tolerated where nothing can
// be misread: not white space, controls, quotes, angle brackets or a second '@'.
func ParseURI(b []byte) (u URI, err error) {
	if bad := u.parse(b); bad != nil {
		return u, bad
	}
	return u, nil
}

func (u *URI) parse(b []byte) *ParseError {
	*u = URI{}
	u.Raw = b
	n := schemeLen(b)
	if n == 0 {
		return errScheme
	}
	u.SchemeName = b[:n]
	var err *ParseError
	switch {
	case is(u.SchemeName, "sip"):
		u.Scheme = SIP
	case is(u.SchemeName, "sips"):
		u.Scheme = SIPS
	case is(u.SchemeName, "tel"):
		u.Scheme = Tel
		err = u.number(b[n+1:])
	}
	if u.Scheme == SIP || u.Scheme == SIPS {
		if err = u.address(b[n+1:]); err == nil {
			return nil // every byte has been looked at
		}
	}
	if longRun(b, n, isURI) < len(b) {
		return errURIBytes
	}
	return err
}

// address reads a sip or sips URI behind its scheme.
func (u *URI) address(b []byte) *ParseError {
	n, at := longRun(b, 0, isHost), -1
	if n < len(b) {
		at = bytes.IndexByte(b[n:], '@')
	}
	if at >= 0 {
		if err := u.userinfo(b[:n+at], n); err != nil {
			return err
		}
		b = b[n+at+1:]
		n = longRun(b, 0, isHost)
	}
	var ok bool
	u.Host, u.Port, b, ok = hostPort(b, n, 0)
	if len(b) == 0 && ok {
		return nil
	}
	if longRun(b, 0, isURI) < len(b) || at >= 0 && bytes.IndexByte(b, '@') >= 0 {
		return errURIBytes
	}
	if !ok {
		return errHost
	}
	if b[0] == ';' {
		u.Params, b = b, nil
		if n := bytes.IndexByte(u.Params, '?'); n >= 0 {
			u.Params, b = u.Params[:n], u.Params[n:]
		}
	}
	if len(b) > 0 {
		if b[0] != '?' {
			return errHost
		}
		u.Headers = b[1:]
	}
	return u.count()
}

// userinfo reads what stands before the '@'; its first n bytes are of a host.
func (u *URI) userinfo(b []byte, n int) *ParseError {
	u.User = b
	if n == len(b) {
		return nil
	}
	if longRun(b, n, isURI) < len(b) {
		return errURIBytes
	}
	if c := bytes.IndexByte(b[n:], ':'); c >= 0 {
		u.User, u.Password = b[:n+c], b[n+c+1:]
	}
	return nil
}

// count enforces MaxParams, so that comparison stays cheap.
func (u *URI) count() *ParseError {
	if len(u.Params) > MaxParams && bytes.Count(u.Params, semicolon) > MaxParams ||
		len(u.Headers) > MaxParams && bytes.Count(u.Headers, ampersand) >= MaxParams {
		return errMany
	}
	return nil
}

var semicolon, ampersand = []byte{';'}, []byte{'&'}

// number reads a tel URI behind its scheme.
func (u *URI) number(b []byte) *ParseError {
	n := bytes.IndexByte(b, ';')
	if n < 0 {
		n = len(b)
	}
	u.User, u.Params = b[:n], b[n:]
	if n == len(b) {
		u.Params = nil
	}
	for _, c := range u.User {
		if class[c]&isHex == 0 && bytes.IndexByte(telMarks, c) < 0 {
			return errTel
		}
	}
	if n == 0 {
		return errTel
	}
	return u.count()
}

// schemeLen returns the length of the scheme that b begins with, before
// its colon and something behind it, or 0.
func schemeLen(b []byte) int {
	if len(b) > 4 && string(b[:4]) == "sip:" {
		return 3
	}
	n := run(b, 0, isScheme)
	if n > 0 && n+1 < len(b) && b[n] == ':' && lower[b[0]] >= 'a' {
		return n
	}
	return 0
}

// Param returns the value of a URI parameter; ok without a value: "lr".
// Escapes in the parameter's name are seen through.
func (u *URI) Param(name string) (value []byte, ok bool) {
	for p := NewParams(u.Params); ; {
		n, v, ok := p.Next()
		if !ok {
			return nil, false
		}
		if equalEscaped(n, name, true) {
			return v, true
		}
	}
}

// Transport is the transport parameter's; NoTransport when absent or unknown.
func (u *URI) Transport() Transport {
	v, _ := u.Param("transport")
	return LookupTransport(v)
}

// Addr is the host as an IP address, if it is one.
func (u *URI) Addr() (netip.Addr, bool) { return ParseAddr(u.Host) }

// AppendTo writes the URI from its parts (Raw for other schemes). The parts may have been changed.
func (u *URI) AppendTo(dst []byte) []byte {
	if u.Scheme == SchemeOther {
		return append(dst, u.Raw...)
	}
	if name := u.Scheme.String(); equalFold(u.SchemeName, name) {
		dst = append(dst, u.SchemeName...)
	} else {
		dst = append(dst, name...)
	}
	dst = append(dst, ':')
	if u.Scheme == Tel {
		dst = append(dst, u.User...)
		return append(dst, u.Params...)
	}
	if u.User != nil {
		dst = append(dst, u.User...)
		if u.Password != nil {
			dst = append(dst, ':')
			dst = append(dst, u.Password...)
		}
		dst = append(dst, '@')
	}
	dst = AppendHost(dst, u.Host)
	if u.Port != 0 {
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(u.Port), 10)
	}
	dst = append(dst, u.Params...)
	if u.Headers != nil {
		dst = append(dst, '?')
		dst = append(dst, u.Headers...)
	}
	return dst
}

// AppendHost appends a host as URIs and Via write it: an IPv6 address in brackets.
func AppendHost(dst, host []byte) []byte {
	if bytes.IndexByte(host, ':') < 0 {
		return append(dst, host...)
	}
	dst = append(dst, '[')
	dst = append(dst, unbracket(host)...)
	return append(dst, ']')
}
