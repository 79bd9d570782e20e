package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// fasterOf is a policy whose calls go to the faster of two gateways, and more of their set.
func fasterOf(first, second *gatewayPeer, more string) string {
	return testHead + fmt.Sprintf(`
gateways:
  pstn:
    algorithm: latency
    destinations: [{uri: "sip:%s"}, {uri: "sip:%s"}]
%s`, first.addr, second.addr, more) + withinDialogs + `
    - name: calls
      do: [{dispatch: {set: pstn}}, {relay: {}}]
`
}

// prefers waits until ten calls in a row go to one gateway, and none to another.
func (s *server) prefers(one, other *gatewayPeer) {
	s.t.Helper()
	await(s.t, 30*time.Second, func() (string, bool) {
		had, others := one.took.Load(), other.took.Load()
		for i := range 10 {
			id := fmt.Sprint(had, "-", others, "-", i)
			if got := s.invite(id); got != 200 {
				s.t.Fatalf("call %s got %d, want 200", id, got)
			}
		}
		had, others = one.took.Load()-had, other.took.Load()-others
		return fmt.Sprintf("of ten calls %d went to the faster, %d to the slower", had, others),
			had >= 10 && others == 0
	})
}

// Of two gateways the one that answers faster gets the calls; when it becomes the slower one, the
// other does.
func TestFasterGatewayGetsCalls(t *testing.T) {
	slow, fast := startGateway(t), startGateway(t)
	slow.lags(200 * time.Millisecond)
	state := t.TempDir()
	s := startServer(t, fasterOf(slow, fast, "    probe: {every: 1s, timeout: 900ms}\n"),
		"--state", state)
	s.prefers(fast, slow)

	ctl := func(args ...string) []byte {
		t.Helper()
		args = append([]string{"ctl", "--socket", filepath.Join(state, "ctl.sock"), "gateways", "list"},
			args...)
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
	s.prefers(slow, fast)
}

// Without probes calls tell who answers faster.
func TestCallsTellWhoIsFaster(t *testing.T) {
	slow, fast := startGateway(t), startGateway(t)
	slow.lags(200 * time.Millisecond)
	s := startServer(t, fasterOf(slow, fast, ""))
	s.prefers(fast, slow)
	if slow.took.Load() == 0 {
		t.Error("the slower one was never tried")
	}
	if sum := s.metric("sipedge_gateway_answer_seconds"); sum < 0.2 {
		t.Errorf("/metrics has %v seconds in all", sum)
	}
}
