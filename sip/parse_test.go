package sip

import (
	"fmt"
	"strings"
	"testing"
)

// A whole request of few parts, which the tables of bad messages change.
const options = "OPTIONS sip:bob@example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP host.example.com;branch=z9hG4bK1\r\n" +
	"From: <sip:alice@example.com>;tag=1\r\n" +
	"To: <sip:bob@example.com>\r\n" +
	"Call-ID: call@host\r\n" +
	"CSeq: 7 OPTIONS\r\n" +
	"Max-Forwards: 70\r\n" +
	"Content-Length: 4\r\n" +
	"\r\n" +
	"body"

func mustParse(t testing.TB, text string) *Message {
	t.Helper()
	m := new(Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

func TestParse(t *testing.T) {
	m := mustParse(t, options)
	from, _ := m.From()
	to, _ := m.To()
	hops, hasHops := m.MaxForwards()
	via, _ := m.TopVia()
	got := fmt.Sprintf("%v %s %s %s %d %q", m.IsRequest(), m.Method(), m.MethodName(), m.RURI(),
		m.Status(), m.Reason()) +
		fmt.Sprintf(" | %s %s %s %q", from.URI, to.URI, m.FromTag(), m.ToTag()) +
		fmt.Sprintf(" | %s %d %d %v %s", m.CallID(), m.CSeq(), hops, hasHops, m.Body()) +
		fmt.Sprintf(" | %s %s %s %v", via.Transport, via.Host, via.Branch, via.RFC3261())
	want := `true OPTIONS OPTIONS sip:bob@example.com 0 ""` +
		` | sip:alice@example.com sip:bob@example.com 1 ""` +
		` | call@host 7 70 true body` +
		` | udp host.example.com z9hG4bK1 true`
	if got != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}

	m = mustParse(t, "SIP/2.0 180 Ringing here\r\n"+options[strings.Index(options, "Via"):])
	got = fmt.Sprintf("%v %s %s %q %d %q", m.IsRequest(), m.Method(), m.MethodName(), m.RURI(),
		m.Status(), m.Reason())
	want = `false OPTIONS OPTIONS "" 180 "Ringing here"`
	if got != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}
}

