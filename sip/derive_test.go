package sip

import (
	"sipedge/sip/phrase"
	"strconv"
	"strings"
	"testing"
)

const received = "INVITE sip:bob@example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP b;branch=z9hG4bK2, SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
	"Record-Route: <sip:p1;lr>\r\n" +
	"Timestamp: 54\r\n" +
	"v: SIP/2.0/TCP ua\n" +
	"f: <sip:alice@example.com>;tag=1\r\n" +
	"To:\r\n <sip:bob@example.com>  \r\n" +
	"Max-Forwards: 9\r\n" +
	"Route: <sip:r1;lr>\r\n" +
	"Call-ID: c\r\n" +
	"Route: <sip:r2;lr>\r\n" +
	"CSeq: 0012 INVITE\r\n" +
	"Require: path\r\n" +
	"Authorization: x\r\n" +
	"Content-Length: 4\r\n\r\nbody"

func TestAppendReply(t *testing.T) {
	const vias = "Via: SIP/2.0/UDP b;branch=z9hG4bK2, SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
		"v: SIP/2.0/TCP ua\r\n"
	const rest = "Call-ID: c\r\nCSeq: 0012 INVITE\r\n"
	const from = "f: <sip:alice@example.com>;tag=1\r\n"
	m := mustParse(t, received)
	for _, c := range []struct {
		status             int
		reason, tag, extra string
		want               string
	}{
		{100, "", "", "", "SIP/2.0 100 Trying\r\n" + vias + from +
			"To:\r\n <sip:bob@example.com>\r\n" + rest + "Timestamp: 54\r\n"},
		{180, "", "t", "", "SIP/2.0 180 Ringing\r\n" + vias + "Record-Route: <sip:p1;lr>\r\n" + from +
			"To:\r\n <sip:bob@example.com>;tag=t\r\n" + rest},
		{299, "a\r\nb", "t", "", "SIP/2.0 299 a  b\r\n" + vias + "Record-Route: <sip:p1;lr>\r\n" +
			from + "To:\r\n <sip:bob@example.com>;tag=t\r\n" + rest},
		{503, "", "t", "Retry-After: 5\r\n", "SIP/2.0 503 Service Unavailable\r\n" + vias + from +
			"To:\r\n <sip:bob@example.com>;tag=t\r\n" + rest + "Retry-After: 5\r\n"},
	} {
		got := string(AppendReply([]byte("x"), m, c.status, c.reason, []byte(c.tag), []byte(c.extra)))
		want := "x" + c.want + "Content-Length: 0\r\n\r\n"
		if got != want {
			t.Errorf("%d: want\n%q\ngot\n%q", c.status, want, got)
		}
		if r := mustParse(t, got[1:]); r.Status() != c.status {
			t.Errorf("status %d", r.Status())
		}
	}

	// The Via as they stand now, and the request's own To tag.
	m = mustParse(t, strings.Replace(received, "example.com>  ", "example.com>;tag=own", 1))
	m.MarkReceived(source, true)
	got := string(AppendReply(nil, m, 200, "", []byte("t"), nil))
	for _, want := range []string{
		"branch=z9hG4bK2;received=192.0.2.7;rport=31000, ", ">;tag=own\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "tag=t") {
		t.Errorf("two To tags in\n%s", got)
	}
}

func TestReplyToMalformed(t *testing.T) {
	for name, raw := range tortureFiles(t) {
		var m Message
		err := m.Parse(raw)
		if err == nil || !m.Replyable() {
			continue
		}
		e := err.(*ParseError)
		reply := AppendReply(nil, &m, e.Status, e.Text, []byte("t"), nil)
		if !strings.Contains(string(reply), "\r\nCall-ID: "+string(m.CallID())+"\r\n") ||
			!strings.HasPrefix(string(reply), "SIP/2.0 "+strconv.Itoa(e.Status)+" "+e.Text+"\r\nVia") {
			t.Errorf("%s: %s", name, reply)
		}
	}
}

func TestAppendACK(t *testing.T) {
	m := mustParse(t, received)
	resp := mustParse(t, string(AppendReply(nil, m, 486, "", []byte("t"), nil)))
	got := string(AppendACK(nil, m, resp))
	want := "ACK sip:bob@example.com SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n" +
		"Max-Forwards: 70\r\n" +
		"Route: <sip:r1;lr>\r\nRoute: <sip:r2;lr>\r\n" +
		"f: <sip:alice@example.com>;tag=1\r\n" +
		"To:\r\n <sip:bob@example.com>;tag=t\r\n" +
		"Call-ID: c\r\n" +
		"CSeq: 12 ACK\r\n" +
		"Content-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	if ack := mustParse(t, got); ack.Method() != ACK {
		t.Errorf("method %s", ack.Method())
	}
}

func TestAppendCancel(t *testing.T) {
	m := mustParse(t, received)
	got := string(AppendCancel(nil, m, []byte("Reason: SIP;cause=200\r\n")))
	want := "CANCEL sip:bob@example.com SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n" +
		"Max-Forwards: 70\r\n" +
		"Route: <sip:r1;lr>\r\nRoute: <sip:r2;lr>\r\n" +
		"f: <sip:alice@example.com>;tag=1\r\n" +
		"To:\r\n <sip:bob@example.com>\r\n" +
		"Call-ID: c\r\n" +
		"CSeq: 12 CANCEL\r\n" +
		"Reason: SIP;cause=200\r\n" +
		"Content-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
	if cancel := mustParse(t, got); cancel.Method() != CANCEL {
		t.Errorf("method %s", cancel.Method())
	}
}

func TestReasonPhrase(t *testing.T) {
	for status, want := range map[int]string{
		100: "Trying", 487: "Request Terminated", 199: "Early Dialog Terminated",
		150: "Session Progress", 250: "OK", 399: "Redirection", 499: "Request Failure",
		599: "Server Failure", 699: "Global Failure",
	} {
		if got := phrase.Of(status); got != want {
			t.Errorf("%d: want %s, got %s", status, want, got)
		}
	}
}
