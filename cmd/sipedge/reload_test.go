package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// brokenPolicies are refused in different ways: by the syntax, the schema, the routes, and
// for an address that is none of this host.
func brokenPolicies(good string) []string {
	return []string{
		good[:len(good)-20] + "\n  - [",
		strings.Replace(good, "loose_route:", "loose_rout:", 1),
		strings.Replace(good, "on_none: stranger", "on_none: nobody", 1),
		strings.Replace(good, "- {udp: \"127.0.0.1:0\"}", "- {udp: \"192.0.2.1:5060\"}", 1),
	}
}

// Every call goes through while the policy is swapped a hundred times under it, ten of them
// for one that is refused.
func TestSIPpReload(t *testing.T) {
	needs(t, "sipp")
	reloads, pause, l := 20, 50*time.Millisecond, endless(200)
	if soaking() {
		reloads, pause = 100, 250*time.Millisecond
	}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	good := relayTo(at, "udp")
	s := startServer(t, good)
	caller := startUAC(t, "uac", "udp", s.addr("udp", false), l)
	broken := brokenPolicies(good)
	accepted, refused := 0, 0
	for i := 1; i <= reloads; i++ {
		if i%10 == 0 {
			s.reload(broken[refused%len(broken)], false)
			refused++
		} else {
			s.reload(fmt.Sprintf("# reload %d\n%s", i, good), true)
			accepted++
		}
		time.Sleep(pause)
	}
	finishCalls(t, caller, callee)
	t.Logf("%d reloads accepted, %d refused", accepted, refused)
}