// Each case changes one place of the request.
func TestParseOutcome(t *testing.T) {
	const via = "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bK1"
	for _, c := range []struct{ name, old, new, want string }{
		{"as it is", "", "", "accept"},
		{"line ends before", "OPTIONS sip", "\r\n\r\nOPTIONS sip", "accept"},
		{"bare LF", "\r\n", "\n", "accept"},
		{"unknown scheme", "sip:bob@example.com", "foo:x", "accept"},
		{"tel", "sip:bob@example.com", "tel:+1-212-555-0101", "accept"},
		{"version in lower case", "SIP/2.0\r\nVia", "sip/2.0\r\nVia", "accept"},
		{"no Content-Length", "Content-Length: 4\r\n", "", "accept"},
		{"no Max-Forwards", "Max-Forwards: 70\r\n", "", "accept"},
		{"compact names", "Call-ID", "i", "accept"},
		{"bytes beyond", "body", "body and more", "accept"},
		{"quoted NUL", "From: <", "From: \"\\\x00\" <", "accept"},
		{"UTF-8", "From: <", "From: \"é\" <", "accept"},
		{"folded Call-ID", "Call-ID: ", "Call-ID:\r\n ", "accept"},
		{"CSeq 2^31-1", "CSeq: 7", "CSeq: 2147483647", "accept"},
		{"Max-Forwards 255", "70", "255", "accept"},
		{"128 Via", via, via + strings.Repeat(",SIP/2.0/UDP h", 127), "accept"},
		{"256 header fields", via, via + strings.Repeat("\r\nX: y", 249), "accept"},
		{"200 commas", via, via + "\r\nX: " + strings.Repeat(",", 200), "accept"},

		{"empty", options, "", "400 start-line drop"},
		{"only line ends", options, "\r\n\r\n", "400 start-line drop"},
		{"garbage", options, "\x00\x01\x02", "400 start-line drop"},
		{"HTTP", "OPTIONS sip:bob@example.com SIP/2.0", "GET / HTTP/1.1", "400 start-line drop"},
		{"no version", " SIP/2.0\r\nVia", "\r\nVia", "400 start-line drop"},
		{"no Request-URI", "sip:bob@example.com ", "", "400 start-line drop"},
		{"tab", "OPTIONS sip:bob@example.com S", "OPTIONS sip:b\to SIP/2.0 S", "400 start-line reply"},
		{"no method", "OPTIONS sip", " sip", "400 start-line drop"},
		{"method no token", "OPTIONS sip", "OPT(IONS) sip", "400 start-line drop"},
		{"NUL in start line", "bob@example.com S", "b\x00b@example.com S", "400 start-line reply"},
		{"CR in start line", "bob@example.com S", "b\rb@example.com S", "400 start-line reply"},
		{"SIP/3.0", "SIP/2.0\r\nVia", "SIP/3.0\r\nVia", "505 start-line reply"},
		{"URI without host", "sip:bob@example.com S", "sip:bob@ S", "400 uri reply"},
		{"URI port 0", "sip:bob@example.com S", "sip:bob@example.com:0 S", "400 uri reply"},
		{"URI port 65536", "sip:bob@example.com S", "sip:bob@example.com:65536 S", "400 uri reply"},
		{"URI two @", "sip:bob@example.com S", "sip:bob@a@example.com S", "400 uri reply"},
		{"URI headers", "sip:bob@example.com S", "sip:bob@example.com?a=b S", "400 uri reply"},
		{"tel letters", "sip:bob@example.com", "tel:bob", "400 uri reply"},

		{"no colon", "Max-Forwards: 70", "Max-Forwards 70", "400 header reply"},
		{"no name", "Max-Forwards: 70", ": 70", "400 header reply"},
		{"space in name", "Max-Forwards: 70", "Max Forwards: 70", "400 header reply"},
		{"folded first line", "Via", " Via", "400 header drop"},
		{"bare CR", "call@host", "ca\rll@host", "400 header reply"},
		{"bare CR at the end", "70\r\n", "70\r\r\n", "400 header reply"},
		{"NUL", "<sip:bob@example.com>", "Bob\x00 <sip:bob@example.com>", "400 header reply"},
		{"NUL in name", "Max-Forwards: 70", "X\x00: 70", "400 header reply"},
		{"no blank line", "Content-Length: 4\r\n\r\nbody", "X: y\r\n", "400 header reply"},
		{"no last line end", "Content-Length: 4\r\n\r\nbody", "X: y", "400 header reply"},

		{"no Via", via + "\r\n", "", "400 via drop"},
		{"empty Via", via, "Via:", "400 via drop"},
		{"Via without host", "host.example.com", "", "400 via drop"},
		{"Via of another protocol", "SIP/2.0/UDP", "SIP/2.1/UDP", "400 via reply"},
		{"Via with two branches", ";branch", ";branch=a;branch", "400 via reply"},
		{"no From", "From: <sip:alice@example.com>;tag=1\r\n", "", "400 from drop"},
		{"From star", "<sip:alice@example.com>;tag=1", "*", "400 from reply"},
		{"From junk", ">;tag=1", "> tag=1", "400 from reply"},
		{"no To", "To: <sip:bob@example.com>\r\n", "", "400 to drop"},
		{"To open", "<sip:bob@example.com>\r", "<sip:bob@example.com\r", "400 to reply"},
		{"To empty", "To: <sip:bob@example.com>", "To:", "400 to drop"},
		{"To without scheme", "<sip:bob@example.com>", "<bob@example.com>", "400 to reply"},
		{"no Call-ID", "Call-ID: call@host\r\n", "", "400 call-id drop"},
		{"Call-ID empty", "call@host", "", "400 call-id drop"},
		{"Call-ID with space", "call@host", "call @host", "400 call-id reply"},
		{"no CSeq", "CSeq: 7 OPTIONS\r\n", "", "400 cseq drop"},
		{"CSeq 2^31", "CSeq: 7", "CSeq: 2147483648", "400 cseq reply"},
		{"CSeq without number", "CSeq: 7", "CSeq:", "400 cseq reply"},
		{"CSeq without method", "7 OPTIONS", "7", "400 cseq reply"},
		{"CSeq other method", "7 OPTIONS", "7 Options", "400 cseq reply"},
		{"CSeq junk", "7 OPTIONS", "7 OPTIONS x", "400 cseq reply"},
		{"Max-Forwards 256", "70", "256", "400 max-forwards reply"},
		{"Max-Forwards empty", "70", "", "400 max-forwards reply"},
		{"Max-Forwards letters", "70", "0x70", "400 max-forwards reply"},
		{"Content-Length short", "Content-Length: 4", "Content-Length: 5", "400 body reply"},
		{"Content-Length signed", "Content-Length: 4", "Content-Length: +4", "400 content-length reply"},
		{"Content-Length huge", "Content-Length: 4", "l: 99999999999999999999",
			"400 content-length reply"},
		{"two From", "CSeq", "f: <sip:a@b>\r\nCSeq", "400 duplicate reply"},
		{"two To", "CSeq", "t: <sip:a@b>\r\nCSeq", "400 duplicate reply"},
		{"two Call-ID", "CSeq", "i: call@host\r\nCSeq", "400 duplicate reply"},
		{"two CSeq", "CSeq", "CSeq: 7 OPTIONS\r\nCSeq", "400 duplicate reply"},
		{"two Max-Forwards", "CSeq", "Max-Forwards: 70\r\nCSeq", "400 duplicate reply"},
		{"two equal Content-Length", "CSeq", "l: 4\r\nCSeq", "400 duplicate reply"},
		{"129 Via", via, via + strings.Repeat(",SIP/2.0/UDP h", 128), "400 limit reply"},
		{"257 header fields", via, via + strings.Repeat("\r\nX: y", 250), "400 limit reply"},
		{"too long", "body", strings.Repeat("b", MaxMessage), "513 limit reply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 1
			if c.old == "\r\n" {
				n = -1
			}
			text := strings.Replace(options, c.old, c.new, n)
			if c.old != c.new && text == options {
				t.Fatal("the case changes nothing")
			}
			var m Message
			err := m.Parse([]byte(text))
			if got := outcome(&m, err); got != c.want {
				t.Errorf("want %s, got %s (%v)", c.want, got, err)
			}
		})
	}
}

