// Package attack does to a server what strangers do: it opens connections that are slow, endless
// or half opened, and has the server call those who do not answer. Its one law: what it opens it
// closes, and it calls nobody beyond loopback.
package attack

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"sipedge/sip"
)

// Attack is one way to be hostile: what it begins, at a rate, stands until the server ends it.
type Attack struct {
	Name string
	Does string        // what each connection or call does, in words
	Over sip.Transport // of the listener it goes to
	// Counter is the series of the server's metrics that grows when the server ends a connection
	// of it, or gives up a call; "": there is none, since nothing is done.
	Counter string

	// Of one that opens connections: what the i-th says, chunk bytes at a time with a pause between.
	says  func(i int) []byte
	chunk int
	pause time.Duration
	// Of one that has the server call: whom, and how many bytes the body of the call has.
	called func() (*hole, error)
	body   int
}

// All are all of them. The first is none: what differs then is the machine.
//
// Half handshakes are a third each of what is said, since a whole ClientHello costs the server a
// signature and the others cost nothing but their place.
var All = []*Attack{
	{Name: "nothing", Does: "nothing: what the machine does to itself"},
	{
		Name: "slowloris", Does: "a byte of a request a second", Over: sip.TCP,
		says:  func(i int) []byte { return []byte(options(i, "Content-Length: 0\r\n")) },
		chunk: 1, pause: time.Second,
		Counter: `sipedge_transport_connections_ended_total{reason="slow",transport="tcp"}`,
	},
	{
		Name: "endless header", Does: "4 KiB of header fields every 100 ms, and never an end",
		Over: sip.TCP, says: endless, chunk: 4 << 10, pause: 100 * time.Millisecond,
		Counter: `sipedge_transport_connections_ended_total{reason="oversized",transport="tcp"}`,
	},
	{
		Name: "two lengths", Does: "two Content-Length that differ", Over: sip.TCP,
		says: func(i int) []byte {
			return []byte(options(i, "Content-Length: 5\r\nContent-Length: 40\r\n") + "hello")
		},
		chunk:   4 << 10,
		Counter: `sipedge_transport_connections_ended_total{reason="framing",transport="tcp"}`,
	},
	{
		Name: "half handshakes", Does: "nothing, half a ClientHello, or a whole one and no more",
		Over: sip.TLS, says: greeting, chunk: 4 << 10,
		Counter: `sipedge_transport_handshakes_failed_total{reason="time",transport="tls"}`,
	},
	{
		Name: "deaf peers", Does: "calls of 40 kB to peers who are connected and never read",
		Over: sip.TCP, called: deaf, body: 40_000,
		Counter: `sipedge_transport_connections_ended_total{reason="stalled",transport="tcp"}`,
	},
	{
		Name: "silent peers", Does: "calls to peers who answer no SYN", Over: sip.TCP,
		called: silent, body: 200,
		Counter: `sipedge_transport_dial_errors_total{transport="tcp"}`,
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

// Named is one by its name, nil if there is none.
func Named(name string) *Attack {
	i := slices.IndexFunc(All, func(a *Attack) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// from is where hostile connection i comes from: of one source the server bears but so many.
func from(i int) *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(127, 2, byte(i>>4), byte(1+i&15))}
}
