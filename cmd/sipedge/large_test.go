package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// largeCall is a load of one call.
var largeCall = load{1, 1, callLength}

// TestLargeRequest calls with an INVITE of 4 kB by UDP, RFC 3261 §18.1.1: it arrives by TCP where
// the callee listens by it, and by UDP where he does not.
func TestLargeRequest(t *testing.T) {
	needs(t, "sipp")
	uac := largeScenario(t)
	for _, callee := range []string{"tcp", "udp"} {
		t.Run(callee, func(t *testing.T) {
			seen := filepath.Join(t.TempDir(), "seen.log")
			local := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
			uas := startSIPp(t, "uas", callee, local,
				append(largeCall.args(), "-trace_msg", "-message_file", seen)...)
			await(t, 10*time.Second, func() (string, bool) {
				return "the callee does not listen", bound(local.Port())
			})
			s := startServer(t, testHead+withinDialogs+fmt.Sprintf(`
    - name: calls
      do: [{record_route: {}}, {relay: {to: "sip:%s"}}]
`, local))
			carry(t, startUAC(t, uac, "udp", s.addr("udp", false), largeCall), uas, largeCall)
			text, err := os.ReadFile(seen)
			if err != nil {
				t.Fatal(err)
			}
			_, invite, _ := strings.Cut(string(text), "\nINVITE ")
			head, _, _ := strings.Cut(invite, "\r\n\r\n")
			_, via, _ := strings.Cut(head, "\nVia: ")
			if want := "SIP/2.0/" + strings.ToUpper(callee) + " "; !strings.HasPrefix(via, want) {
				t.Errorf("want a Via of %s on top, got\n%s", callee, head[:min(len(head), 600)])
			}
			if !strings.Contains(s.counters(), "sipedge_proxy_by_tcp_total 1") {
				t.Errorf("not counted:\n%s", s.counters())
			}
		})
	}
}

// largeScenario is that of a caller whose INVITE has 4 kB.
func largeScenario(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/sipp/uac.xml")
	if err != nil {
		t.Fatal(err)
	}
	line := []byte("    a=rtpmap:0 PCMU/8000\n")
	b = bytes.Replace(b, line, bytes.Repeat(line, 4096/(len(line)-4)), 1)
	name := filepath.Join(t.TempDir(), "uac_large.xml")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
