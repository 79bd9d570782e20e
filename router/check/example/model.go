package example

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sipedge/router/check/formula"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/phrase"
	"sipedge/sip/transport"
)

// Model is a message by its values.
type Model struct {
	method     string
	uris       [formula.OfTarget + 1]uri
	fields     []header // in their order, one instance each
	source     netip.Addr
	sourcePort uint16
	listener   int
	transport  sip.Transport
	local      netip.AddrPort
	inDialog   bool
	Direction  string
	Route      string // NoRoute and so on
	hops       string // the text of Max-Forwards; "" none
	from, to   string // the whole of the header fields; "": of the URIs
	via        string // the top one; "": as usual
	callID     string
	cseq       string // "" as usual
	length     string // the text of Content-Length; "": what it must be, "none": none
	body       body
	size       int      // 0: as it comes
	terse      bool     // written as short as can be
	limited    bool     // literals ask for Max-Forwards
	results    []result // of each round
	wrong      wrong    // in an error route

	True  map[formula.Slot]bool // opaque atoms that hold
	why   map[formula.Slot]string
	asked map[formula.Kind]bool
	reply *Model // that comes back
}

// Verified reports whether the message has a tag of ours.
func (m *Model) Verified() bool { return slices.Contains(formula.Verified, m.Route) }

// Strict reports whether a strict router has sent it.
func (m *Model) Strict() bool { return slices.Contains(formula.Strict, m.Route) }

// result is what a failure route is about, or a reply.
type result struct {
	status int
	cause  string // "" none
}

type header struct{ name, value string }

type uri struct {
	scheme, user, host string
	written            string // the user, when it is not escaped as usual
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
		switch {
		case u.written != "":
			b = append(append(b, u.written...), '@')
		case u.user != "":
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

// text is the message on the wire, made as long as it must be by its body.
func (m *Model) text(place schema.Place) []byte {
	b := m.write(place, 0, " ")
	if m.size <= len(b) {
		return b
	}
	more := m.size - len(b)
	for b = m.write(place, more, " "); len(b) > m.size; b = m.write(place, more, " ") {
		more-- // its length takes place too
	}
	if len(b) < m.size {
		b = m.write(place, more, "  ")
	}
	return b
}

// write writes the message with so many bytes more in its body, whose length stands behind a
// space.
func (m *Model) write(place schema.Place, more int, space string) []byte {
	var b strings.Builder
	w := wrong{}
	if place == schema.InError {
		w = m.wrong
	}
	line := func(name, value string) {
		if name == w.name {
			value = w.value
		}
		if id := sip.LookupHeader([]byte(name)); m.terse && compact[id] != "" {
			name = compact[id]
		}
		b.WriteString(name + ": " + value + "\r\n")
	}
	if place == schema.InReply {
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Result(0).status, phrase.Of(m.Result(0).status))
	} else {
		target := m.uris[formula.OfRURI].String()
		if m.terse && !m.uris[formula.OfRURI].asked {
			target = "sip:a"
		}
		fmt.Fprintf(&b, "%s %s%s SIP/%s\r\n", m.method, target, w.behind, cmp.Or(w.version, "2.0"))
	}
	line("Via", m.topVia())
	if m.hops != "" && !(m.terse && !m.limited) || w.name == "Max-Forwards" {
		line("Max-Forwards", m.hops)
	}
	line("From", m.address(formula.OfFrom))
	line("To", m.address(formula.OfTo))
	if m.terse && m.callID == usualID {
		line("Call-ID", "a")
	} else {
		line("Call-ID", m.callID)
	}
	line("CSeq", m.sequence())
	for _, f := range m.fields {
		line(f.name, f.value)
	}
	body := m.body.text
	if m.terse {
		body = m.body.shorter()
	}
	if m.body.kind != "" {
		line("Content-Type", m.body.kind)
	}
	switch m.length {
	case "":
		line("Content-Length", space[1:]+strconv.Itoa(len(body)+more))
	case noLength:
	default:
		line("Content-Length", m.length)
	}
	b.WriteString(w.line + "\r\n" + body + strings.Repeat("x", more))
	return []byte(b.String())
}

const noLength = "none"

// compact are the short names of header fields, RFC 3261 §7.3.3.
var compact = map[sip.HeaderID]string{
	sip.Via: "v", sip.From: "f", sip.To: "t", sip.CallID: "i", sip.ContentLength: "l",
	sip.ContentType: "c", sip.Contact: "m", sip.Subject: "s", sip.Supported: "k",
}

func (m *Model) topVia() string {
	if m.via != "" {
		return m.via
	}
	if m.terse {
		return "SIP/2.0/" + m.transport.ViaName() + " a;branch=z9hG4bKa"
	}
	return m.viaHead() + "776asdhds"
}

// viaHead is the top Via up to what tells its transaction from others.
func (m *Model) viaHead() string {
	return fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK", m.transport.ViaName(),
		netip.AddrPortFrom(m.source, m.sourcePort))
}

