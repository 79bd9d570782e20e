package main

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/sip/resolve/resolvetest"
)

// Names, and the targets they lead to that fail.

// callsTo relays every call to a host of a policy, over a transport.
func callsTo(host, more string) string {
	return testHead + more + withinDialogs + fmt.Sprintf(`
    - name: calls
      do: [{record_route: {}}, {relay: {to: "sip:%s"}}]
`, host)
}

// says checks the counters of a server, as /metrics writes them.
func (s *server) says(series ...string) {
	s.t.Helper()
	all := s.counters()
	for _, one := range series {
		if !strings.Contains(all, "sipedge_"+one+"\n") {
			s.t.Errorf("want %s, got\n%s", one, all)
		}
	}
}

// TestFailover: of three servers of a name one refuses, one is ill, and one takes the call.
func TestFailover(t *testing.T) {
	needs(t, "sipp")
	gone := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	_, ill := startUAS(t, "refuse_503", "tcp", "127.0.0.1", load{2, 10, callLength})
	_, well := startUAS(t, "uas", "tcp", "127.0.0.1", load{2, 10, callLength})
	dns := resolvetest.Named(t, fmt.Sprintf(`_sip._tcp.three IN SRV 1 1 %d ns
_sip._tcp.three IN SRV 2 1 %d ns
_sip._tcp.three IN SRV 3 1 %d ns
`, gone.Port(), ill.Port(), well.Port()))
	s := startServer(t, callsTo("three.example;transport=tcp",
		fmt.Sprintf("dns: {servers: [%q], budget: 10s}\n", dns)))
	if got := invite(t, s.addr("udp", false)); got != "SIP/2.0 200 OK" {
		t.Fatalf("the caller got %q", got)
	}
	s.says(`transactions_total{side="client"} 3`, `transport_dial_errors_total{transport="tcp"} 1`,
		`failed_targets_total{reason="refused"} 1`, `failed_targets 1`)
	// Who refused is not dialled again.
	if got := invite(t, s.addr("udp", false)); got != "SIP/2.0 200 OK" {
		t.Fatalf("the second caller got %q", got)
	}
	s.says(`transactions_total{side="client"} 5`, `transport_dial_errors_total{transport="tcp"} 1`,
		`failed_targets_skipped_total 1`)
}

// TestNamesOnReload: what a name leads to by TCP alone is found once there is a listener for it,
// and not any more when there is none.
func TestNamesOnReload(t *testing.T) {
	needs(t, "sipp")
	_, callee := startUAS(t, "uas", "tcp", "127.0.0.1", load{2, 10, callLength})
	dns := resolvetest.Named(t, fmt.Sprintf(`road IN NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.road
_sip._tcp.road IN SRV 1 1 %d ns
`, callee.Port()))
	both := callsTo("road.example", fmt.Sprintf("dns: {servers: [%q], budget: 10s}\n", dns))
	byUDP := strings.Replace(both, `  - {tcp: "127.0.0.1:0"}`+"\n", "", 1)
	byUDP = strings.Replace(byUDP, `  - {tcp: "[::1]:0"}`+"\n", "", 1)
	s := startServer(t, byUDP)
	for _, step := range []struct{ policy, want string }{
		{byUDP, "SIP/2.0 500 No Transport To Next Hop"},
		{both, "SIP/2.0 200 OK"},
		{byUDP, "SIP/2.0 500 No Transport To Next Hop"},
	} {
		s.reload(step.policy, true)
		if got := invite(t, s.addr("udp", false)); got != step.want {
			t.Errorf("the caller got %q, want %q", got, step.want)
		}
	}
}

