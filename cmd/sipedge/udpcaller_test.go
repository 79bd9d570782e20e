package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

// udpCaller is a phone of UDP that calls phones in browsers: it offers what WebRTC asks for, and no
// sound ever comes.
type udpCaller struct {
	*wire
	calls  int
	dialog string // the header fields that its requests have in common, but for CSeq
	target string // Contact of the other side
}

const offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 127.0.0.1\r\na=mid:0\r\na=sendrecv\r\n" +
	"a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=setup:actpass\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef01234567\r\n" +
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" +
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n" +
	"a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n"

func newCaller(t *testing.T, to netip.AddrPort) *udpCaller {
	return &udpCaller{wire: dialWire(t, to)}
}

// request is one of the call.
func (c *udpCaller) request(method, uri, body string) string {
	c.seq++
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKc%d.%d;rport\r\n"+
		"Max-Forwards: 70\r\n%sCSeq: %d %s\r\nContact: <sip:alice@%s>\r\n"+
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", method, uri,
		c.conn.LocalAddr(), c.calls, c.seq, c.dialog, c.seq, method, c.conn.LocalAddr(),
		len(body), body)
}

// invite calls until the other side has answered, and acknowledges that.
func (c *udpCaller) invite(uri string) {
	c.t.Helper()
	c.calls++
	c.seq = 0
	from := fmt.Sprintf("From: <sip:alice@example.org>;tag=c%d\r\nCall-ID: %d@%s\r\n", c.calls,
		c.calls, c.conn.LocalAddr())
	c.dialog = from + "To: <" + uri + ">\r\n"
	m := c.ask(c.request("INVITE", uri, offer))
	if m.Status() != 200 {
		c.t.Fatalf("the call is answered %s", m.Raw())
	}
	c.dialog = from + "To: " + string(m.Get(sip.To)) + "\r\n"
	var routes []string
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		routes = append([]string{"Route: " + string(e.Value) + "\r\n"}, routes...)
	}
	c.dialog += strings.Join(routes, "")
	c.target = contacts(m)[0]
	if !strings.Contains(c.target, ".invalid") {
		c.t.Errorf("the browser's Contact is %s: this shows nothing", c.target)
	}
	c.seq--
	if _, err := c.conn.Write([]byte(c.request("ACK", c.target, ""))); err != nil {
		c.t.Fatal(err)
	}
}

// bye hangs up.
func (c *udpCaller) bye() {
	c.t.Helper()
	if m := c.ask(c.request("BYE", c.target, "")); m.Status() != 200 {
		c.t.Errorf("BYE is answered %s", m.Raw())
	}
}

// hears waits for a request of the other side, and answers it.
func (c *udpCaller) hears(method string) {
	c.t.Helper()
	buf := make([]byte, sip.MaxMessage)
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		n, err := c.conn.Read(buf)
		if err != nil {
			c.t.Fatalf("no %s: %v", method, err)
		}
		var m sip.Message
		if m.Parse(buf[:n]) != nil || !m.IsRequest() || m.Method().String() != method {
			continue
		}
		if _, err := c.conn.Write(sip.AppendReply(nil, &m, 200, "", nil, nil)); err != nil {
			c.t.Fatal(err)
		}
		return
	}
}
