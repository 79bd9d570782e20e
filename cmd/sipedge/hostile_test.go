package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"sipedge/examples/bench/attack"
	"sipedge/examples/bench/peers"
	"sipedge/examples/bench/scrape"
)

const (
	hostileRate = 50 // connections or calls a second
	// stall is shorter than anything that waits for a peer: connecting to it and writing to it take
	// 5 s, and so does what it begins and does not end. It is long for a machine that is in use.
	stall = 3 * time.Second
)

// hostilePolicy carries calls over TCP and TLS.
func hostilePolicy(c peers.Certificates) string {
	return testHead + fmt.Sprintf(`  - {tls: "127.0.0.1:0", certificate: edge}
certificates: {edge: {cert: %s, key: %s, ca: %s}}
limits: {message_time: 5s}
`, c.Cert, c.Key, c.CA) + withinDialogs + `
    - {name: are you there, match: {method: OPTIONS}, do: [{reply: {code: 200}}]}
    - {name: calls, match: {source: 127.0.0.0/8}, do: [{record_route: {}}, {relay: {}}]}
    - {name: nobody of ours, do: [{reply: {code: 403}}]}
`
}

// TestHostile has each attack of make bench-hostile beside calls: all of them are made, none waits
// as long as what is hostile does, the server ends what is hostile, and counts it.
func TestHostile(t *testing.T) {
	load := buildLoad(t)
	certificates, err := peers.NewCertificates(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attack.All[1:] { // the first is none
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			testHostile(t, a, load, certificates)
		})
	}
}

func testHostile(t *testing.T, a *attack.Attack, load string, c peers.Certificates) {
	s := startServer(t, hostilePolicy(c))
	over := a.Over.String()
	raid := attack.New(a, s.addr(over, false).String(), hostileRate)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- raid.Run(ctx) }()
	// The server connects to the callee beside it, too.
	await(t, 20*time.Second, func() (string, bool) {
		return fmt.Sprintf("%+v", raid.Done()), raid.Done().Begun >= hostileRate
	})
	calls := exec.Command(load, "-transport", over, "-proxy", s.addr(over, false).String(),
		"-cert", c.Cert, "-key", c.Key, "-ca", c.CA, "-callee", "127.0.0.1:0",
		"-load", "20/6s", "-json")
	out, err := calls.Output()
	if err != nil {
		t.Fatalf("%v: %v", calls, err)
	}
	beside := raid.Done().Begun - hostileRate
	await(t, 20*time.Second, func() (string, bool) {
		m, err := scrape.Get("http://" + s.admin + "/metrics")
		return fmt.Sprintf("%s %v (%v), %+v", a.Counter, m[a.Counter], err, raid.Done()),
			m[a.Counter] >= hostileRate && raid.Done().Ended >= hostileRate
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var phases []struct {
		Offered, Completed uint64
		Longest            float64 `json:"answered_p999"` // s, of fewer than a thousand calls
	}
	if err := json.Unmarshal(out, &phases); err != nil {
		t.Fatal(err)
	}
	p := phases[0]
	t.Logf("%+v beside %d", p, beside)
	if p.Completed < p.Offered || p.Longest > stall.Seconds() || beside < hostileRate {
		t.Errorf("%+v beside %d: want all completed, within %v", p, beside, stall)
	}
}
