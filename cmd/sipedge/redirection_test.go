package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// redirectTo makes a scenario of a callee that redirects every call to Contacts.
func redirectTo(t *testing.T, contacts string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/sipp/redirect_302.xml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "redirect_302.xml")
	text := strings.Replace(string(b), "TARGETS", contacts, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// redirections relays calls to an address and follows redirections to localhost alone.
func redirections(to netip.AddrPort) string {
	return testHead + withinDialogs + fmt.Sprintf(`
    - name: calls
      do: [{record_route: {}}, {relay: {to: "sip:%s", failure: moved}}]
  failure:
    moved:
      - match: {status: 3xx}
        do:
          - recurse: {accept: {host: 127.0.0.1}, deny: {user: denied}}
          - relay: {failure: moved}
`, to)
}

// The callee redirects to a second one: the calls are set up there, and a Contact that is denied
// is not called.
func TestSIPpRedirected(t *testing.T) {
	needs(t, "sipp")
	l := load{50, 50, callLength}
	second, at2 := startUAS(t, "uas", "udp", "127.0.0.1", l)
	denied := startSilent(t)
	moved := fmt.Sprintf("<sip:denied@%s>, <sip:bob@%s>;q=0.5", denied.addr, at2)
	first, at1 := startUAS(t, redirectTo(t, moved), "udp", "127.0.0.1", l)
	s := startServer(t, redirections(at1))
	carry(t, startUAC(t, "uac", "udp", s.addr("udp", false), l), second, l)
	if ok, failed := first.wait(30 * time.Second); ok != l.calls {
		t.Errorf("the first callee saw %d calls, %d failed, want %d", ok, failed, l.calls)
	}
	if n := denied.received.Load(); n != 0 {
		t.Errorf("%d messages went where the policy denies it", n)
	}
	if n := s.metric("sipedge_proxy_recursed_total"); n != float64(l.calls) {
		t.Errorf("%v branches followed a redirection, want %d", n, l.calls)
	}
}
