package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// withinDialogs are the rules that carry on what record_route began.
const withinDialogs = `
routes:
  sub: {stranger: [{do: [{reply: {code: 481}}]}]}
  request:
    - name: within a call
      match: {in_dialog: true}
      do: [{loose_route: {on_none: stranger}}, {relay: {}}]
`

// relayTo is a policy that relays every call to one place, and what happens there.
func relayTo(to netip.AddrPort, transport string) string {
	return testHead + withinDialogs + fmt.Sprintf(`
    - name: calls
      do: [{record_route: {}}, {relay: {to: "sip:%s;transport=%s"}}]
`, to, transport)
}

// callPath is a way a call takes: transport and family to the proxy and from it.
type callPath struct {
	name                     string
	callerIP, callerProto    string
	calleeIP, calleeProtocol string
}

var paths = []callPath{
	{"UDP to UDP", "127.0.0.1", "udp", "127.0.0.1", "udp"},
	{"TCP to TCP", "127.0.0.1", "tcp", "127.0.0.1", "tcp"},
	{"UDP to TCP", "127.0.0.1", "udp", "127.0.0.1", "tcp"},
	{"IPv4 to IPv6", "127.0.0.1", "udp", "::1", "udp"},
}

func TestSIPpPaths(t *testing.T) {
	needs(t, "sipp")
	for _, p := range paths {
		for _, end := range []struct{ name, uac, uas string }{
			{"caller hangs up", "uac", "uas"},
			{"callee hangs up", "uac_waits", "uas_ends"},
		} {
			t.Run(p.name+" "+end.name, func(t *testing.T) {
				l := sippLoad()
				callee, at := startUAS(t, end.uas, p.calleeProtocol, p.calleeIP, l)
				s := startServer(t, relayTo(at, p.calleeProtocol))
				to := s.addr(p.callerProto, strings.Contains(p.callerIP, ":"))
				carry(t, startUAC(t, end.uac, p.callerProto, to, l), callee, l)
			})
		}
	}
}

// TestIPv6ToIPv4 is the way that TestSIPpPaths lacks: calls from ::1 to 127.0.0.1, ended by
// either side.
func TestIPv6ToIPv4(t *testing.T) {
	needs(t, "sipp")
	l := load{50, 100, callLength}
	for _, end := range [][2]string{{"uac", "uas"}, {"uac_waits", "uas_ends"}} {
		t.Run(end[1], func(t *testing.T) {
			callee, at := startUAS(t, end[1], "udp", "127.0.0.1", l)
			s := startServer(t, relayTo(at, "udp"))
			carry(t, startUAC(t, end[0], "udp", s.addr("udp", true), l), callee, l)
		})
	}
}

// carry waits for caller and callee: every call succeeds at both ends.
func carry(t *testing.T, caller, callee *sipp, l load) {
	t.Helper()
	began := time.Now()
	for _, s := range []*sipp{caller, callee} {
		if ok, failed := s.wait(time.Duration(l.calls/l.rate+120) * time.Second); ok != l.calls {
			t.Errorf("%s: %d calls succeeded, %d failed, want %d", s.name, ok, failed, l.calls)
		}
	}
	t.Logf("%d calls at %d/s in %.1f s, 0 failed: %v", l.calls, l.rate,
		time.Since(began).Seconds(), !t.Failed())
}

// finishCalls ends endless calls: each that was begun succeeds at both ends.
func finishCalls(t *testing.T, caller, callee *sipp) {
	t.Helper()
	began, failed := caller.finish()
	taken, failedThere := callee.finish()
	if began == 0 || taken != began || failed+failedThere > 0 {
		t.Errorf("caller: %d calls succeeded, %d failed; callee: %d and %d",
			began, failed, taken, failedThere)
	}
	t.Logf("%d calls meanwhile, %d failed", began, failed+failedThere)
}

