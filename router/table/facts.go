package table

import (
	"bytes"
	"strings"
	"sync"

	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/sip"
)

// facts are what one Match call knows of its job. What has to be decoded is
// decoded once, when first asked for, and forgotten at the end: between two
// calls actions edit the message.
type facts struct {
	*job.Job
	addresses [4]address
	hashes    [noAxis]uint32 // of values, those that hashed has a bit of
	hashed    uint16
	scratch   []byte // for the condition that runs
	lower     []byte // for a text without case
}

// role is where a URI stands.
type role uint8

const (
	theRURI role = iota
	theFrom
	theTo
	theContact // the one that is looked at
)

// address is a URI in the form in which it is compared.
type address struct {
	decoded bool
	ok      bool     // there is one, well-formed
	uri     *sip.URI // never nil once decoded
	user    []byte   // unescaped; of tel without visual separators (RFC 3966 §5.1.1)
	host    []byte   // lower case without last dot; an IP address in its shortest form
	myself  answer

	own              sip.URI // what uri points at, unless the message keeps it
	userBuf, hostBuf []byte
}

// answer is a bool that may not be known yet.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

var pool = sync.Pool{New: func() any { return new(facts) }}

func borrow(j *job.Job) *facts {
	f := pool.Get().(*facts)
	f.Job = j
	return f
}

func (f *facts) release() {
	f.Job, f.hashed = nil, 0
	for i := range f.addresses {
		f.addresses[i].decoded = false
	}
	pool.Put(f)
}

// address decodes the URI of a role.
func (f *facts) address(r role) *address {
	a := &f.addresses[r]
	if !a.decoded {
		a.decoded, a.myself = true, unknown
		if a.uri, a.ok = f.uri(r, &a.own); !a.ok {
			a.uri = &noURI
		}
		a.compare()
	}
	return a
}

var noURI sip.URI

// uri is the URI of a role; own lends memory for it.
func (f *facts) uri(r role, own *sip.URI) (*sip.URI, bool) {
	if r == theRURI {
		return f.Msg.RequestURI()
	}
	get := f.Msg.From
	if r == theTo {
		get = f.Msg.To
	}
	n, ok := get()
	if !ok {
		return nil, false
	}
	var err error
	*own, err = sip.ParseURI(n.URI)
	return own, err == nil
}

// compare brings user and host into the form in which they are compared.
func (a *address) compare() {
	a.user = a.uri.User
	if bytes.IndexByte(a.user, '%') >= 0 {
		a.userBuf = sip.AppendUnescaped(a.userBuf[:0], a.user)
		a.user = a.userBuf
	} else if a.uri.Scheme == sip.Tel && bytes.ContainsAny(a.user, visualSeparators) {
		a.userBuf = a.userBuf[:0]
		for _, c := range a.user {
			if strings.IndexByte(visualSeparators, c) < 0 {
				a.userBuf = append(a.userBuf, c)
			}
		}
		a.user = a.userBuf
	}
	a.hostBuf = appendHost(a.hostBuf[:0], a.uri.Host)
	a.host = a.hostBuf
}

const visualSeparators = "-.()"

// appendHost appends a host in the form in which hosts are compared.
func appendHost(dst, host []byte) []byte {
	if addr, ok := sip.ParseAddr(host); ok {
		return addr.Unmap().AppendTo(dst)
	}
	return sip.AppendLower(dst, bytes.TrimSuffix(host, []byte(".")))
}

// isMyself asks the self predicate once.
func (f *facts) isMyself(r role) bool {
	a := f.address(r)
	if a.myself == unknown {
		a.myself = no
		if a.ok && f.Self != nil && len(a.uri.Host) > 0 && f.Self.IsURI(a.uri, asked(a.uri)) {
			a.myself = yes
		}
	}
	return a.myself == yes
}

// asked is the transport a URI insists on.
func asked(u *sip.URI) sip.Transport {
	if u.Scheme == sip.SIPS {
		return vars.Transport(u)
	}
	return u.Transport()
}
