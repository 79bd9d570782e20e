package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

// The first retransmission of a request leaves at its time from a server with nothing else to
// do: no traffic and no other timer moves it. The machine may be busy, so a few tries of many
// have to be in time.
func TestTimersOfAnIdleServer(t *testing.T) {
	const (
		t1     = 200 * time.Millisecond
		late   = 20 * time.Millisecond
		tries  = 25
		inTime = 3
	)
	phone, hop := listenUDP(t), listenUDP(t)
	r := startPolicy(t, strings.Replace(testPolicy, "[{reply: {code: 200}}]",
		fmt.Sprintf("[{relay: {to: \"sip:%s\"}}]", hop.LocalAddr()), 1)+
		fmt.Sprintf("timers: {T1: %v}\nallow_targets: [127.0.0.0/8]\n", t1))
	server := r.manager.Listeners()[0].Addr
	var off []time.Duration
	for n, good := 0, 0; good < inTime; n++ {
		if n == tries {
			t.Fatalf("retransmitted T1 and %v after the request, want %d of them within %v",
				off, inTime, late)
		}
		request := fmt.Sprintf("OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n"+
			"Via: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:a@127.0.0.1>\r\n"+
			"Call-ID: timers\r\nCSeq: %[2]d OPTIONS\r\n\r\n", phone.LocalAddr(), n)
		if _, err := phone.WriteToUDPAddrPort([]byte(request), server); err != nil {
			t.Fatal(err)
		}
		_, first := receiveRequest(t, hop)
		m, second := receiveRequest(t, hop)
		off = append(off, second.Sub(first)-t1)
		if off[n].Abs() <= late {
			good++
		}
		answer := sip.AppendReply(nil, m, 200, "", []byte("b"), nil) // nothing is sent again
		if _, err := hop.WriteToUDPAddrPort(answer, server); err != nil {
			t.Fatal(err)
		}
		receive(t, phone)
	}
	t.Logf("retransmitted T1 and %v after the request", off)
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// receive waits for a datagram and says when it came.
func receive(t *testing.T, c *net.UDPConn) ([]byte, time.Time) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n], time.Now()
}

func receiveRequest(t *testing.T, c *net.UDPConn) (*sip.Message, time.Time) {
	t.Helper()
	b, at := receive(t, c)
	m := new(sip.Message)
	if err := m.Parse(b); err != nil || !m.IsRequest() {
		t.Fatalf("%v: want a request\n%s", err, b)
	}
	return m, at
}
