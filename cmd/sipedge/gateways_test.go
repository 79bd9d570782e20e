package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/sip"
)

// gatewayPeer is a gateway of a test: it takes every call and answers probes, as long as it does.
type gatewayPeer struct {
	t    *testing.T
	addr netip.AddrPort
	conn *net.UDPConn
	took atomic.Int64

	mu   sync.Mutex
	mute bool            // a black hole: it takes datagrams and answers none
	late time.Duration   // how long it takes to answer
	open map[string]bool // by Call-ID, the calls that it has answered and that have not ended
	lost int             // calls that were open when it went
}

func startGateway(t *testing.T) *gatewayPeer {
	g := &gatewayPeer{
		t: t, open: map[string]bool{},
		addr: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t)),
	}
	g.comes()
	t.Cleanup(g.close)
	return g
}

// comes has it be where it was.
func (g *gatewayPeer) comes() {
	g.t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(g.addr))
	if err != nil {
		g.t.Fatal(err)
	}
	g.conn = conn
	go g.serve(conn)
}

// close is its end: the system refuses what comes.
func (g *gatewayPeer) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose()
	g.conn.Close()
}

// mutes has it be a black hole, or answer again.
func (g *gatewayPeer) mutes(mute bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose()
	g.mute = mute
}

// lags has it take so long to answer.
func (g *gatewayPeer) lags(late time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = late
}

// lose counts the calls that are open: they have no gateway any more. g.mu is held.
func (g *gatewayPeer) lose() {
	g.lost += len(g.open)
	clear(g.open)
}

func (g *gatewayPeer) serve(conn *net.UDPConn) {
	buf := make([]byte, 65535)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var m sip.Message
		if m.Parse(buf[:n]) == nil && m.Method() != sip.ACK {
			g.mu.Lock()
			late := g.late
			g.mu.Unlock()
			time.Sleep(late)
			g.answer(conn, &m, from)
		}
	}
}

func (g *gatewayPeer) answer(conn *net.UDPConn, m *sip.Message, to netip.AddrPort) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mute {
		return
	}
	if m.Method() == sip.INVITE {
		g.took.Add(1)
	}
	contact := fmt.Sprintf("Contact: <sip:%s>\r\n", g.addr)
	b := sip.AppendReply(nil, m, 200, "", []byte("gw"), []byte(contact))
	if _, err := conn.WriteToUDPAddrPort(b, to); err != nil {
		return // closed meanwhile
	}
	switch m.Method() {
	case sip.INVITE:
		g.open[string(m.CallID())] = true
	case sip.BYE:
		delete(g.open, string(m.CallID()))
	}
}

// gatewayState is what the server says of a gateway.
func (s *server) gatewayState(uri string) string {
	s.t.Helper()
	_, text := s.get("/metrics")
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "sipedge_gateway_state{") && strings.Contains(l, `"`+uri+`"`) &&
			strings.HasSuffix(l, " 1\n") {
			_, state, _ := strings.Cut(l, `state="`)
			state, _, _ = strings.Cut(state, `"`)
			return state
		}
	}
	return "unknown"
}

// becomes waits until a gateway is in a state, and says how long that took.
func (s *server) becomes(g *gatewayPeer, state string) time.Duration {
	s.t.Helper()
	began, uri := time.Now(), "sip:"+g.addr.String()
	await(s.t, 20*time.Second, func() (string, bool) {
		now := s.gatewayState(uri)
		return uri + " is " + now + ", want " + state, now == state
	})
	return time.Since(began).Round(10 * time.Millisecond)
}

func trunk(first, second *gatewayPeer) string {
	return testHead + fmt.Sprintf(`
dns: {servers: ["127.0.0.1:1"], budget: 500ms}
gateways:
  pstn:
    destinations: [{uri: "sip:%s"}, {uri: "sip:%s"}, {uri: "sip:gone.example.net"}]
    probe: {every: 1s, timeout: 500ms, failures: 2, successes: 2}
`, first.addr, second.addr) + withinDialogs + `
    - name: calls
      do:
        - record_route: {}
        - dispatch: {set: pstn}
        - relay: {fr_timer: 500ms, failure: next_gateway}
  failure:
    next_gateway:
      - name: silent or ill
        match: {any: [{cause: [timeout, transport]}, {status: 5xx}]}
        do: [{next_destination: {}}, {relay: {fr_timer: 500ms, failure: next_gateway}}]
`
}