// SIPp's own scenarios send ACK and BYE without Route: the policy has to allow that.
func TestSIPpBuiltIn(t *testing.T) {
	needs(t, "sipp")
	l := sippLoad()
	callee, at := startUAS(t, "-uas", "udp", "127.0.0.1", l)
	s := startServer(t, testHead+fmt.Sprintf(`
routes:
  request:
    - name: everything, within dialogs too
      match: {source: 127.0.0.0/8}
      do: [{relay: {to: "sip:%s"}}]
    - name: nobody of ours
      do: [{reply: {code: 403}}]
`, at))
	carry(t, startUAC(t, "-uac", "udp", s.addr("udp", false), l), callee, l)
}

// failover is the policy of examples/02-failover with other ports.
func failover(t *testing.T, first, second netip.AddrPort) string {
	t.Helper()
	return movedExample(t, "02-failover",
		"127.0.0.1:5071", first.String(), "127.0.0.1:5072", second.String())
}

// movedExample reads an example's policy, on any ports, with what it names replaced.
func movedExample(t *testing.T, name string, oldnew ...string) string {
	t.Helper()
	b, err := os.ReadFile("../../examples/" + name + "/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	oldnew = append(oldnew, "127.0.0.1:5060", "127.0.0.1:0")
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(b), oldnew[i]) {
			t.Fatalf("%s does not name %s", name, oldnew[i])
		}
	}
	return strings.NewReplacer(oldnew...).Replace(string(b)) +
		"log: {format: json}\nadmin: {listen: \"127.0.0.1:0\"}\n"
}

// silent is a gateway that takes datagrams and answers none.
type silent struct {
	addr     netip.AddrPort
	received atomic.Int64
}

func startSilent(t *testing.T) *silent {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &silent{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	go func() {
		buf := make([]byte, 65535)
		for {
			if _, _, err := conn.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
			s.received.Add(1)
		}
	}()
	return s
}

func TestSIPpFailoverRefused(t *testing.T) {
	needs(t, "sipp")
	l := load{50, 50, callLength}
	first, at1 := startUAS(t, "refuse_503", "udp", "127.0.0.1", l)
	second, at2 := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, failover(t, at1, at2))
	carry(t, startUAC(t, "uac", "udp", s.addr("udp", false), l), second, l)
	if ok, failed := first.wait(30 * time.Second); ok != l.calls {
		t.Errorf("the first gateway saw %d calls, %d failed, want %d", ok, failed, l.calls)
	}
}

func TestSIPpFailoverSilent(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 20, callLength}
	first := startSilent(t)
	second, at2 := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, failover(t, first.addr, at2))
	began := time.Now()
	carry(t, startUAC(t, "uac", "udp", s.addr("udp", false), l), second, l)
	if waited := time.Since(began); waited < 2*time.Second {
		t.Errorf("the second gateway was called after %v, before fr_timer", waited)
	}
	if n := first.received.Load(); n < int64(l.calls) {
		t.Errorf("the first gateway received %d messages for %d calls", n, l.calls)
	}
}

func TestSIPpFailoverCallerHangsUp(t *testing.T) {
	needs(t, "sipp")
	l := load{20, 20, callLength}
	first, second := startSilent(t), startSilent(t)
	policy := strings.Replace(failover(t, first.addr, second.addr), "fr_timer: 2s", "fr_timer: 4s", 1)
	s := startServer(t, policy)
	caller := startUAC(t, "uac_cancels", "udp", s.addr("udp", false), l)
	if ok, failed := caller.wait(60 * time.Second); ok != l.calls {
		t.Errorf("%d calls ended as wanted, %d not", ok, failed)
	}
	time.Sleep(time.Second) // they ended with fr_timer: nothing more may come of it
	if first.received.Load() == 0 || second.received.Load() != 0 {
		t.Errorf("the gateways received %d and %d messages, want some and none",
			first.received.Load(), second.received.Load())
	}
}
