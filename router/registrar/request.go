package registrar

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Bounds on what a client may have kept, as the columns of location tables are.
const (
	maxContacts  = 32 // of one request
	maxContact   = 255
	maxCallID    = 255
	maxPath      = 1024
	maxInstance  = 255
	maxUserAgent = 255 // a longer one is cut
)

// Answer is what a REGISTER is answered. Reason "": the phrase of the RFC. Lines are whole header
// lines.
type Answer struct {
	Status int
	Reason string
	Lines  []byte
}

// Request is a REGISTER, or the answer to one that somebody else gave, as a change of bindings.
type Request struct {
	Answer // of the last Apply

	rules    *Rules
	now      time.Time
	callID   []byte
	cseq     uint32
	star     bool
	mirror   bool // the bindings are to be those of the request, whatever there is
	contacts []contact
	common   backends.Binding // what all contacts of the request have
	echo     bool             // Path is named in the answer
	touched  []bool           // of the bindings in Apply: by this request
	buf      []byte           // texts of common
}

// contact is a Contact of the request. Texts are those of the message.
type contact struct {
	uri      sip.URI
	received bool // kept with the address that the request came from
	q        int
	expires  time.Duration // 0: it is to be removed
	instance []byte
	regID    uint32
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// Read makes a Request of j's REGISTER; in a reply route, of a 2xx to one. The message must not
// be edited while it is used. A Status other than 0 is why there is no Change to be made of it.
func Read(j *job.Job, rules *Rules, now time.Time) *Request {
	r := requests.Get().(*Request)
	*r = Request{
		Answer: Answer{Lines: r.Lines[:0]}, rules: rules, now: now, mirror: !j.Msg.IsRequest(),
		contacts: r.contacts[:0], touched: r.touched[:0], buf: r.buf[:0],
	}
	m := j.Msg
	r.callID, r.cseq = m.CallID(), m.CSeq()
	if len(r.callID) > maxCallID {
		return r.refuse(400, "Call-ID Too Long")
	}
	if !r.mirror {
		if r.requires(m); r.Status != 0 {
			return r
		}
	}
	r.common = backends.Binding{CallID: r.callID, CSeq: r.cseq, Modified: now}
	if !r.mirror {
		r.describe(j)
	}
	if r.Status == 0 {
		r.readContacts(j)
	}
	return r
}

// Free gives a Request back.
func (r *Request) Free() {
	clear(r.contacts[:cap(r.contacts)])
	requests.Put(r)
}

func (r *Request) refuse(status int, reason string) *Request {
	r.Status, r.Reason = status, reason
	return r
}

// requires refuses extensions that are not supported, RFC 3261 §10.3 step 2.
func (r *Request) requires(m *sip.Message) {
	for e, ok := m.FirstElement(sip.Require); ok; e, ok = m.NextElement(e) {
		if !strings.EqualFold(string(e.Value), pathTag) {
			r.refuse(420, "")
			r.Lines = sip.AppendHeaderLine(r.Lines, sip.Unsupported, e.Value)
		}
	}
}

const pathTag = "path"

// describe reads what the bindings of a request have in common.
func (r *Request) describe(j *job.Job) {
	m, c := j.Msg, &r.common
	if l, ok := j.Self.Bound(j.Flow.Listener); ok {
		c.Listener = r.kept(func(b []byte) []byte { return appendListener(b, l) })
	}
	agent := m.Get(sip.UserAgent)
	agent = agent[:min(len(agent), maxUserAgent)]
	c.UserAgent = r.kept(func(b []byte) []byte { return appendClean(b, agent) })
	for e, ok := m.FirstElement(sip.Allow); ok; e, ok = m.NextElement(e) {
		if method := sip.LookupMethod(e.Value); method != sip.Other {
			c.Methods |= 1 << method
		}
	}
	valid := true
	c.Path = r.kept(func(b []byte) []byte {
		for e, ok := m.FirstElement(sip.Path); ok; e, ok = m.NextElement(e) {
			if len(b) > len(r.buf) {
				b = append(b, ", "...)
			}
			b = appendClean(b, e.Value)
			_, ok := firstHop(e.Value)
			valid = valid && ok
		}
		return b
	})
	switch {
	case len(c.Path) == 0:
	case len(c.Path) > maxPath:
		r.refuse(400, "Path Too Long")
	case !valid:
		r.refuse(400, "Malformed Path")
	case m.Option(sip.Supported, pathTag), m.Option(sip.Require, pathTag):
		r.echo = r.rules.Path != PathOff
	case r.rules.Path == PathStrict:
		r.refuse(420, "")
		r.Lines = append(r.Lines, "Unsupported: path\r\n"...)
	}
	c.Received = r.kept(func(b []byte) []byte { return appendSource(b, j.Flow) })
}

// kept is what f appends to a text that lives as long as r.
func (r *Request) kept(f func(b []byte) []byte) []byte {
	n := len(r.buf)
	r.buf = f(r.buf)
	return r.buf[n:len(r.buf):len(r.buf)]
}

// readContacts is steps 6 and 7 of RFC 3261 §10.3 as far as they need no bindings.
func (r *Request) readContacts(j *job.Job) {
	m, stars := j.Msg, 0
	header := seconds(m.Get(sip.Expires), m.Has(sip.Expires))
	for e, ok := m.FirstElement(sip.Contact); ok && r.Status == 0; e, ok = m.NextElement(e) {
		a, err := sip.ParseNameAddr(e.Value)
		switch {
		case err != nil:
			r.refuse(400, "Malformed Contact")
		case a.Star:
			stars++
		case len(r.contacts) == maxContacts:
			r.refuse(400, "Too Many Contacts")
		default:
			r.readContact(j, &a, header)
		}
	}
	if r.star = stars > 0; !r.star || r.Status != 0 {
		return
	}
	if r.mirror || stars > 1 || len(r.contacts) > 0 || !m.Has(sip.Expires) || header != 0 {
		r.refuse(400, "Contact * Needs Expires 0 Alone")
	}
}

// readContact reads one Contact; header is what the Expires header field asks for.
func (r *Request) readContact(j *job.Job, a *sip.NameAddr, header int64) {
	c := contact{q: 1000}
	var err error
	c.uri, err = sip.ParseURI(a.URI)
	switch {
	case err != nil, c.uri.Scheme == sip.SchemeOther:
		r.refuse(400, "Malformed Contact")
		return
	case len(a.URI) > maxContact:
		r.refuse(400, "Contact Too Long")
		return
	}
	if _, given := a.Param("q"); given {
		q, ok := a.Q()
		if !ok {
			r.refuse(400, "Malformed q")
			return
		}
		c.q = q
	}
	if !r.readInstance(a, &c) {
		return
	}
	asked := header
	if v, given := a.Param("expires"); given {
		asked = seconds(v, true)
	}
	if r.mirror {
		c.expires = time.Duration(min(max(asked, 0), mostSeconds)) * time.Second
		r.contacts = append(r.contacts, c)
		return
	}
	ok := true
	if c.expires, ok = r.rules.grant(asked, rand.Int64N); !ok {
		r.refuse(423, "")
		r.Lines = sip.AppendHeaderLine(r.Lines, sip.MinExpires,
			strconv.AppendInt(nil, int64(r.rules.Min/time.Second), 10))
		return
	}
	c.received = c.expires > 0 && r.fromElsewhere(j, &c.uri)
	r.contacts = append(r.contacts, c)
}

func (r *Request) readInstance(a *sip.NameAddr, c *contact) (ok bool) {
	c.instance, _ = a.Param("+sip.instance")
	id, given := a.Param("reg-id")
	n := seconds(id, given)
	switch {
	case len(c.instance) > maxInstance:
		r.refuse(400, "Instance Too Long")
	case bytes.ContainsAny(c.instance, "\r\n\x00"):
		r.refuse(400, "Malformed Contact")
	case given && (n < 1 || n == mostSeconds): // a number of 31 bits, RFC 5626 §4.2
		r.refuse(400, "Malformed reg-id")
	}
	c.regID = uint32(max(n, 0))
	return r.Status == 0
}

// seconds reads delta-seconds; -1: it is not given, or malformed, which counts as not given
// (RFC 3261 §10.2.1.1).
func seconds(v []byte, given bool) int64 {
	n := int64(0)
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = min(10*n+int64(c-'0'), mostSeconds)
	}
	if !given || len(v) == 0 {
		return -1
	}
	return n
}

