// Package edit is what a policy writes into messages: the Request-URI by its parts, and header
// fields, RFC 3261 §25.
// Its one law: what cannot stand in a message is not written, and leaves it as it was.
package edit

import (
	"errors"
	"sync"

	"sipedge/sip"
)

// Why a Request-URI stays as it was.
var (
	ErrURI   = errors.New("not a URI a request can go to")
	ErrUser  = errors.New("the Request-URI has no user to change")
	ErrHost  = errors.New("not a host")
	ErrShort = errors.New("the user of the Request-URI has too few characters to strip")
)

// IsRequestURI reports whether b can stand in a request line.
func IsRequestURI(b []byte) bool {
	u, err := sip.ParseURI(b)
	return err == nil && u.Scheme != sip.SchemeOther && len(u.Headers) == 0
}

// IsHop reports whether b can be a next hop: a sip or sips URI.
func IsHop(b []byte) bool {
	u, err := sip.ParseURI(b)
	return err == nil && (u.Scheme == sip.SIP || u.Scheme == sip.SIPS) && len(u.Host) > 0
}

// SetHost sets the host of the Request-URI: a domain name or an IP address. The port stays.
func SetHost(m *sip.Message, host []byte) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	if u.Scheme == sip.Tel || !IsHost(host) {
		return ErrHost
	}
	u.Host = unbracket(host)
	return setRURI(m, &u)
}

// SetPort sets the port of the Request-URI; 0 takes it out.
func SetPort(m *sip.Message, port uint16) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	if u.Scheme == sip.Tel {
		return ErrHost
	}
	u.Port = port
	return setRURI(m, &u)
}

// IsHost reports whether b is a host as a SIP URI has it; brackets of an IPv6
// address may be left out.
func IsHost(b []byte) bool {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	u := sip.URI{Scheme: sip.SIP, SchemeName: []byte("sip"), Host: unbracket(b)}
	s.b = u.AppendTo(s.b[:0])
	v, err := sip.ParseURI(s.b)
	return err == nil && len(v.Host) == len(u.Host) && v.User == nil && v.Port == 0 &&
		len(v.Params) == 0 && len(v.Headers) == 0 && len(v.Host) > 0
}

func unbracket(b []byte) []byte {
	if len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']' {
		return b[1 : len(b)-1]
	}
	return b
}

// ruri parses the Request-URI to change its parts.
func ruri(m *sip.Message) (sip.URI, error) {
	u, err := sip.ParseURI(m.RURI())
	if err != nil || u.Scheme == sip.SchemeOther {
		return u, ErrURI
	}
	return u, nil
}

// setRURI writes the Request-URI from its parts. It fails where they make none: the user of
// a tel URI is a number.
func setRURI(m *sip.Message, u *sip.URI) (err error) {
	s := scratches.Get().(*scratch)
	s.b = u.AppendTo(s.b[:0])
	if u.Scheme == sip.Tel && !IsRequestURI(s.b) {
		err = ErrURI
	} else {
		m.SetRURI(s.b)
	}
	scratches.Put(s)
	return err
}

// scratch is a buffer to build in what a message then copies.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}