func (m *Model) address(r formula.Role) string {
	whole, tag, short := m.from, ";tag=1928301774", ";tag=a"
	if r == formula.OfTo {
		whole, tag, short = m.to, ";tag=314159", ";tag=b"
	}
	switch {
	case whole != "":
		return whole
	case r == formula.OfTo && !m.inDialog:
		tag = ""
	case m.terse:
		tag = short
	}
	if m.terse && !m.uris[r].asked {
		return "sip:a" + tag
	}
	return "<" + m.uris[r].String() + ">" + tag
}

func (m *Model) sequence() string {
	if m.cseq != "" {
		return m.cseq
	}
	return "1 " + m.method
}

// Result is what the failure route of a round is about; of a reply round 0 is its own.
func (m *Model) Result(round int) (r result) {
	if round < len(m.results) {
		return m.results[round]
	}
	return result{status: 486}
}

// FailsWith reports whether the failure of a round has that status, and no cause but that.
func (m *Model) FailsWith(round int, status int64) bool {
	r := m.Result(round)
	return int64(r.status) == status && r.cause == ""
}

// Start makes a job of the message; ok false: it can't be read as it was meant.
func (m *Model) Start(place schema.Place, self *job.Self, msg *sip.Message) (*job.Job, bool) {
	j := job.Get()
	j.Place, j.Now, j.Self = place, time.Unix(0, 0), self
	if place == schema.InStartup || place == schema.InTimer {
		return j, true
	}
	text := m.text(place)
	err := msg.Parse(text)
	bad, _ := err.(*sip.ParseError)
	if m.size > 0 && len(text) != m.size || (err != nil) != (place == schema.InError) {
		job.Put(j)
		return nil, false
	}
	j.Msg, j.Malformed = msg, bad
	j.Flow = m.flow()
	if place != schema.InReply {
		j.Received = msg.RURI()
	}
	if msg.IsRequest() && (bad == nil || msg.Replyable()) {
		msg.MarkReceived(j.Flow.Remote, false)
	}
	if place == schema.InRequest {
		j.Size = len(text)
	}
	if place == schema.InReply {
		j.Status = m.Result(0).status
	}
	return j, true
}

// StartReply makes a job of the reply that comes back to a request.
func (m *Model) StartReply(self *job.Self, msg *sip.Message) (*job.Job, bool) {
	if m.reply == nil {
		return nil, false
	}
	return m.reply.Start(schema.InReply, self, msg)
}

// Fail sets what the failure route of a round knows besides the message.
func (m *Model) Fail(j *job.Job, round int) {
	r := m.Result(round)
	j.Status, j.Cause = r.status, job.NoCause
	switch r.cause {
	case "timeout":
		j.Cause = job.CauseTimeout
	case "transport":
		j.Cause = job.CauseTransport
	}
}

func (m *Model) flow() transport.Flow {
	f := transport.Flow{
		Transport: m.transport, Listener: uint16(m.listener), Local: m.local,
		Remote: netip.AddrPortFrom(m.source, m.sourcePort),
	}
	if m.transport.Reliable() {
		f.Conn = 1
	}
	return f
}