// fromElsewhere reports whether a client is called at the address its request came from. By
// default that is so when it came straight from the client, over a connection, or when its Contact
// does not lead there: when Via shows that an address was translated, or when the Contact is
// private and the source is not. Over a WebSocket it always is: nothing else leads to its client.
func (r *Request) fromElsewhere(j *job.Job, u *sip.URI) bool {
	source := j.Flow.Remote
	from := source.Addr().Unmap()
	to, isAddr := u.Addr()
	to = to.Unmap()
	by := u.Transport()
	if by == sip.NoTransport {
		by = sip.UDP
	}
	here := isAddr && to == from && portOf(u, by) == source.Port() && by == j.Flow.Transport
	switch {
	case len(r.common.Path) > 0:
		return false
	case j.Flow.Transport == sip.WS, j.Flow.Transport == sip.WSS:
		return true
	case r.rules.Received == ReceivedNever:
		return false
	case j.Flow.Transport.Reliable():
		return true // where Contact names its own port nobody listens, as a rule
	case here:
		return false
	case r.rules.Received == ReceivedAlways:
		return true
	case isAddr && sip.IsPrivate(to) && !sip.IsPrivate(from):
		return true
	}
	v, ok := j.Msg.TopVia()
	if !ok {
		return false
	}
	said, isAddr := sip.ParseAddr(v.Host)
	port := v.Port
	if port == 0 {
		port = j.Flow.Transport.DefaultPort()
	}
	return isAddr && (said.Unmap() != from || port != source.Port())
}

