// Package decoded is a message as matchers read it: its URIs in the form in which they are
// compared, and the fields and elements of its headers one by one.
// Its one law: what has to be decoded is decoded once, when first asked for, and forgotten with
// Forget: between two decisions actions edit the message.
package decoded

import (
	"bytes"
	"strings"

	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/sip"
)

// Message is that of a job. What is decoded holds until Forget.
type Message struct {
	*job.Job
	Scratch   []byte // memory for whoever reads; Unfold uses it, too
	addresses [4]Address
}

// Role is where a URI stands.
type Role uint8

// The roles. Contact is the one that was looked at last.
const (
	RURI Role = iota
	From
	To
	Contact
)

// Address is a URI in the form in which it is compared.
type Address struct {
	URI  *sip.URI // as it is written; never nil
	User []byte   // unescaped; of tel without visual separators (RFC 3966 §5.1.1)
	Host []byte   // lower case without last dot; an IP address in its shortest form

	decoded  bool
	ok       bool // there is one, well-formed
	asked    bool // whether it is ours
	isMyself bool

	own              sip.URI // what URI points at, unless the message keeps it
	userBuf, hostBuf []byte
}

// Forget forgets the job and what was decoded of it; memory stays.
func (m *Message) Forget() {
	m.Job = nil
	for i := range m.addresses {
		m.addresses[i].decoded = false
	}
}

// Address decodes the URI of a role. One that is missing or not well-formed is empty.
func (m *Message) Address(r Role) *Address {
	a := &m.addresses[r]
	if !a.decoded {
		a.decoded, a.asked = true, false
		if a.URI, a.ok = m.uri(r, &a.own); !a.ok {
			a.URI = &noURI
		}
		a.compare()
	}
	return a
}

var noURI sip.URI

// uri is the URI of a role; own lends memory for it.
func (m *Message) uri(r Role, own *sip.URI) (*sip.URI, bool) {
	if r == RURI {
		return m.Msg.RequestURI()
	}
	get := m.Msg.From
	if r == To {
		get = m.Msg.To
	}
	n, ok := get()
	if !ok {
		return nil, false
	}
	var err error
	*own, err = sip.ParseURI(n.URI)
	return own, err == nil
}

// ReadContact makes the URI of one value of Contact that of the role; false: there is none in it.
func (m *Message) ReadContact(value []byte) bool {
	a := &m.addresses[Contact]
	n, err := sip.ParseNameAddr(value)
	if err != nil || n.Star {
		return false
	}
	if a.own, err = sip.ParseURI(n.URI); err != nil {
		return false
	}
	a.decoded, a.ok, a.asked, a.URI = true, true, false, &a.own
	a.compare()
	return true
}

// compare brings user and host into the form in which they are compared.
func (a *Address) compare() {
	a.User = a.URI.User
	if bytes.IndexByte(a.User, '%') >= 0 {
		a.userBuf = sip.AppendUnescaped(a.userBuf[:0], a.User)
		a.User = a.userBuf
	} else if a.URI.Scheme == sip.Tel && bytes.ContainsAny(a.User, visualSeparators) {
		a.userBuf = a.userBuf[:0]
		for _, c := range a.User {
			if strings.IndexByte(visualSeparators, c) < 0 {
				a.userBuf = append(a.userBuf, c)
			}
		}
		a.User = a.userBuf
	}
	a.hostBuf = AppendHost(a.hostBuf[:0], a.URI.Host)
	a.Host = a.hostBuf
}

const visualSeparators = "-.()"

// AppendHost appends a host in the form in which hosts are compared.
func AppendHost(dst, host []byte) []byte {
	if addr, ok := sip.ParseAddr(host); ok {
		return addr.Unmap().AppendTo(dst)
	}
	return sip.AppendLower(dst, bytes.TrimSuffix(host, []byte(".")))
}

// IsMyself reports whether the URI of a role is ours: the self predicate.
func (m *Message) IsMyself(r Role) bool {
	a := m.Address(r)
	if !a.asked {
		a.asked = true
		a.isMyself = a.ok && m.Self != nil && len(a.URI.Host) > 0 &&
			m.Self.IsURI(a.URI, insistsOn(a.URI))
	}
	return a.isMyself
}

// insistsOn is the transport a URI insists on.
func insistsOn(u *sip.URI) sip.Transport {
	if u.Scheme == sip.SIPS {
		return vars.Transport(u)
	}
	return u.Transport()
}