func TestParseErrorOffset(t *testing.T) {
	text := "\r\n" + strings.Replace(options, "CSeq: 7", "CSeq: x", 1)
	var m Message
	err := m.Parse([]byte(text))
	e, ok := err.(*ParseError)
	if !ok || e.Offset != strings.Index(text, "CSeq") {
		t.Errorf("want offset %d, got %+v", strings.Index(text, "CSeq"), e)
	}
}

func TestParseResponse(t *testing.T) {
	rest := options[strings.Index(options, "Via"):]
	for _, c := range []struct{ line, want string }{
		{"SIP/2.0 200 OK", "accept"},
		{"SIP/2.0 100 ", "accept"},
		{"SIP/2.0 699", "accept"},
		{"SIP/2.0 200 \tOK  ", "accept"},
		{"SIP/2.0 099 x", "400 start-line drop"},
		{"SIP/2.0 700 x", "400 start-line drop"},
		{"SIP/2.0 20 x", "400 start-line drop"},
		{"SIP/2.0 2000 x", "400 start-line drop"},
		{"SIP/2.0  200 x", "400 start-line drop"},
		{"SIP/2.0 2x0 x", "400 start-line drop"},
		{"SIP/2.0", "400 start-line drop"},
		{"SIP/3.0 200 OK", "505 start-line drop"},
		{"SIP/2.0 200 O\x00K", "400 start-line drop"},
	} {
		var m Message
		err := m.Parse([]byte(c.line + "\r\n" + rest))
		if got := outcome(&m, err); got != c.want {
			t.Errorf("%q: want %s, got %s", c.line, c.want, got)
		}
	}
	// An ACK is never answered.
	text := strings.ReplaceAll(strings.Replace(options, "70", "x", 1), "OPTIONS", "ACK")
	var m Message
	if got := outcome(&m, m.Parse([]byte(text))); got != "400 max-forwards drop" {
		t.Errorf("ACK: got %s", got)
	}
}