func portOf(u *sip.URI, t sip.Transport) uint16 {
	if u.Port != 0 {
		return u.Port
	}
	return t.DefaultPort()
}

func appendListener(dst []byte, l transport.Listener) []byte {
	return l.Addr.AppendTo(append(append(dst, l.Transport.String()...), ':'))
}

// appendSource appends the URI of where a message came from, and the connection it came over.
func appendSource(dst []byte, f transport.Flow) []byte {
	dst = append(dst, "sip:"...)
	a := f.Remote.Addr().Unmap().WithZone("")
	dst = netip.AddrPortFrom(a, f.Remote.Port()).AppendTo(dst)
	if f.Transport != sip.UDP {
		dst = append(append(dst, ";transport="...), f.Transport.String()...)
	}
	if f.Conn != 0 {
		dst = strconv.AppendUint(append(dst, over...), f.Conn, 36)
	}
	return dst
}

// over begins the parameter of a received address that is the identity of a connection.
const over = ";conn="

// overOf divides a received address into a URI and the identity of a connection, 0 for none.
func overOf(received []byte) (uri []byte, conn uint64) {
	uri, id, ok := bytes.Cut(received, []byte(over))
	if !ok {
		return uri, 0
	}
	conn, err := strconv.ParseUint(string(id), 36, 64)
	if err != nil {
		conn = 0
	}
	return uri, conn
}

// Connection is the connection that a binding was registered over, and its transport; 0: over none.
func Connection(b *backends.Binding) (by sip.Transport, conn uint64) {
	uri, conn := overOf(b.Received)
	if conn == 0 {
		return sip.NoTransport, 0
	}
	u, err := sip.ParseURI(uri)
	if err != nil {
		return sip.NoTransport, 0
	}
	return u.Transport(), conn
}

// appendClean appends b with a space for every control character.
func appendClean(dst, b []byte) []byte {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
