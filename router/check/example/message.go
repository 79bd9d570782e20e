package example

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Message is an example: a message and the way it comes.
type Message struct {
	Flow transport.Flow
	Text []byte // as on the wire
	// What no message shows: opaque outcomes the example rests on; "" none.
	Assumes string

	place  schema.Place
	values *Model
}

// String is what a person reads: INVITE sip:bob@example.net from 203.0.113.9/udp.
func (m *Message) String() string {
	v := m.values
	s := v.method + " " + v.uris[OfRURI].String()
	if m.place == schema.InReply {
		s = fmt.Sprintf("%d to %s", v.status, v.method)
	}
	s += fmt.Sprintf(" from %s/%s", m.Flow.Remote.Addr(), m.Flow.Transport)
	for _, more := range v.noteworthy(m.place) {
		s += ", " + more
	}
	return s
}

// Model is a message by its values.
type Model struct {
	method      string
	uris        [3]uri
	fields      []header
	source      netip.Addr
	sourcePort  uint16
	listener    int
	transport   sip.Transport
	local       netip.AddrPort
	inDialog    bool
	Direction   string
	MaxForwards int // -1: absent
	size        int // 0: as it comes
	status      int
	cause       string
	Route       string         // noRoute and so on
	True        map[*Atom]bool // opaque atoms that hold
	asked       map[slotKind]bool
}

type header struct{ name, value string }

type uri struct {
	scheme, user, host string
	port               uint16
	params             []header
	asked              bool
}

func (u *uri) String() string {
	var b []byte
	b = append(b, u.scheme...)
	b = append(b, ':')
	switch u.scheme {
	case "sip", "sips":
		if u.user != "" {
			b = sip.AppendUserEscaped(b, []byte(u.user))
			b = append(b, '@')
		}
		b = sip.AppendHost(b, []byte(u.host))
		if u.port != 0 {
			b = fmt.Appendf(b, ":%d", u.port)
		}
	case "tel":
		b = append(b, u.user...)
	default:
		return "urn:service:sos"
	}
	for _, p := range u.params {
		b = append(append(b, ';'), p.name...)
		if p.value != "" {
			b = appendEscaped(append(b, '='), p.value)
		}
	}
	return string(b)
}

// Message is the model as an example, in the route type it was tried for.
func (m *Model) Message(place schema.Place, text []byte) *Message {
	ex := &Message{Flow: m.flow(), Text: text, place: place, values: m}
	var assumed []string
	for a, is := range m.True {
		if is {
			assumed = append(assumed, a.Why)
		}
	}
	slices.Sort(assumed)
	ex.Assumes = strings.Join(slices.Compact(assumed), ", ")
	return ex
}

// appendEscaped escapes all but letters and digits, as a parameter takes it.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '.' {
			b = append(b, c)
			continue
		}
		b = fmt.Appendf(b, "%%%02X", c)
	}
	return b
}

// noteworthy is what the short form does not show, of what was asked for.
func (m *Model) noteworthy(place schema.Place) (list []string) {
	add := func(kind slotKind, format string, args ...any) {
		if m.asked[kind] {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	if m.inDialog {
		list = append(list, "in a dialog")
	}
	if m.Route == VerifiedRoute {
		list = append(list, "with a Route of ours")
	}
	if m.Route == ForgedRoute {
		list = append(list, "with a Route to us that bears no tag")
	}
	for r := ofFrom; r <= ofTo; r++ {
		if m.uris[r].asked {
			list = append(list, [...]string{"", "From", "To"}[r]+" "+m.uris[r].String())
		}
	}
	for _, f := range m.fields {
		list = append(list, f.name+": "+f.value)
	}
	add(theSourcePort, "port %d", m.sourcePort)
	add(MaxForwards, "Max-Forwards %d", m.MaxForwards)
	add(theSize, "%d bytes", m.size)
	if place == schema.InFailure {
		list = append(list, strings.TrimSpace(fmt.Sprintf("failed with %d %s", m.status, m.cause)))
	}
	return list
}

// text is the message on the wire.
func (m *Model) text(place schema.Place) []byte {
	b := m.write(place, 0)
	if m.size > len(b) {
		if b = m.write(place, m.size-len(b)); len(b) > m.size {
			b = m.write(place, m.size-len(b)+m.size-len(m.write(place, 0)))
		}
	}
	return b
}

func (m *Model) write(place schema.Place, body int) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	if place == schema.InReply {
		line("SIP/2.0 %d %s", m.status, sip.ReasonPhrase(m.status))
	} else {
		line("%s %s SIP/2.0", m.method, m.uris[OfRURI].String())
	}
	sentBy := netip.AddrPortFrom(m.source, m.sourcePort)
	line("Via: SIP/2.0/%s %s;branch=z9hG4bK776asdhds", strings.ToUpper(m.transport.String()), sentBy)
	if m.MaxForwards >= 0 {
		line("Max-Forwards: %d", m.MaxForwards)
	}
	tag := ""
	if m.inDialog {
		tag = ";tag=314159"
	}
	line("From: <%s>;tag=1928301774", m.uris[ofFrom].String())
	line("To: <%s>%s", m.uris[ofTo].String(), tag)
	line("Call-ID: a84b4c76e66710")
	line("CSeq: 1 %s", m.method)
	for _, f := range m.fields {
		line("%s: %s", f.name, f.value)
	}
	line("Content-Length: %d\r\n", body)
	b.WriteString(strings.Repeat("x", body))
	return []byte(b.String())
}

// Start makes a job of the message; ok false: it can't be read as it was meant.
func (m *Model) Start(place schema.Place, self *job.Self, msg *sip.Message) (*job.Job, bool) {
	text := m.text(place)
	if m.size > 0 && len(text) != m.size || msg.Parse(text) != nil {
		return nil, false
	}
	j := job.Get()
	j.Place, j.Now, j.Msg, j.Self = place, time.Unix(0, 0), msg, self
	j.Flow = m.flow()
	if place != schema.InReply {
		j.Received = msg.RURI()
	}
	m.Fail(j, place)
	return j, true
}

// Fail sets what a failure and a reply route know besides the message.
func (m *Model) Fail(j *job.Job, place schema.Place) {
	if place != schema.InFailure && place != schema.InReply {
		return
	}
	j.Status = m.status
	switch m.cause {
	case "timeout":
		j.Cause = job.CauseTimeout
	case "transport":
		j.Cause = job.CauseTransport
	}
}

func (m *Model) flow() transport.Flow {
	return transport.Flow{
		Transport: m.transport, Listener: uint16(m.listener), Local: m.local,
		Remote: netip.AddrPortFrom(m.source, m.sourcePort),
	}
}
