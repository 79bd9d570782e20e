package check_test

import (
	"fmt"
	"net/netip"
	"strings"

	"sipedge/router/check/example"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// request is a random request with what comes back to it, out of what random policies name.
func (a author) request(w *world, n int) *example.Message {
	m := &example.Message{Flow: a.flow(w)}
	method := one(a, someMethods)
	if a.chance(40) {
		method = "INVITE"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	version := "SIP/2.0"
	if a.chance(4) {
		version = "SIP/3.0"
	}
	uri, tag := a.address(), ""
	if a.chance(40) {
		tag = ";tag=t"
	}
	route := a.route(w, m, tag != "")
	if route != "" && a.chance(30) { // a strict router sent it
		uri, route = route, uri
	}
	line("%s %s %s", method, uri, version)
	line("Via: SIP/2.0/%s %s;branch=z9hG4bK%d%s", m.Flow.Transport.ViaName(),
		one(a, []string{m.Flow.Remote.String(), m.Flow.Remote.String(), "b.example.net"}), n,
		one(a, []string{"", "", ";rport"}))
	if a.chance(90) {
		line("Max-Forwards: %d", one(a, []int{70, 70, 70, 69, 71, 10, 11, 1, 0, 255, 100}))
	}
	line("From: <%s>;tag=f", a.address())
	line("To: <%s>%s", a.address(), tag)
	line("Call-ID: %s", one(a, []string{"a", "b", "ab", "abc", "B", fmt.Sprint(n)}))
	if a.chance(4) {
		method = "x y"
	}
	line("CSeq: 1 %s", method)
	if route != "" {
		line("Route: <%s>", route)
	}
	a.fields(line)
	a.body(&b)
	m.Text = []byte(b.String())
	for range 2 {
		m.Answers = append(m.Answers, a.answer())
	}
	return m
}

// route is a URI of ours for Route, or "".
func (a author) route(w *world, m *example.Message, within bool) string {
	if a.chance(70) {
		return ""
	}
	route := "sip:" + w.listeners[m.Flow.Listener].Addr.String() + ";lr"
	if m.Flow.Transport != sip.UDP {
		route += ";transport=" + m.Flow.Transport.String()
	}
	if within && a.chance(70) {
		m.Verified, route = one(a, []string{"upstream", "downstream"}), route+";t="+noTag
	}
	return route
}

func (a author) flow(w *world) transport.Flow {
	i := a.IntN(len(w.listeners))
	l := w.listeners[i]
	f := transport.Flow{Listener: uint16(i), Transport: l.Transport, Local: l.Addr}
	source := one(a, someSources)
	if l.Addr.Addr().Is6() {
		source = one(a, []string{"2001:db8::1", "2001:db9::1"})
	}
	f.Remote = netip.AddrPortFrom(netip.MustParseAddr(source), one(a, []uint16{5060, 4000, 4010, 9}))
	if f.Transport.Reliable() {
		f.Conn = 1
	}
	return f
}

func (a author) address() string {
	if a.chance(6) {
		return one(a, []string{"tel:49", "tel:+1-23", "urn:service:sos"})
	}
	u := one(a, []string{"sip:", "sip:", "sip:", "sips:"})
	if a.chance(90) {
		user := one(a, someUsers)
		if a.chance(30) {
			user += one(a, someUsers)
		}
		u += string(sip.AppendUserEscaped(nil, []byte(user))) + "@"
	}
	u += string(sip.AppendHost(nil, []byte(one(a, append(someHosts, "gw.example.com")))))
	if a.chance(30) {
		u += fmt.Sprintf(":%d", one(a, []int{5060, 5080, 5081, 9}))
	}
	if a.chance(25) {
		u += one(a, []string{";transport=tcp", ";transport=udp", ";x", ";x=y", ";x=tcp"})
	}
	return u
}

func (a author) value() string {
	if a.chance(8) {
		return ""
	}
	v := one(a, someValues)
	if a.chance(30) {
		v += one(a, append(someValues, "12", "2"))
	}
	return v
}

func (a author) fields(line func(string, ...any)) {
	for _, name := range []string{"X-A", "X-B", "Subject", "User-Agent", "Supported"} {
		for a.chance(35) {
			line("%s: %s", name, a.value())
		}
	}
	for a.chance(40) {
		line("Contact: <%s>%s", a.address(), one(a, []string{"", "", ";b", ", <sip:12@192.0.2.1>"}))
	}
	if a.chance(4) {
		line("Contact: *")
	}
}

// body ends the message with one.
func (a author) body(b *strings.Builder) {
	kind, text := "", ""
	switch a.IntN(6) {
	case 0, 1:
		kind, text = "application/sdp", a.session()
	case 2:
		kind = "text/plain"
	case 3:
		kind = "multipart/mixed;boundary=q"
		text = "--q\r\nContent-Type: application/sdp\r\n\r\n" + a.session() + "\r\n--q--\r\n"
	}
	if kind != "" {
		fmt.Fprintf(b, "Content-Type: %s\r\n", kind)
	}
	if short := one(a, []int{0, 350, 500, 510, 900, 905}) - b.Len() - len(text) - 24; short > 0 {
		text += strings.Repeat("x", short)
	}
	fmt.Fprintf(b, "Content-Length: %d\r\n\r\n%s", len(text), text)
}

func (a author) session() string {
	s := "v=0\r\nc=IN IP4 " + one(a, []string{"10.0.0.1", "203.0.113.1"}) + "\r\n"
	for range 1 + a.IntN(2) {
		s += fmt.Sprintf("m=%s %s RTP/AVP 96 8\r\na=rtpmap:96 %s/8000\r\n",
			one(a, []string{"audio", "video", "image"}), one(a, []string{"5004", "5004", "0"}),
			one(a, someCodecs))
	}
	return s
}

func (a author) answer() (r example.Answer) {
	r.Status = one(a, []int{404, 404, 486, 500, 503, 603, 200, 180})
	r.Cause = one(a, []string{"", "", "", "", "timeout", "transport"})
	a.fields(func(format string, args ...any) {
		r.Fields = append(r.Fields, fmt.Sprintf(format, args...))
	})
	if r.Tag = a.chance(70); a.chance(40) {
		r.Fields, r.Body = append(r.Fields, "Content-Type: application/sdp"), a.session()
	}
	return r
}