// A gateway is killed, comes back, is a black hole, comes back and flaps, under calls: at least
// 99 of a hundred succeed, beside those that it had when it went.
func TestSIPpGatewaysFail(t *testing.T) {
	needs(t, "sipp")
	first, second := startGateway(t), startGateway(t)
	s := startServer(t, trunk(first, second))
	calls := endless(50)
	calls.last = time.Millisecond // a call in progress ends with its gateway
	caller := startUAC(t, "uac", "udp", s.addr("udp", false), calls)
	caller.lossy = true // one whose gateway goes between ACK and BYE fails
	await(t, 20*time.Second, func() (string, bool) {
		return "both take calls", first.took.Load() > 5 && second.took.Load() > 5
	})
	await(t, 20*time.Second, func() (string, bool) {
		state := s.gatewayState("sip:gone.example.net")
		return "a gateway whose name has no address is " + state, state == "unresolved"
	})
	first.close()
	left := s.becomes(first, "down")
	first.comes()
	t.Logf("killed: down after %v, up after %v", left, s.becomes(first, "up"))
	first.mutes(true)
	left = s.becomes(first, "down")
	first.mutes(false)
	t.Logf("a black hole: down after %v, up after %v", left, s.becomes(first, "up"))
	for range 4 {
		first.close()
		time.Sleep(400 * time.Millisecond)
		first.comes()
		time.Sleep(400 * time.Millisecond)
	}
	s.becomes(first, "up")
	ok, failed := caller.finish()
	t.Logf("%d calls succeeded, %d failed, %d were lost with the gateway; %d and %d by gateway", ok,
		failed, first.lost, first.took.Load(), second.took.Load())
	if ok < 100 || (failed-first.lost)*100 > ok+failed {
		t.Errorf("%d of %d calls failed, %d of them with the gateway", failed, ok+failed, first.lost)
	}
}

// Without a gateway calls are refused at once, and taken when one is back.
func TestGatewaysAllDown(t *testing.T) {
	first, second := startGateway(t), startGateway(t)
	socket := filepath.Join(t.TempDir(), "ctl.sock")
	s := startServer(t, strings.NewReplacer(`admin: {`, `admin: {socket: "`+socket+`", `,
		"fr_timer: 500ms", "fr_timer: 5s").Replace(trunk(first, second)))
	first.close()
	second.mutes(true)
	s.becomes(first, "down")
	s.becomes(second, "down")
	if got := s.invite("1"); got != 503 {
		t.Errorf("a call without a gateway got %d, want 503", got)
	}
	second.mutes(false)
	s.becomes(second, "up")
	if got := s.invite("2"); got != 200 {
		t.Errorf("a call with a gateway got %d, want 200", got)
	}
	ctl := func(args ...string) (list []struct{ Set, URI, State string }) {
		t.Helper()
		args = append([]string{"ctl", "--socket", socket, "-o", "json", "gateways"}, args...)
		out, err := exec.Command("sipedge", args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		var answer struct {
			Gateways []struct{ Set, URI, State string }
		}
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Gateways
	}
	uri := "sip:" + second.addr.String()
	if got := ctl("drain", "pstn", uri); len(got) != 1 || got[0].State != "drained" {
		t.Errorf("drain: %+v", got)
	}
	if got := s.invite("3"); got != 503 {
		t.Errorf("a call to a drained gateway got %d, want 503", got)
	}
	s.reload(trunk(first, second)+"# another\n", false) // the socket can't change
	ctl("enable", "pstn")
	if got := s.invite("4"); got != 200 {
		t.Errorf("a call to an enabled gateway got %d, want 200", got)
	}
	if got := ctl("list"); len(got) != 3 || got[0].Set != "pstn" {
		t.Errorf("list: %+v", got)
	}
}

// invite sends an INVITE, and returns the status of the final response.
func (s *server) invite(id string) int {
	s.t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.addr("udp", false)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "INVITE sip:+4930@example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:a@example.net>;tag=a\r\nTo: <sip:+4930@example.net>\r\n"+
		"Call-ID: invite-%s\r\nCSeq: 1 INVITE\r\nContact: <sip:%s>\r\nContent-Length: 0\r\n\r\n",
		conn.LocalAddr(), id, id, conn.LocalAddr())
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 65535)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			s.t.Fatalf("no final response: %v", err)
		}
		var m sip.Message
		if m.Parse(buf[:n]) == nil && m.Status() >= 200 {
			return m.Status()
		}
	}
}
