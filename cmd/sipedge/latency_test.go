package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Of two gateways the one that answers faster gets the calls; when it becomes the slower one, the
// other does.
func TestFasterGatewayGetsCalls(t *testing.T) {
	slow, fast := startGateway(t), startGateway(t)
	slow.lags(200 * time.Millisecond)
	socket := filepath.Join(t.TempDir(), "ctl.sock")
	s := startServer(t, strings.Replace(testHead, `admin: {`, `admin: {socket: "`+socket+`", `, 1)+
		fmt.Sprintf(`
gateways:
  pstn:
    algorithm: latency
    destinations: [{uri: "sip:%s"}, {uri: "sip:%s"}]
    probe: {every: 1s, timeout: 900ms}
`, slow.addr, fast.addr)+withinDialogs+`
    - name: calls
      do: [{dispatch: {set: pstn}}, {relay: {}}]
`)
	calls := 0
	// prefers waits until ten calls in a row go to one, and none to the other.
	prefers := func(one, other *gatewayPeer) {
		t.Helper()
		await(t, 30*time.Second, func() (string, bool) {
			had, others := one.took.Load(), other.took.Load()
			for range 10 {
				calls++
				if got := s.invite(fmt.Sprint(calls)); got != 200 {
					t.Fatalf("call %d got %d, want 200", calls, got)
				}
			}
			had, others = one.took.Load()-had, other.took.Load()-others
			return fmt.Sprintf("of ten calls %d went to the faster, %d to the slower", had, others),
				had >= 10 && others == 0
		})
	}
	prefers(fast, slow)

	ctl := func(args ...string) []byte {
		t.Helper()
		args = append([]string{"ctl", "--socket", socket, "gateways", "list"}, args...)
		out, err := exec.Command("sipedge", args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	var answer struct {
		Gateways []struct {
			Answer float64 `json:"answer_seconds"`
		}
	}
	if err := json.Unmarshal(ctl("-o", "json"), &answer); err != nil {
		t.Fatal(err)
	}
	list := answer.Gateways
	if len(list) != 2 || list[0].Answer < 0.2 || list[1].Answer <= 0 {
		t.Errorf("the first takes 200 ms to answer: %+v", list)
	}
	row := regexp.MustCompile(`(?m)^pstn +sip:` + slow.addr.String() + ` .* [0-9.]+m?s$`)
	if out := ctl(); !row.Match(out) {
		t.Errorf("ctl gateways list:\n%s", out)
	}
	if sum := s.metric("sipedge_gateway_answer_seconds"); sum < 0.2 {
		t.Errorf("/metrics has %v seconds in all", sum)
	}

	slow.lags(0)
	fast.lags(200 * time.Millisecond)
	prefers(slow, fast)
}
