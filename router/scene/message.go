package scene

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Message is a request to be made. Only the start line, or Text, must be there.
type Message struct {
	Method, URI string
	From, To    string  // a URI, or the whole value
	Self        string  // the URI of From, and of To of a REGISTER, unless they are given
	Fields      []Field // more header fields, or others instead of those filled in
	Body        string
	Text        string // the message as text instead; what is missing is filled in
	Raw         []byte // its bytes instead; nothing is filled in
	Login       Login  // not of Raw
}

// Field is a header field by name; Absent: there is none of that name.
type Field struct {
	Name, Value string
	Absent      bool
}

// bytes makes the message; n tells it from others of a run.
func (m *Message) bytes(f transport.Flow, n int) []byte {
	if m.Raw != nil {
		return m.Raw
	}
	start, fields, body := m.parts()
	method, rest, _ := strings.Cut(start, " ")
	uri, _, _ := strings.Cut(rest, " ")
	id := strconv.Itoa(n)
	add := func(name, value string) {
		if !hasField(fields, name) {
			fields = append(fields, Field{Name: name, Value: value})
		}
	}
	add("Via", fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK-test-%s;rport",
		f.Transport.ViaName(), f.Remote, id))
	add("Max-Forwards", "70")
	from, to := m.From, m.To
	if from == "" {
		from = cmp.Or(m.Self, "sip:caller@example.org")
	}
	if from = nameAddr(from); !strings.Contains(from, ";tag=") {
		from += ";tag=caller-" + id
	}
	if to == "" && method == "REGISTER" {
		to = m.Self
	}
	to = cmp.Or(to, uri)
	add("From", from)
	add("To", nameAddr(to))
	add("Call-ID", "test-"+id)
	add("CSeq", "1 "+method)
	if method == "INVITE" || method == "SUBSCRIBE" || method == "REGISTER" {
		add("Contact", "<sip:caller@"+f.Remote.String()+">")
	}
	var b bytes.Buffer
	b.WriteString(start + "\r\n")
	for _, f := range fields {
		if !f.Absent {
			b.WriteString(f.Name + ": " + f.Value + "\r\n")
		}
	}
	if !hasField(fields, "Content-Length") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// parts is the message as far as it is given.
func (m *Message) parts() (start string, fields []Field, body string) {
	if m.Text == "" {
		method := m.Method
		if method == "" {
			method = "INVITE"
		}
		uri := m.URI
		if uri == "" {
			uri = "sip:bob@example.net"
		}
		return method + " " + uri + " SIP/2.0", append([]Field(nil), m.Fields...), Lines(m.Body)
	}
	head, body, _ := strings.Cut(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n\n")
	for i, line := range strings.Split(strings.Trim(head, "\n"), "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case i == 0:
			start = strings.TrimSpace(line)
			if !strings.HasSuffix(start, "SIP/2.0") {
				start += " SIP/2.0"
			}
		case line == "":
		case line[0] == ' ' || line[0] == '\t':
			if last := len(fields) - 1; last >= 0 {
				fields[last].Value += "\r\n" + line
			}
		default:
			fields = append(fields, Field{Name: name, Value: strings.TrimSpace(value)})
		}
	}
	return start, append(fields, m.Fields...), Lines(body)
}

// Lines ends lines as messages do.
func Lines(body string) string {
	return strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\n", "\r\n")
}

func hasField(fields []Field, name string) bool {
	id := sip.LookupHeader([]byte(name))
	for i := range fields {
		if strings.EqualFold(fields[i].Name, name) ||
			id != sip.HeaderOther && sip.LookupHeader([]byte(fields[i].Name)) == id {
			return true
		}
	}
	return false
}

func nameAddr(s string) string {
	if strings.Contains(s, "<") {
		return s
	}
	return "<" + s + ">"
}

// Origin is where a request comes from and by which listener. What is not given
// is filled in.
type Origin struct {
	Source   string // 203.0.113.9, 203.0.113.9:5060/tcp
	Listener string // udp:192.0.2.10:5060
	Peer     *transport.Peer
}

// Flow finds how a request of that origin arrives at these listeners.
func (o Origin) Flow(listeners []transport.Listener) (transport.Flow, error) {
	f := transport.Flow{Listener: transport.AnyListener, Peer: o.Peer}
	address, kind, _ := strings.Cut(o.Source, "/")
	if kind != "" {
		if f.Transport = sip.LookupTransport([]byte(kind)); f.Transport == sip.NoTransport {
			return f, fmt.Errorf("%q is not a transport", kind)
		}
	}
	if address != "" {
		var err error
		if f.Remote, err = parseSource(address); err != nil {
			return f, err
		}
	}
	for i, l := range listeners {
		if o.Listener != "" && o.Listener != l.Transport.String()+":"+l.Addr.String() ||
			f.Transport != sip.NoTransport && l.Transport != f.Transport ||
			f.Remote.IsValid() && l.Addr.Addr().Is4() != f.Remote.Addr().Is4() {
			continue
		}
		f.Listener, f.Transport, f.Local = uint16(i), l.Transport, l.Addr
		break
	}
	switch {
	case f.Listener != transport.AnyListener:
	case o.Listener != "":
		return f, fmt.Errorf("the policy has no listener %q by which %q could come", o.Listener, o.Source)
	default:
		return f, fmt.Errorf("the policy has no listener that %q could reach", o.Source)
	}
	if !f.Remote.IsValid() {
		f.Remote = caller(f.Local.Addr())
	}
	if f.Transport.Reliable() {
		f.Conn = 1
	}
	return f, nil
}

func parseSource(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 5060), nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return a, fmt.Errorf("%q is not an address", s)
	}
	return a, nil
}

// caller is an address a caller may have who reaches a listener.
func caller(local netip.Addr) netip.AddrPort {
	switch {
	case local.IsLoopback():
		return netip.AddrPortFrom(local, 5999)
	case local.Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 9}), 5060)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("2001:db8:ffff::9"), 5060)
}
