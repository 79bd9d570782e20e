package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// allRoutes is a policy with a route of every type. Calls go to sick, which refuses
// them, then to well; ops is told of what happens.
func allRoutes(sick, well, ops netip.AddrPort) string {
	return testHead + "domains: [edge.test]\n" + withinDialogs + fmt.Sprintf(`
    - name: calls
      do:
        - record_route: {}
        - relay: {to: "sip:%[1]s", branch: each, failure: refused, reply: seen}
  branch:
    each: [{do: [{add_header: {X-Branch: each}}]}]
  failure:
    refused:
      - match: {status: 503}
        do:
          - send_request: {method: MESSAGE, to: "sip:failure@%[3]s", body: "{status}"}
          - relay: {to: "sip:%[2]s"}
  reply:
    seen: [{match: {status: 503}, do: [{log: {message: "reply route: {status}"}}]}]
  error:
    - do: [{reply: {code: 400, reason: "{error.text}", headers: {X-Error: "{error.class}"}}}]
  local:
    - do: [{set_header: {X-Local: "{ruri.user} of {from.host}"}}]
  startup:
    - log: {message: startup route}
    - send_request: {method: MESSAGE, to: "sip:startup@%[3]s", body: begins}
  timer:
    often: {every: 200ms, do: [{send_request: {method: OPTIONS, to: "sip:timer@%[3]s"}}]}
`, sick, well, ops)
}

// observer answers every request 200 and keeps it.
type observer struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  []string
}

func newObserver(t *testing.T) *observer {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{conn: conn}
	done := make(chan struct{})
	go func() { defer close(done); o.answer() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return o
}

func (o *observer) addr() netip.AddrPort { return o.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (o *observer) answer() {
	b := make([]byte, 65536)
	for {
		n, from, err := o.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.got = append(o.got, string(b[:n]))
		o.mu.Unlock()
		reply := []byte("SIP/2.0 200 OK\r\n")
		for line := range bytes.Lines(b[:n]) {
			name, _, _ := strings.Cut(string(line), ":")
			switch name {
			case "Via", "From", "Call-ID", "CSeq":
				reply = append(reply, line...)
			case "To":
				reply = append(reply, bytes.TrimRight(line, "\r\n")...)
				reply = append(reply, ";tag=ops\r\n"...)
			}
		}
		o.conn.WriteToUDPAddrPort(append(reply, "Content-Length: 0\r\n\r\n"...), from)
	}
}

// count is how many requests for a user came by way of the local route.
func (o *observer) count(user string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.got {
		if strings.Contains(m, " sip:"+user+"@") &&
			strings.Contains(m, "\r\nX-Local: "+user+" of edge.test\r\n") {
			n++
		}
	}
	return n
}

// Every type of route does its work in a server that carries calls.
func TestSIPpAllRoutes(t *testing.T) {
	needs(t, "sipp")
	l := load{calls: 100, rate: 50, last: callLength}
	sick, sickAt := startUAS(t, "refuse_503", "udp", "127.0.0.1", l)
	well, wellAt := startUAS(t, "uas", "udp", "127.0.0.1", l)
	ops := newObserver(t)
	s := startServer(t, allRoutes(sickAt, wellAt, ops.addr()))
	carry(t, startUAC(t, "uac", "udp", s.addr("udp", false), l), well, l)
	if n, failed := sick.wait(30 * time.Second); n != l.calls || failed > 0 {
		t.Errorf("%d calls were refused, %d failed", n, failed)
	}
	await(t, 20*time.Second, func() (string, bool) {
		startup, failure, timer := ops.count("startup"), ops.count("failure"), ops.count("timer")
		return fmt.Sprintf("startup %d, failure %d, timer %d", startup, failure, timer),
			startup == 1 && failure == l.calls && timer > 1
	})
	for line, want := range map[string]int{
		`"text":"startup route"`: 1, `"text":"reply route: 503"`: l.calls,
	} {
		if n := strings.Count(s.lines(), line); n != want {
			t.Errorf("%d times %s in the log, want %d", n, line, want)
		}
	}
	reply := malformed(t, s.addr("udp", false))
	if !strings.HasPrefix(reply, "SIP/2.0 400 ") || !strings.Contains(reply, "X-Error: max-forwards") {
		t.Errorf("to a malformed request: %s", reply)
	}
}

// malformed sends a request with a bad Max-Forwards and returns what is answered.
func malformed(t *testing.T, to netip.AddrPort) string {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "OPTIONS sip:x@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKm;rport\r\n"+
		"From: <sip:a@edge.test>;tag=a\r\nTo: <sip:x@edge.test>\r\nCall-ID: malformed\r\n"+
		"CSeq: 1 OPTIONS\r\nMax-Forwards: many\r\nContent-Length: 0\r\n\r\n", to, conn.LocalAddr())
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 65536)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}