func TestFields(t *testing.T) {
	m := mustParse(t, strings.Replace(options, "CSeq:", "X-a: 1\r\nv: SIP/2.0/TCP b\r\n"+
		"x-B: 2\r\nX-A: 3\r\nb: <sip:c@d>\r\nSupported: 100rel,\r\n\tTimer\r\nCSeq:", 1))
	var got []string
	for _, name := range []string{"x-a", "X-B", "Via", "V", "Referred-By", "Nope"} {
		for i := m.Find(name); i >= 0; i = m.Next(i) {
			got = append(got, fmt.Sprintf("%s=%s", m.Name(i), m.Value(i)))
		}
		got = append(got, "/")
	}
	want := "X-a=1 X-A=3 / x-B=2 / Via=SIP/2.0/UDP host.example.com;branch=z9hG4bK1 " +
		"v=SIP/2.0/TCP b / Via=SIP/2.0/UDP host.example.com;branch=z9hG4bK1 v=SIP/2.0/TCP b / " +
		"b=<sip:c@d> / /"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("want %s\ngot  %s", want, s)
	}
	for token, want := range map[string]bool{"timer": true, "100REL": true, "path": false, "": false} {
		if got := m.Option(Supported, token); got != want {
			t.Errorf("Option %q: want %v", token, want)
		}
	}
	if m.Has(Contact) || m.Get(Contact) != nil || m.First(Contact) != -1 {
		t.Error("there is a Contact")
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"one", "Contact: <sip:a@b>", "<sip:a@b>"},
		{"none", "X: y", ""},
		{"empty", "Contact:", ""},
		{"two in one", "Contact: <sip:a@b> ,\r\n <sip:c@d>;q=1", "<sip:a@b>|<sip:c@d>;q=1"},
		{"in two", "m: <sip:a@b>\r\nX: y\r\nContact: sip:c@d", "<sip:a@b>|sip:c@d"},
		{"empty ones", "Contact: ,, <sip:a@b>,\r\n ,", "<sip:a@b>"},
		{"quoted", `Contact: "a,\",<b" <sip:a@b>, "c" <sip:c@d>`, `"a,\",<b" <sip:a@b>|"c" <sip:c@d>`},
		{"in brackets", `Contact: <sip:a,"b@c>,<sip:d@e>`, `<sip:a,"b@c>|<sip:d@e>`},
		{"parentheses in a URI", "Contact: sip:a(@b,sip:c@d", "sip:a(@b|sip:c@d"},
		{"comment", `Accept: a (b,"\),c), d`, `a (b,"\),c)|d`},
		{"open quote", `Contact: "a, b`, `"a, b`},
		{"open bracket", `Contact: <a, b`, `<a, b`},
	} {
		m := mustParse(t, strings.Replace(options, "CSeq:", c.lines+"\r\nCSeq:", 1))
		id := Contact
		if m.Has(Accept) {
			id = Accept
		}
		var got []string
		var last Element
		for e, ok := m.FirstElement(id); ok; e, ok = m.NextElement(e) {
			got = append(got, string(e.Value))
			last = e
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: want %s, got %s", c.name, c.want, s)
		}
		e, ok := m.LastElement(id)
		if ok != (len(got) > 0) || string(e.Value) != string(last.Value) || e.field != last.field {
			t.Errorf("%s: last is %q", c.name, e.Value)
		}
	}
}

func TestCopyFrom(t *testing.T) {
	m := mustParse(t, invite)
	relay(m)
	var c Message
	for range 2 { // the second reuses the buffer
		c.CopyFrom(m)
	}
	want := string(m.AppendTo(nil))
	if err := m.Parse([]byte(options)); err != nil {
		t.Fatal(err)
	}
	again := mustParse(t, want)
	if got := string(c.AppendTo(nil)); got != want || c.Edited() || !c.Replyable() {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	if dump(&c) != dump(again) {
		t.Errorf("want\n%s\ngot\n%s", dump(again), dump(&c))
	}
	_ = m.Parse([]byte(strings.Replace(options, "Via:", strings.Repeat("X: y\r\n", 300)+"Via:", 1)))
	var many Message
	if many.CopyFrom(m); dump(&many) != dump(m) || string(many.AppendTo(nil)) != string(m.Raw()) {
		t.Errorf("too many fields: want\n%s\ngot\n%s", dump(m), dump(&many))
	}
	c.SetValue(c.First(MaxForwards), []byte("1"))
	c.CopyFrom(&c)
	if hops, _ := c.MaxForwards(); hops != 1 || c.Edited() {
		t.Errorf("copy of itself: %d", hops)
	}
}

// dump shows all getters of a message.
func dump(m *Message) string {
	var b strings.Builder
	via, ok := m.TopVia()
	from, fromOK := m.From()
	to, toOK := m.To()
	hops, hopsOK := m.MaxForwards()
	ruri, ruriOK := m.RequestURI()
	fmt.Fprintf(&b, "%v %s %q %q %d %q\n", m.IsRequest(), m.Method(), m.MethodName(), m.RURI(),
		m.Status(), m.Reason())
	if ok {
		fmt.Fprintf(&b, "%d %q %q\n", via.Element.field, via.Element.Value, via.Params)
	}
	fmt.Fprintf(&b, "%q %q %q %v\n", from.Display, from.URI, from.Params, fromOK)
	fmt.Fprintf(&b, "%q %q %q %v\n", to.Display, to.URI, to.Params, toOK)
	fmt.Fprintf(&b, "%q %d %d %v %q %v %q\n", m.CallID(), m.CSeq(), hops, hopsOK, ruri.Host, ruriOK,
		m.Body())
	for i := range m.Len() {
		fmt.Fprintf(&b, "%d %q %q\n", m.ID(i), m.Name(i), m.Value(i))
	}
	return b.String()
}
