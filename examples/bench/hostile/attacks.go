package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"sipedge/sip"
)

// attack is one way to be hostile. It has a rate; what it does stands until the server ends it.
type attack struct {
	name string
	does string // for the table
	over sip.Transport
	// Of one that opens connections: what a connection says, chunk bytes at a time with a pause
	// between, until the server ends it.
	says  func(i int) []byte
	chunk int
	pause time.Duration
	// Of one that has the server call: whom.
	called func() (*hole, error)
	body   int // bytes of the call's
	// What the server counts when it ends a connection of it, or can't make a call.
	counter string
}

// attacks are all of them. The first is none: what differs then is the machine.
//
// Half handshakes are a third each of what is said, since a whole ClientHello costs the server a
// signature and the others cost nothing but their place.
var attacks = []*attack{
	{name: "nothing", does: "nothing: what the machine does to itself"},
	{
		name: "slowloris", does: "a byte of a request a second", over: sip.TCP,
		says:  func(i int) []byte { return []byte(options(i, "Content-Length: 0\r\n")) },
		chunk: 1, pause: time.Second,
		counter: `sipedge_transport_connections_ended_total{reason="slow",transport="tcp"}`,
	},
	{
		name: "endless header", does: "4 KiB of header fields every 100 ms, and never an end",
		over: sip.TCP, says: endless, chunk: 4 << 10, pause: 100 * time.Millisecond,
		counter: `sipedge_transport_connections_ended_total{reason="oversized",transport="tcp"}`,
	},
	{
		name: "two lengths", does: "two Content-Length that differ", over: sip.TCP,
		says: func(i int) []byte {
			return []byte(options(i, "Content-Length: 5\r\nContent-Length: 40\r\n") + "hello")
		},
		chunk:   4 << 10,
		counter: `sipedge_transport_connections_ended_total{reason="framing",transport="tcp"}`,
	},
	{
		name: "half handshakes", does: "nothing, half a ClientHello, or a whole one and no more",
		over: sip.TLS, says: greeting, chunk: 4 << 10,
		counter: `sipedge_transport_handshakes_failed_total{reason="time",transport="tls"}`,
	},
	{
		name: "deaf peers", does: "calls of 40 kB to peers who are connected and never read",
		over: sip.TCP, called: deaf, body: 40_000,
		counter: `sipedge_transport_connections_ended_total{reason="stalled",transport="tcp"}`,
	},
	{
		name: "silent peers", does: "calls to peers who answer no SYN", over: sip.TCP,
		called: silent, body: 200,
		counter: `sipedge_transport_dial_errors_total{transport="tcp"}`,
	},
}

// options is a request with a header section that ends with extra.
func options(i int, extra string) string {
	return fmt.Sprintf("OPTIONS sip:edge@127.0.0.1 SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKhostile%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:hostile@127.0.0.1>;tag=%d\r\nTo: <sip:edge@127.0.0.1>\r\n"+
		"Call-ID: hostile%d\r\nCSeq: 1 OPTIONS\r\n%s\r\n", i, i, i, extra)
}

// call is an INVITE to a URI.
func call(i int, uri string, body int) string {
	return fmt.Sprintf("INVITE %[1]s SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKhole%[2]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:hostile@127.0.0.1>;tag=%[2]d\r\nTo: <%[1]s>\r\nCall-ID: hole%[2]d\r\n"+
		"CSeq: 1 INVITE\r\nContact: <sip:hostile@127.0.0.1:9;transport=tcp>\r\n"+
		"Content-Type: text/plain\r\nContent-Length: %[3]d\r\n\r\n%[4]s",
		uri, i, body, strings.Repeat("x", body))
}

// endless is more of a header section than any server takes.
func endless(i int) []byte {
	b := []byte(options(i, ""))
	b = b[:len(b)-2]
	for n := 0; len(b) < 128<<10; n++ {
		b = fmt.Appendf(b, "X-Header-%d: and there is more to come after this one\r\n", n)
	}
	return b
}

// greeting is nothing, half of how a client of TLS begins, or all of it.
func greeting(i int) []byte {
	ours, theirs := net.Pipe()
	go func() {
		_ = tls.Client(ours, &tls.Config{InsecureSkipVerify: true}).Handshake() // nobody answers
	}()
	defer ours.Close()
	b := make([]byte, 4096)
	n, _ := theirs.Read(b) // a pipe has no errors but its end
	return b[:n*(i%3)/2]
}

// from is where hostile connection i comes from: of one source the server bears but so many.
func from(i int) *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(127, 2, byte(i>>4), byte(1+i&15))}
}
