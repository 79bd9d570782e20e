package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// afterSetup waits until as many ACKs as there are calls have passed.
func (s *server) afterSetup(l load) {
	s.t.Helper()
	await(s.t, 30*time.Second, func() (string, bool) {
		n := s.metric("sipedge_proxy_forwarded_total")
		return fmt.Sprintf("%v of %d calls are set up", n, l.calls), n >= float64(l.calls)
	})
}

// While a server drains it is not ready and takes no new call. Those that are being set up get
// their final response, and with the last it ends.
func TestSIPpDrain(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 20, 4 * time.Second}
	callee, at := startUAS(t, "uas_refuses", "udp", "127.0.0.1", l)
	s := startServer(t, relayTo(at, "udp"), "--drain", "30s")
	to := s.addr("udp", false)
	caller := startUAC(t, "uac_refused", "udp", to, l)
	await(t, 30*time.Second, func() (string, bool) {
		n := s.metric("sipedge_proxy_relayed_total")
		return fmt.Sprintf("%v of %d calls have come", n, l.calls), n >= float64(l.calls)
	})
	if code, _ := s.get("/readyz"); code != 200 {
		t.Errorf("/readyz is %d before the drain", code)
	}
	began := time.Now()
	s.cmd.Process.Signal(syscall.SIGTERM)
	await(t, 5*time.Second, func() (string, bool) {
		code, _ := s.get("/readyz")
		return fmt.Sprintf("/readyz is %d", code), code == 503
	})
	if status := invite(t, to); status != "SIP/2.0 503 Service Unavailable" {
		t.Errorf("a new call gets %q while the server drains", status)
	}
	if s.metric("sipedge_drained_total") != 1 {
		t.Error("the refused call is not counted")
	}
	carry(t, caller, callee, l)
	<-s.exited
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the drain took %v, the calls ring for %v", took, l.last)
	}
}

// invite calls over UDP and returns the first line of the first final response.
func invite(t *testing.T, to netip.AddrPort) string {
	t.Helper()
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "INVITE sip:callee@%[1]s SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]x\r\nMax-Forwards: 70\r\n"+
		"From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:callee@%[1]s>\r\nCall-ID: %[3]x\r\n"+
		"CSeq: 1 INVITE\r\nContact: <sip:test@%[2]s>\r\nContent-Length: 0\r\n\r\n",
		to, conn.LocalAddr(), time.Now().UnixNano())
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
		if !strings.HasPrefix(line, "SIP/2.0 1") {
			return line
		}
	}
}

// A second signal ends a drain at once.
func TestSecondSignal(t *testing.T) {
	needs(t, "sipp")
	l := load{1, 10, time.Minute}
	_, at := startUAS(t, "uas_refuses", "udp", "127.0.0.1", l)
	s := startServer(t, relayTo(at, "udp"), "--drain", "5m")
	startUAC(t, "uac_refused", "udp", s.addr("udp", false), l)
	await(t, 30*time.Second, func() (string, bool) {
		return "the call has not come", s.metric("sipedge_proxy_relayed_total") >= 1
	})
	s.cmd.Process.Signal(syscall.SIGTERM)
	await(t, 5*time.Second, func() (string, bool) {
		code, _ := s.get("/readyz")
		return fmt.Sprintf("/readyz is %d", code), code == 503
	})
	s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		t.Error("the server still drains after a second signal")
	}
}

// Calls set up before a restart are ended after it: the state folder keeps the key that
// signed their Record-Route.
func TestSIPpRestart(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 20, 5 * time.Second}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	here := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	policy := strings.Replace(relayTo(at, "udp"),
		`{udp: "127.0.0.1:0"}`, fmt.Sprintf("{udp: %q}", here), 1)
	state := t.TempDir()
	first := startServer(t, policy, "--state", state)
	caller := startUAC(t, "uac", "udp", here, l)
	first.afterSetup(l)
	first.cmd.Process.Signal(syscall.SIGTERM)
	<-first.exited
	second := startServer(t, policy, "--state", state)
	carry(t, caller, callee, l)
	if n := second.metric("sipedge_proxy_relayed_total"); n != float64(l.calls) {
		t.Errorf("the second process relayed %v requests, want the BYE of %d calls", n, l.calls)
	}
}
