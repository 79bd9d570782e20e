package main

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRefusedGateway relays to a port of this machine where nobody listens: ICMP says so, and the
// second gateway takes the call long before fr_timer.
func TestRefusedGateway(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the sender what ICMP says")
	}
	second, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	// A socket that is connected takes nothing of others, and nobody else gets its port.
	gone, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)},
		second.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	first := gone.LocalAddr()
	s := startServer(t, testHead+fmt.Sprintf(`
routes:
  request:
    - do: [{relay: {to: "sip:%s", fr_timer: 30s, failure: second}}]
  failure:
    second:
      - match: {cause: transport}
        do: [{relay: {to: "sip:%s"}}]
`, first, second.LocalAddr()))
	conn, err := net.Dial("udp4", s.addr("udp", false).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "OPTIONS sip:bob@example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK-refused\r\nMax-Forwards: 70\r\n"+
		"From: <sip:alice@example.net>;tag=a\r\nTo: <sip:bob@example.net>\r\n"+
		"Call-ID: refused\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", conn.LocalAddr())
	second.SetReadDeadline(time.Now().Add(15 * time.Second)) // half of fr_timer
	buf := make([]byte, 2048)
	n, from, err := second.ReadFromUDP(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "OPTIONS ") {
		t.Fatalf("the second gateway read %q, %v", buf[:n], err)
	}
	head, _, _ := strings.Cut(string(buf[:n]), "Max-Forwards")
	_, vias, _ := strings.Cut(head, "\r\n")
	fmt.Fprintf(writer{second, from}, "SIP/2.0 200 OK\r\n%s"+
		"From: <sip:alice@example.net>;tag=a\r\nTo: <sip:bob@example.net>;tag=b\r\n"+
		"Call-ID: refused\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", vias)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err = conn.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
		t.Fatalf("the caller read %q, %v", buf[:n], err)
	}
	if s.metric("sipedge_transport_undelivered_total") == 0 {
		t.Error("nothing undelivered was counted")
	}
}

type writer struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (w writer) Write(b []byte) (int, error) { return w.conn.WriteToUDP(b, w.to) }