// TestRetryAfter: who asks for it is left alone, until an operator knows better.
func TestRetryAfter(t *testing.T) {
	needs(t, "sipp")
	gateway, at := startUAS(t, "refuse_retry_after", "udp", "127.0.0.1", load{2, 10, callLength})
	state := t.TempDir()
	s := startServer(t, callsTo(at.String(), ""), "--state", state)
	ctl := func(args ...string) string {
		t.Helper()
		socket := filepath.Join(state, "ctl.sock")
		return sipedge(t, "", append([]string{"ctl", "--socket", socket, "targets"}, args...)...)
	}
	to, busy := s.addr("udp", false), `failed_targets_total{reason="busy"} `
	for range 2 {
		if got := invite(t, to); !strings.HasPrefix(got, "SIP/2.0 500 ") {
			t.Fatalf("the caller got %q", got)
		}
		s.says(busy+"1", `transactions_total{side="client"} 1`)
	}
	s.says(`failed_targets_skipped_total 1`)
	if got := ctl("list"); !strings.Contains(got, at.String()+"/udp  busy") {
		t.Errorf("ctl targets list: %s", got)
	}
	if got := ctl("clear", at.String()); got != "cleared 1\n" {
		t.Errorf("ctl targets clear: %s", got)
	}
	if got := invite(t, to); !strings.HasPrefix(got, "SIP/2.0 500 ") {
		t.Fatalf("the caller got %q", got)
	}
	s.says(busy + "2")
	if n, _ := gateway.wait(30 * time.Second); n != 2 {
		t.Errorf("the gateway got %d calls, want 2", n)
	}
}

// TestBlackHole: no answer from the DNS costs calls to addresses nothing, and those to names no
// more than the budget.
func TestBlackHole(t *testing.T) {
	needs(t, "sipp")
	hole, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	l := load{1000, 200, callLength}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, testHead+fmt.Sprintf("dns: {servers: [%q], budget: 1s}\n", hole.LocalAddr())+
		withinDialogs+fmt.Sprintf(`
    - name: to a name
      match: {from: {user: test}}
      do: [{relay: {to: "sip:gw.example"}}]
    - name: to an address
      do: [{record_route: {}}, {relay: {to: "sip:%s"}}]
`, at))
	to := s.addr("udp", false)
	caller := startUAC(t, "uac", "udp", to, l)
	for range 4 {
		began := time.Now()
		got := invite(t, to)
		if got != "SIP/2.0 500 Next Hop Not Resolved" {
			t.Errorf("the call to a name got %q", got)
		}
		if took := time.Since(began); took > 5*time.Second { // the budget, on a busy machine
			t.Errorf("the call to a name took %v", took)
		}
		time.Sleep(time.Second) // a failure is remembered for so long
	}
	carry(t, caller, callee, l)
	s.says(`dns_lookups_failed_total{reason="out_of_time"} 4`)
}

// TestCarrierNumbers: a number leads to a gateway as a carrier's own tree says, and as the tree of
// those who hold numbers does not.
func TestCarrierNumbers(t *testing.T) {
	needs(t, "sipp")
	_, at := startUAS(t, "uas", "udp", "127.0.0.2", load{1, 10, callLength})
	rule := fmt.Sprintf("3.2.1.0.3.9.4.%%s NAPTR 1 1 \"u\" \"E2U+sip\" \"!^.*$!sip:x@%s!\" .\n", at)
	dns := resolvetest.Named(t, fmt.Sprintf(rule, "own")+fmt.Sprintf(rule, "users"))
	head := strings.Replace(testHead, `allow_targets: [127.0.0.0/8, "::1"]`, "", 1)
	policy := func(tree string) string {
		return head + fmt.Sprintf(`
dns: {servers: [%q], budget: 10s}
gateways: {pstn: {destinations: [{uri: "sip:%s"}]}}`, dns, at) + withinDialogs + fmt.Sprintf(`
    - name: to the gateway
      match: {from: {user: operator}}
      do: [{dispatch: {set: pstn}}, {relay: {}}]
    - name: numbers
      match: {source: 127.0.0.0/8}
      do: [{record_route: {}}, {enum: {number: "+4930123", %s}}, {relay: {}}]
    - {do: [{reply: {code: 404}}]}
`, tree)
	}
	s := startServer(t, policy("suffix: users.example"))
	for _, step := range []struct{ tree, want string }{
		{"suffix: users.example", "SIP/2.0 403 Destination Not Allowed"},
		{"suffix: own.example, gateways: true", "SIP/2.0 200 OK"},
	} {
		s.reload(policy(step.tree), true)
		if got := invite(t, s.addr("udp", false)); got != step.want {
			t.Errorf("%s: the caller got %q, want %q", step.tree, got, step.want)
		}
	}
	s.says(`transactions_total{side="client"} 1`)
}
