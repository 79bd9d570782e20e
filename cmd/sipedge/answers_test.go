package main

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sipedge/sip"
)

// startSentBy runs SIPp as a caller whose Via names an address that is not his.
func startSentBy(
	t *testing.T, name, transport string, to netip.AddrPort, l load, sentBy, contact string,
) *sipp {
	t.Helper()
	local := netip.AddrPortFrom(to.Addr(), freePort(t))
	args := append(l.args(), "-key", "sent_by", sentBy, "-key", "contact", contact, to.String())
	return startSIPp(t, name, transport, local, args...)
}

// Callers close their TCP connection before they are answered. The 200 comes by a new connection
// to the source address and the port of sent-by, RFC 3261 §18.2.2, and the call goes on by it.
func TestSIPpCallerReconnects(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 200, callLength}
	callee, at := startUAS(t, "uas_late", "tcp", "127.0.0.1", l)
	s := startServer(t, relayTo(at, "tcp"))
	local := netip.AddrPortFrom(at.Addr(), freePort(t))
	sentBy := fmt.Sprintf("192.0.2.1:%d", local.Port())
	returns := startSIPp(t, "uac_returns", "tcp", local,
		append(l.args(), "-key", "sent_by", sentBy)...)
	await(t, 10*time.Second, func() (string, bool) {
		return "nobody listens at sent-by", bound(local.Port())
	})
	callee.cmd.Process.Signal(syscall.SIGSTOP) // it answers when they have gone
	leaves := startSentBy(t, "uac_leaves", "tcp", s.addr("tcp", false), l, sentBy, local.String())
	if n, _ := leaves.wait(20 * time.Second); n != l.calls {
		t.Errorf("%d calls begun, want %d", n, l.calls)
	}
	await(t, 20*time.Second, func() (string, bool) {
		n := s.metric("sipedge_transport_connections_ended_total")
		return fmt.Sprintf("%v connections have ended", n), n == 1
	})
	callee.cmd.Process.Signal(syscall.SIGCONT)
	carry(t, returns, callee, l)
}

// Callers are answered where they are, as rport asks for, RFC 3581, not at the port of sent-by.
func TestSIPpRPort(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 50, callLength}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, relayTo(at, "udp"))
	carry(t, startSentBy(t, "uac_sent_by", "udp", s.addr("udp", false), l, "192.0.2.1:9;rport",
		"192.0.2.1:9"), callee, l)
}

// A client closes its TLS connection before it is answered, as TestSIPpCallerReconnects has it. By
// the new one it has to prove the name that it proved by the old one.
func TestTLSClientReconnects(t *testing.T) {
	dir := openssl(t, "edge.example", "a.example")
	back := serveTLS(t, filepath.Join(dir, "a.example"))
	callee, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer callee.Close()
	policy := strings.Replace(secure(dir), "listen: [", `listen: [{udp: "127.0.0.1:0"}, `, 1)
	s := startServer(t, policy+fmt.Sprintf(`routes:
  request:
    - match: {transport: tls}
      do: [{relay: {to: "sip:%s"}}]
    - do: [{reply: {code: 403}}]
`, callee.LocalAddr()))
	client := secureClient(t, s, dir, "a.example")
	sentBy := fmt.Sprintf("192.0.2.1:%d;", back.Addr().(*net.TCPAddr).Port)
	fmt.Fprint(client, strings.Replace(secureRequest("MESSAGE", "sip:bob@edge.example",
		"Call-ID: x\r\nCSeq: 1 MESSAGE\r\n"), "c.example;", sentBy, 1))
	buf := make([]byte, 65535)
	_ = callee.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := callee.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	var m sip.Message
	if err := m.Parse(buf[:n]); err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	await(t, 10*time.Second, func() (string, bool) {
		n := s.metric(`sipedge_transport_connections{transport="tls"}`)
		return fmt.Sprintf("%v connections", n), n == 0
	})
	answer := sip.AppendReply(nil, &m, 200, "", []byte("b"), nil)
	if _, err := callee.WriteToUDPAddrPort(answer, from); err != nil {
		t.Fatal(err)
	}
	got := readMessage(t, acceptTLS(t, back).in)
	if got.Status() != 200 || string(got.CallID()) != "x" {
		t.Errorf("by the new connection comes\n%s", got.Raw())
	}
}
